//! Installs the Codex CLI that the tests drive, if it is not there yet, and prints where it is.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

fn main() -> ExitCode {
    let (printed, code) = match codex_hook_tests::install_codex() {
        Ok(binary) => (writeln!(stdout(), "{}", binary.display()), ExitCode::SUCCESS),
        Err(problem) => (writeln!(stderr(), "{problem}"), ExitCode::FAILURE),
    };
    if printed.is_ok() { code } else { ExitCode::FAILURE }
}
