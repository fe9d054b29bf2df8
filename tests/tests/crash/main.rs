//! Real processes, killed before and after each of their file-system calls, or each of these failed: nothing that was
//! acknowledged is lost, nothing is left lying about, and nobody stays locked out.
//!
//! Each test prints the points at which it killed, or how often it failed what.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(
    clippy::print_stdout,
    reason = "the test runner shows it where it is asked to, and where a test fails"
)]

mod consuming;
#[cfg(target_arch = "x86_64")]
mod failing;
mod interleaving;
mod kill;
mod spool_dir;
mod writing;
