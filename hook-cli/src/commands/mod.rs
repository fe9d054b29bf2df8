//! One file a command: the arguments, and what is printed.

pub(crate) mod doctor;
pub(crate) mod event;
mod file_report;
pub(crate) mod gist;
pub(crate) mod install;
mod moment;
pub(crate) mod prune;
mod scope;
pub(crate) mod status;
#[allow(unreachable_pub, reason = "it says `pub` for what the command line calls")]
pub(crate) mod tail;
pub(crate) mod threads;
pub(crate) mod uninstall;
pub(crate) mod wait;
