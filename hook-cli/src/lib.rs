//! The `hook` command, as a library.
//!
//! [`install`] writes Codex's hook files and talks with Codex about trust; another program can call it too.

pub mod install;
