//! `workspace`: delegates tasks to Codex sessions, and returns each result once into an operator's thread.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it is what this program is for")]

mod cli;
mod delegation;
mod error;
mod operator;
mod overview;
mod state;
mod wake;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workspace: {error}");
            ExitCode::FAILURE
        }
    }
}
