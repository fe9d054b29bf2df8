//! `hook-cli`: every command of `hook` but `event`.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_hook::cli::main(std::env::args_os(), |name| std::env::var_os(name))
}
