//! The command line.

use std::env;
use std::io::{self, StdoutLock, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::delegation::{Delegation, Return, now};
use crate::error::{Error, Result};
use crate::operator;
use crate::overview::Overview;
use crate::start::start;
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

#[derive(Debug, clap::Args)]
struct Returning {
    /// What is done with the result
    #[arg(long = "return", value_name = "MODE")]
    mode: Return,
    /// The group, for wake_on_group
    #[arg(long, required_if_eq("mode", "wake_on_group"))]
    group: Option<String>,
    /// How many delegations the group has: it is not whole before
    #[arg(long, default_value = "1", value_name = "N", requires = "group")]
    group_size: usize,
}

/// Does what was asked for.
pub(crate) fn run(args: Args) -> Result<()> {
    let state = State::open(args.state.map_or_else(default_dir, Ok)?)?;
    match args.command {
        Command::Run { thread, cwd } => operator::run(&state, thread, folder(&cwd)?),
        Command::Delegate { cwd, returning, task } => {
            delegate(&state, Delegation { cwd: folder(&cwd)?, ..returning.delegation(task) })
        }
        Command::Resume { returning, session, task } => {
            let earlier = state.delegation(&session).ok();
            let (cwd, thread) = match earlier {
                Some(Delegation { cwd, thread: Some(thread), .. }) => (cwd, thread),
                Some(_) => return Err(Error::Refused(format!("{session} has no session yet: try again"))),
                None => Overview::of(&state)?.folder_of(&session)?,
            };
            let delegation = returning.delegation(task);
            delegate(&state, Delegation { cwd, thread: Some(thread), resumes: true, ..delegation })
        }
        Command::Send { id, text } => send(&state, &id, &text),
        Command::Read { id } => read(&state, &id),
        Command::List => print(|out| Ok(Overview::of(&state)?.list(out))),
        Command::Groups => print(|out| Ok(Overview::of(&state)?.groups(out))),
        Command::Status => print(|out| Ok(Overview::of(&state)?.by_folder(out))),
        Command::Policy { id, returning } => change(&state, &id, returning),
        Command::Flush => {
            let _lock = state.lock()?;
            let held =
                |one: &Delegation| one.returns == Return::Manual && one.result.is_some() && !one.flushed;
            for mut delegation in state.delegations()?.into_iter().filter(held) {
                delegation.flushed = true;
                state.save(&delegation)?;
                println!("{}", delegation.id);
            }
            Ok(())
        }
    }
}

impl Returning {
    fn delegation(self, task: String) -> Delegation {
        Delegation {
            id: new_id(),
            created_at: now(),
            cwd: PathBuf::new(),
            task,
            returns: self.mode,
            group: self.group,
            group_size: self.group_size,
            resumes: false,
            thread: None,
            turn: None,
            flushed: false,
            result: None,
        }
    }
}

fn delegate(state: &State, mut delegation: Delegation) -> Result<()> {
    // Before anything is started: whoever is killed from here on, `workspace run` goes on.
    let _lock = state.lock()?;
    state.save(&delegation)?;
    println!("{}", delegation.id);
    start(state, &mut state.codex(), &mut delegation).map_err(|error| {
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
    let Some((thread, turn)) = delegation.thread.as_deref().zip(delegation.turn.as_deref()) else {
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
    delegation.returns = returning.mode;
    delegation.group = returning.group.or(delegation.group);
    delegation.group_size = returning.group_size;
    state.save(&delegation)
}

fn read(state: &State, id: &str) -> Result<()> {
    let delegation = state.delegation(id)?;
    let id = delegation.id;
    match (delegation.result, delegation.thread) {
        (Some(result), _) => print(|out| Ok(writeln!(out, "{}", result.text))),
        (None, Some(thread)) => {
            let command = state.codex().attach_command(&thread).join(" ");
            Err(Error::Refused(format!("{id} has no result yet: join it: {command}")))
        }
        (None, None) => Err(Error::Refused(format!("{id} is not started yet: try again"))),
    }
}

/// Prints; that nobody reads it any more is no failure.
fn print(what: impl FnOnce(&mut StdoutLock<'static>) -> Result<io::Result<()>>) -> Result<()> {
    match what(&mut io::stdout().lock())? {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::file("write to", "stdout")(error))
        }
        _ => Ok(()),
    }
}

/// A folder, by its absolute path.
fn folder(path: &Path) -> Result<PathBuf> {
    let path = path.canonicalize().map_err(Error::file("enter", path))?;
    if path.is_dir() { Ok(path) } else { Err(Error::Refused(format!("no folder: {}", path.display()))) }
}

/// By the XDG base directory specification: a relative path in the variable does not count.
fn default_dir() -> Result<PathBuf> {
    let set = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set.or_else(|| Some(env::home_dir()?.join(".local/state")));
    let base = base.ok_or_else(|| Error::Refused("there is no home folder: give --state DIR".to_owned()))?;
    Ok(base.join("codex-workspace"))
}
