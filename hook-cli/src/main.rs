//! `hook`
fn main() {}
