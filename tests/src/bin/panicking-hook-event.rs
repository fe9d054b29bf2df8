//! `hook event` with a panic in its middle: its standard input panics where it is read.

use std::{
    io::{self, Read},
    process::ExitCode,
};

struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("the input\nhas two lines");
    }
}

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1);
    let env = |name: &str| std::env::var_os(name);
    codex_hook::event::main(args, env, None, &mut Panicking, &mut io::stderr())
}
