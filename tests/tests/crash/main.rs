//! Real processes, killed before and after each of their file-system calls: nothing that was acknowledged is lost,
//! nothing is left lying about, and nobody stays locked out.
//!
//! Each test prints the points at which it killed.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod consuming;
mod interleaving;
mod kill;
mod spool_dir;
mod writing;
