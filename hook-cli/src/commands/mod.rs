//! One file a command: the arguments, and what is printed.

pub(crate) mod completions;
pub(crate) mod conditions;
pub(crate) mod consumers;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod event_line;
mod file_report;
pub(crate) mod gist;
pub(crate) mod install;
pub(crate) mod man;
mod moment;
pub(crate) mod prune;
mod scope;
mod spool_dir;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod threads;
pub(crate) mod uninstall;
pub(crate) mod wait;
