//! One file a command: the arguments, and what is printed.

pub mod doctor;
pub mod event;
mod gist;
pub mod install;
mod moment;
pub mod prune;
mod scope;
pub mod status;
pub mod tail;
pub mod uninstall;
