//! `hook-relay`: from the spool of a host into NATS JetStream.
//!
//! A spool serves one machine; a stream that a fleet shares is a distributed log's job. [`run`](mod@run) is a durable
//! consumer of the spool that publishes each event, and settles it when JetStream has acknowledged it; while the server
//! is away the spool keeps what comes. How an event comes to be in the stream exactly once: [`publisher`].

mod check;
mod error;
mod fleet;
mod identity;
mod message;
mod publisher;
mod run;
mod say;
mod server;
mod stream;
mod subject;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::say::say;

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
        let ended = runtime.block_on(async {
            match command {
                Command::Run(args) => run::run(*args).await,
                Command::Check(args) => check::check(args).await,
                Command::Tail(args) => fleet::tail(args).await,
                Command::Threads(args) => fleet::threads(args).await,
            }
        });
        // Where a disk hangs, what has not been settled is found in the stream another time.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
