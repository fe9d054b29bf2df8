//! The `hook` command, as a library.
//!
//! [`event`] is what Codex runs. [`install`] writes Codex's hook files and talks with Codex about trust; another program
//! can call it too. The [`commands`] above them only parse and print.

pub mod cli;
pub mod commands;
pub mod event;
pub mod install;
