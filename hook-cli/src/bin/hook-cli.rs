//! `hook-cli`
fn main() {}
