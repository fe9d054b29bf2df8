//! The command line.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use codex_driver::Addressee;

use crate::delegation::{Delegation, Returning};
use crate::error::{Error, Result};
use crate::operator;
use crate::overview::Overview;
use crate::state::{State, new_id};
use crate::wake::claimed;

/// Delegates tasks to Codex sessions, and returns each result once into an operator's thread.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Where the state is kept [default: $XDG_STATE_HOME/codex-workspace, or ~/.local/state/codex-workspace]
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow delegations and return their results, until Ctrl-C
    Run {
        /// The operator's thread, kept for the next time; without one a new thread is made at the first wake
        #[arg(long, value_name = "ID")]
        thread: Option<String>,
        /// Where the new thread works
        #[arg(long, default_value = ".", value_name = "DIR")]
        cwd: PathBuf,
    },
    /// Start a Codex session on a task, and print the delegation's id
    Delegate {
        /// Where it works
        #[arg(long, default_value = ".", value_name = "DIR")]
        cwd: PathBuf,
        #[command(flatten)]
        returning: Returning,
        task: String,
    },
    /// Give a session that is there another task, as a delegation of its own, once it is idle
    Resume {
        #[command(flatten)]
        returning: Returning,
        /// A delegation whose session is meant, or a thread
        session: String,
        task: String,
    },
    /// Say something to a delegation that is at work
    Send { id: String, text: String },
    /// Print the result of a delegation, or how to join it
    Read { id: String },
    /// List delegations, and the sessions of others that have not ended
    List,
    /// List the groups that are yet to wake the operator
    Groups,
    /// Change what is done with a result that has not been returned
    Policy {
        id: String,
        #[command(flatten)]
        returning: Returning,
    },
    /// Return what `manual` has held back
    Flush,
    /// The same as list, by project folder
    Status,
}

/// Does what was asked for.
pub(crate) fn run(args: Args) -> Result<()> {
    let state = State::open(args.state)?;
    match args.command {
        Command::Run { thread, cwd } => operator::run(&state, thread, folder(&cwd)?),
        Command::Delegate { cwd, returning, task } => {
            delegate(&state, Delegation::new(returning, Addressee::new(None, folder(&cwd)?), task))
        }
        Command::Resume { returning, session, task } => {
            let to = match state.delegation(&session).map(|earlier| earlier.to) {
                Ok(Addressee { thread: None, .. }) => {
                    return Err(Error::Refused(format!("{session} has no session yet: try again")));
                }
                Ok(to) => Addressee::new(to.thread, to.cwd),
                Err(_) => Overview::of(&state)?.known(&session)?,
            };
            delegate(&state, Delegation::new(returning, to, task))
        }
        Command::Send { id, text } => send(&state, &id, &text),
        Command::Read { id } => read(&state, &id),
        Command::List => print(Overview::of(&state)?.list()),
        Command::Groups => print(Overview::of(&state)?.groups()),
        Command::Status => print(Overview::of(&state)?.by_folder()),
        Command::Policy { id, returning } => change(&state, &id, returning),
        Command::Flush => flush(&state),
    }
}

fn delegate(state: &State, mut delegation: Delegation) -> Result<()> {
    // Before anything is started: whoever is killed from here on, `workspace run` goes on.
    let _lock = state.lock()?;
    state.save(&delegation)?;
    tell(&delegation.id);
    delegation.start(state, &mut state.codex()).map_err(|error| {
        Error::Refused(format!(
            "{} is kept, and not known to be started: {error}; `workspace run` will see to it",
            delegation.id
        ))
    })
}

fn send(state: &State, id: &str, text: &str) -> Result<()> {
    let _lock = state.lock()?;
    let delegation = state.delegation(id)?;
    let id = &delegation.id;
    let Some((thread, turn)) = delegation.to.thread.as_deref().zip(delegation.turn.as_deref()) else {
        return Err(Error::Refused(format!("{id} is not at work yet: try again")));
    };
    if state.codex().steer(thread, turn, &format!("workspace-send-{}", new_id()), text)? {
        return Ok(());
    }
    Err(Error::Refused(format!("{id} is not at work here: give it another task by `workspace resume {id}`")))
}

fn change(state: &State, id: &str, returning: Returning) -> Result<()> {
    let _lock = state.lock()?;
    let mut delegation = state.delegation(id)?;
    if claimed(&state.wakes()?).contains(delegation.id.as_str()) {
        return Err(Error::Refused(format!("the result of {} has been returned", delegation.id)));
    }
    delegation.returning = returning;
    state.save(&delegation)
}

fn flush(state: &State) -> Result<()> {
    let _lock = state.lock()?;
    for mut delegation in state.delegations()?.into_iter().filter(Delegation::is_held) {
        delegation.flushed = true;
        state.save(&delegation)?;
        tell(&delegation.id);
    }
    Ok(())
}

fn read(state: &State, id: &str) -> Result<()> {
    let delegation = state.delegation(id)?;
    let id = delegation.id;
    match (delegation.result, delegation.to.thread) {
        (Some(result), _) => print([result.text().to_owned()]),
        (None, Some(thread)) => {
            let command = state.codex().attach_command(&thread).join(" ");
            Err(Error::Refused(format!("{id} has no result yet: join it: {command}")))
        }
        (None, None) => Err(Error::Refused(format!("{id} is not started yet: try again"))),
    }
}

/// Tells it on standard output. That nobody reads there any more stops nothing.
pub(crate) fn tell(what: impl Display) {
    let _ = writeln!(io::stdout(), "{what}");
}

/// Prints; that nobody reads it any more is no failure.
fn print(lines: impl IntoIterator<Item = String>) -> Result<()> {
    let mut out = io::stdout().lock();
    match lines.into_iter().try_for_each(|line| writeln!(out, "{line}")) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Refused(format!("cannot print it: {error}")))
        }
        _ => Ok(()),
    }
}

/// A folder, by its absolute path.
fn folder(path: &Path) -> Result<PathBuf> {
    // With the dot, that of a file is none.
    let folder = path.join(".").canonicalize();
    folder.map_err(|error| Error::Refused(format!("cannot enter {}: {error}: name a folder", path.display())))
}
