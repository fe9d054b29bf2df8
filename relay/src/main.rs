//! `hook-relay`: the spool of every host into NATS JetStream.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use codex_spool_nats::error::Error;
use codex_spool_nats::say::say;
use codex_spool_nats::{check, fleet, run};

/// Relay the events of OpenAI's Codex CLI on this host into NATS JetStream, each exactly once, and read what the fleet
/// relays.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Check(check::Args),
    Tail(fleet::Tail),
    Threads(fleet::Threads),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // One thread for the network; what reads and settles the spool are threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Error::Start).and_then(|runtime| {
        runtime.block_on(async {
            match command {
                Command::Run(args) => run::run(*args).await,
                Command::Check(args) => check::check(args).await,
                Command::Tail(args) => fleet::tail(args).await,
                Command::Threads(args) => fleet::threads(args).await,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
