//! What install does to files that others have a part in.

#![cfg(unix)]

mod at_once;
mod editing;
#[path = "../home/mod.rs"]
mod home;
mod links_and_modes;
mod refusing;
mod support;
mod the_command;
mod trust_entries;
