//! Shows what every Codex thread on the machine is doing: a web page, and an API with live streams. It only observes.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it is what this program is for")]

mod api;
mod error;
mod feed;
mod guard;
mod keeping;
mod message;
mod options;
mod page;
mod query;
mod sse;
mod tail;
mod threads;
mod token;
mod wants;
mod websocket;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use codex_spool::{Spool, Start};
use tokio::net::TcpListener;

use crate::error::{At, Error, Result};
use crate::feed::Feed;
use crate::guard::Guard;
use crate::options::Options;
use crate::token::Token;

fn main() -> ExitCode {
    match Options::parse(std::env::args_os()).and_then(|options| options.map(run).transpose()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("control-plane: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 1 })
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<()> {
    let spool = match &options.spool_dir {
        Some(dir) => Spool::open(dir)?,
        None => Spool::open_default()?,
    };
    let token = Token::load_or_make(&options.token_file)?;
    let address = (Ipv4Addr::LOCALHOST, options.port);
    let listener = TcpListener::bind(address).await.at("listen on", format!("127.0.0.1:{}", options.port))?;
    let port = listener.local_addr().at("ask for the address of", "the listener")?.port();
    // The one durable thing of this program: whatever kills it, the log goes on where it was.
    let keeper = spool.consumer(&options.consumer)?.start(Start::Earliest).keep_log()?.keep(options.keep);
    let feed = Arc::new(Feed::new(keeper.log(), keeper.end()));
    println!("http://127.0.0.1:{port}/#token={}", token.as_str());
    let kept = keeping::start(spool, keeper, Arc::clone(&feed));
    let router = api::router(feed, Guard::new(port, token));
    tokio::select! {
        served = axum::serve(listener, router) => served.at("serve on", format!("127.0.0.1:{port}")),
        error = kept => Err(error),
    }
}
