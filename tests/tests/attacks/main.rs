//! What somebody may have put into a spool, or into a payload, to get at what is none of theirs.
//!
//! Who may write to a spool at all is tried in `hook_event_directory`, what steers a terminal in `hook_tail`, and a
//! damaged record in the laws of the library.

#![cfg(unix)]

mod folders;
mod many;
mod names;
mod planted;
mod records;
mod transcripts;
