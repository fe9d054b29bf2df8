//! One file a command: the arguments, and what is printed.

pub mod completions;
pub mod doctor;
pub mod event;
mod gist;
pub mod install;
pub mod man;
mod moment;
pub mod prune;
mod scope;
pub mod status;
pub mod tail;
pub mod uninstall;
