//! `hook threads` and `hook wait`, on the sessions of a real Codex.

#![cfg(unix)]

mod listing;
mod waiting;
mod watching;
