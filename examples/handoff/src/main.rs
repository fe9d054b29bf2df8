//! Queues follow-ups for Codex threads, and delivers each once, the moment its thread is idle: see README.md.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it is what this program is for")]

mod log;
mod request;
mod runner;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use codex_driver::{Codex, Place};
use state_dir::StateDir;

use crate::log::Log;
use crate::request::{Order, Request, What, user};
use crate::runner::Runner;

/// What can go wrong is told in one line.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Says where it happened.
fn at(path: &Path) -> impl FnOnce(io::Error) -> Box<dyn Error> {
    move |error| format!("{}: {error}", path.display()).into()
}

/// Queue follow-ups for Codex threads, and deliver each once, the moment its thread is idle
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where the queue and the audit trail are [default: codex-handoff in $XDG_STATE_HOME, else in ~/.local/state]
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Queue a follow-up; the same key twice is one
    Send {
        /// What makes it this follow-up and no other [default: a new one]
        #[arg(long = "id", value_name = "KEY", value_parser = key)]
        key: Option<String>,
        #[command(flatten)]
        order: Order,
    },
    /// What waits; with --all also what is done
    List {
        /// What is done, too
        #[arg(long)]
        all: bool,
        /// A line of JSON each
        #[arg(long)]
        json: bool,
    },
    /// Take back what Codex does not have yet
    Cancel {
        /// The key that `send` printed
        key: String,
    },
    /// Deliver, as threads become idle
    Run {
        /// End when all is delivered, and the turns of this program's own server have ended
        #[arg(long)]
        once: bool,
    },
}

fn key(text: &str) -> std::result::Result<String, String> {
    let fine = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    fine.then(|| text.to_owned()).ok_or_else(|| "1 to 128 bytes, no control characters".to_owned())
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("handoff: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    let state = StateDir::open(args.state, "codex-handoff")?;
    let log = Log::of(&state);
    let codex = Codex::new(state.join("server"));
    match args.command {
        Command::Send { key, order } => send(&log, key, order),
        Command::List { all, json } => list(&log, all, json),
        Command::Cancel { key } => cancel(&log, &state, codex, &key),
        Command::Run { once } => {
            let _only = state.try_lock("run.lock")?.ok_or("another `handoff run` is at work here")?;
            Runner::new(&state, log, codex)?.run(once)
        }
    }
}

/// Tells it on standard output. That nobody reads there any more stops nothing.
fn tell(what: impl Display) {
    let _ = writeln!(io::stdout(), "{what}");
}

/// Held while a request is delivered, or cancelled.
const ATTEMPT: &str = "attempt.lock";

fn send(log: &Log, key: Option<String>, order: Order) -> Result<()> {
    let cwd = order.cwd.map(|cwd| cwd.canonicalize().map_err(at(&cwd))).transpose()?;
    let order = Order { cwd, ..order };
    let key = key.unwrap_or_else(|| format!("{:016x}", fastrand::u64(..)));
    let mut is_other = false;
    log.update(|requests| match requests.iter().find(|request| request.key == key) {
        Some(known) => {
            let is_same = |known: Option<_>, given: Option<_>| given.is_none() || given == known;
            is_other = known.order.text != order.text
                || !is_same(known.order.thread.as_deref(), order.thread.as_deref())
                || order.cwd.is_some_and(|cwd| known.order.cwd.as_ref() != Some(&cwd));
            None
        }
        None => Some((key.clone(), What::Queued(order))),
    })?;
    if is_other {
        return Err(format!("{key} is another follow-up: give this one another --id").into());
    }
    tell(key);
    Ok(())
}

fn list(log: &Log, all: bool, json: bool) -> Result<()> {
    for request in log.requests()?.iter().filter(|request| all || request.end.is_none()) {
        let Request { key, order, .. } = request;
        if json {
            let mut line = serde_json::to_value(request).expect("it is made of strings");
            line["state"] = request.state().into();
            tell(line);
            continue;
        }
        let place = order.thread.clone().or_else(|| Some(order.cwd.as_ref()?.display().to_string()));
        let (place, reason) =
            (place.unwrap_or_default(), order.reason.as_deref().unwrap_or("no reason given"));
        let text: String =
            order.text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
        tell(format_args!("{key}  {}  {place}  from {} ({reason}): {text}", request.state(), order.from));
    }
    Ok(())
}

fn cancel(log: &Log, state: &StateDir, mut codex: Codex, key: &str) -> Result<()> {
    // What is being delivered has been delivered before it can be cancelled.
    let _no_attempt = state.lock(ATTEMPT)?;
    let requests = log.requests()?;
    let known = requests.iter().find(|request| request.key == key);
    let request = known.ok_or_else(|| format!("{key}: nothing was sent under that key"))?;
    let too_late = |state: &str| Err(format!("{key} cannot be cancelled: it is {state}").into());
    if request.end.is_some() {
        return too_late(request.state());
    }
    // What a turn may take at any time cannot be taken back.
    if request.steered.is_some() {
        return too_late("steered into a turn");
    }
    if let Some(thread) = request.order.thread.as_deref().filter(|_| request.is_sent) {
        codex.withdraw(thread, &request.codex_key())?;
        if codex.find(thread, &request.codex_key())? != Place::Nowhere {
            return too_late("with Codex");
        }
        codex.release()?;
    }
    log.update(|_| Some((key.to_owned(), What::Cancelled { by: user() })))?;
    Ok(())
}
