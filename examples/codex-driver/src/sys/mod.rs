//! What differs from one system to the other.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;

#[cfg(not(unix))]
#[path = "other.rs"]
mod imp;

pub(crate) use imp::{Stream, connect, lead_a_group, private_dir, terminate};
