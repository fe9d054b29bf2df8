//! Consumers as processes: several at once, killed, in each other's way, and where the system has nothing to spare.

#![cfg(target_os = "linux")]
#![allow(
    clippy::print_stdout,
    reason = "the test runner shows it where it is asked to, and where a test fails"
)]

mod deadly;
mod full_disk;
mod killed;
mod names;
mod watch;
