//! The relay between real spools and real NATS servers.

#![cfg(unix)]

mod cluster;
mod exactly_once;
mod faults;
mod fleet;
mod support;
