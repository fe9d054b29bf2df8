//! Shows what every Codex thread on the machine is doing: a web page, and an API with live streams. It only observes.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it is what this program is for")]

mod api;
mod feed;
mod guard;
mod message;
mod patience;
mod tail;
mod token;
mod wants;
mod websocket;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use codex_spool::{LiveThreads, Spool, Start};
use tokio::net::TcpListener;

use crate::feed::Feed;
use crate::guard::Guard;
use crate::patience::Patient;
use crate::token::Token;

/// What can go wrong is told in one line.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Shows what every Codex thread on the machine is doing: a web page, and an API with live streams.
///
/// It listens on 127.0.0.1 alone, and prints the address of the page, with the token in it.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where to listen; 0: anywhere
    #[arg(long, value_name = "N", default_value_t = 4517)]
    port: u16,
    /// The spool directory [default: where `hook event` writes to]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Its name as a consumer of the spool
    #[arg(long, value_name = "NAME", default_value = "control-plane")]
    consumer: String,
    /// The token, made where it is not there [default: codex-control-plane/token in $XDG_STATE_HOME, else in ~/.local/state]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many events can be resumed from, at least
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    keep: u64,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("control-plane: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it cannot go on.
#[tokio::main]
async fn run(args: Args) -> Result<()> {
    let spool = args.spool_dir.map_or_else(Spool::open_default, Spool::open)?;
    let token_file = args.token_file.map_or_else(default_token_file, Ok)?;
    let token = Token::load_or_make(&token_file)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let failed =
        |error| format!("cannot listen on {address}: {error}: end what has that port, or give --port");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    // The one durable thing of this program: whatever kills it, the log goes on where it was.
    let keeper = spool.consumer(&args.consumer)?.start(Start::Earliest).keep_log()?.keep(args.keep);
    let threads = spool.ephemeral_consumer().open()?;
    let threads = LiveThreads::start(threads, |error| eprintln!("control-plane: {error}"))?;
    let feed = Arc::new(Feed::new(&keeper, threads));
    println!("http://127.0.0.1:{port}/#token={}", token.as_str());
    let router = api::router(Arc::clone(&feed), Guard::new(port, token));
    tokio::spawn(axum::serve(Patient(listener), router).into_future());
    // This thread is none of those that serve.
    Err(feed.keep(keeper).into())
}

fn default_token_file() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set.or_else(|| Some(std::env::home_dir()?.join(".local/state")));
    let state = state.ok_or("no place for the token: HOME is not set: set it, or give --token-file")?;
    Ok(state.join("codex-control-plane/token"))
}
