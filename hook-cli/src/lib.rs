//! The `hook` command, as a library.
//!
//! [`event`] is what Codex runs. [`install`] writes Codex's hook files and talks with Codex about trust; another program
//! can call it too. [`cli`] parses a command line, has them do it, and prints. [`show`] is how it prints events and threads.

pub mod cli;
mod commands;
mod complaints;
mod counted;
pub mod error;
pub mod event;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod install;
pub mod show;
mod terminal;
mod threads;
