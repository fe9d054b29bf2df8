//! Does nothing: what starting any Rust program costs, for the benchmarks.

fn main() {}
