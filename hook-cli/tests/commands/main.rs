//! The commands as people and scripts use them.

#![cfg(unix)]

mod command_line;
mod doctor;
#[path = "../home/mod.rs"]
mod home;
mod installing;
mod status;
mod support;
mod uninstalling;
