//! The `hook` command, as a library: what its two programs do, with clock, environment and streams as parameters.

pub mod cli;
pub mod event;
mod gist;
mod tail;
