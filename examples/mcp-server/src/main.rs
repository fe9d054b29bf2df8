//! An MCP server by which agents see what Codex does on this machine, and, where they are let, prompt its idle threads.
//!
//! It speaks on standard input and output; an MCP client starts it. Any number of them may run at once.

#![allow(clippy::print_stderr, reason = "standard output is the protocol's")]

mod detail;
mod events;
mod failure;
mod sender;
mod server;
mod threads;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::builder::{PathBufValueParser, TypedValueParser};
use codex_spool::{LiveThreads, Spool};
use rmcp::ServiceExt;
use rmcp::transport::stdio_pipes;

use crate::sender::Sender;
use crate::server::Server;

/// An MCP server (stdio) that tells what Codex does on this machine.
///
/// Configure it in an MCP client, which starts it; it ends when the client closes its standard input.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The spool directory [default: where `hook event` writes to]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Offer codex_send, for threads that work in this folder or below it; may be given several times
    #[arg(long, value_name = "FOLDER", value_parser = PathBufValueParser::new().try_map(std::fs::canonicalize))]
    allow_send: Vec<PathBuf>,
    /// The Codex that codex_send uses
    #[arg(long, value_name = "PROGRAM", default_value = "codex")]
    codex: PathBuf,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mcp-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let env = |name: &str| std::env::var_os(name);
    let spool = Spool::open(Spool::locate(args.spool_dir.as_deref(), env, std::env::home_dir())?)?;
    let may_send = !args.allow_send.is_empty();
    let sender = may_send.then(|| Sender::new(args.allow_send, args.codex)).transpose()?.map(Arc::new);
    let problem = |problem| eprintln!("mcp-server: {problem}");
    let live = LiveThreads::start(spool.ephemeral_consumer().open()?, problem)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        if let Some(sender) = sender.clone() {
            tokio::spawn(sender.tidy(live.clone()));
        }
        let server = Server { spool, live: live.clone(), sender: sender.clone() };
        server.serve(stdio_pipes()).await?.waiting().await?;
        Ok(())
    });
    // A call that is being served has nobody left to hear of it.
    runtime.shutdown_background();
    drop(live);
    if let Some(sender) = sender {
        sender.release();
    }
    served
}
