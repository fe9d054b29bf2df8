//! One file a command: the arguments, and what is printed.

mod conditions;
pub(crate) mod consumers;
mod counted;
pub(crate) mod doctor;
pub(crate) mod event;
mod event_line;
mod gist;
pub(crate) mod install;
mod moment;
pub(crate) mod prune;
mod scope;
mod spool_dir;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod uninstall;
