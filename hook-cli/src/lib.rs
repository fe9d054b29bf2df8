//! The `hook` command, as a library.
//!
//! [`install`] writes Codex's hook files and talks with Codex about trust; another program can call it too. The commands
//! above it only parse and print.

pub mod cli;
pub mod commands;
pub mod install;
