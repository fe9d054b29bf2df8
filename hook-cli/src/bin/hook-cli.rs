//! `hook-cli`: every command of `hook` but `event`.

use std::process::ExitCode;

use codex_hook::cli::{Context, run};

fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), &Context::of_process()))
}
