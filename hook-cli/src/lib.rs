//! The `hook` command, as a library.
