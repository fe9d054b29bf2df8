//! `hook wait`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use codex_spool::{Change, Observer, Status, Thread, ThreadId, ThreadIndex, Transition};
use serde::Serialize;

use super::spool_dir::SpoolDir;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::terminal::harmless_json;
use crate::threads::Selection;

/// Wait until a Codex thread is idle, waits for an approval, has ended, or has ended a turn
///
/// With --cwd or --tag it is any of the threads that these mean: the first of them for which it is so. Subagents are
/// meant by --thread alone.
///
/// Ends with 0 and prints the thread as a line of JSON when it is so; with 1 when the thread ends first, or there is
/// none; with 124 when the time is over.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct Args {
    /// This thread
    #[arg(long, value_name = "ID", group = "which")]
    thread: Option<ThreadId>,
    /// A thread that works in this folder or below it
    #[arg(long, value_name = "PATH", group = "which")]
    cwd: Option<PathBuf>,
    /// A thread of a session that was started with this CODEX_HOOK_TAG
    #[arg(long, value_name = "TAG", group = "which")]
    tag: Option<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", default_value = "idle")]
    goal: Goal,
    /// Where no such thread is loaded yet, wait for one to begin
    #[arg(long)]
    wait_for_start: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    #[command(flatten)]
    spool: SpoolDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Goal {
    /// No turn runs, and the thread takes a prompt: it is idle, interrupted or failed
    Idle,
    /// An approval is asked for
    Waiting,
    /// Codex has let go of it, or has ended
    Ended,
    /// The next end of a turn
    Turn,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Reached<'a> {
    thread_id: &'a ThreadId,
    status: Status,
    /// `None`: the thread has ended first.
    reached: Option<Goal>,
    already: bool,
    transition: Option<&'a Transition>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where the spool can't be read.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let deadline = args.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let spool = args.spool.open(context)?;
    let selection = Selection::new(args.thread, args.cwd.as_deref(), args.tag.as_deref(), context);
    let wait = Wait { goal: args.goal, wait_for_start: args.wait_for_start, selection, context };
    let mut observer = Observer::new(spool.ephemeral_consumer().open()?)?;
    let stop = observer.stop_handle();
    // Where they cannot be caught they end the process, and the next consumer clears up.
    let _ = ctrlc::set_handler(move || stop.stop());

    if let Some(exit) = wait.look(observer.index())? {
        return Ok(exit);
    }
    loop {
        match observer.recv_until(deadline) {
            Ok(Some(transition)) => {
                if let Some(exit) = wait.consider(observer.index(), &transition)? {
                    return Ok(exit);
                }
            }
            Ok(None) if observer.stop_handle().is_stopped() => return Ok(Exit::NotSo),
            Ok(None) => {
                let remedy = "give it more with --timeout, or see `hook threads`";
                context.complain(&format_args!(
                    "{} in time: {}: {remedy}",
                    wait.goal.words(),
                    wait.selection
                ));
                return Ok(Exit::TimedOut);
            }
            Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error.into()),
            Err(error) => context.complain(&error),
        }
    }
}

struct Wait<'a> {
    goal: Goal,
    wait_for_start: bool,
    selection: Selection,
    context: &'a Context,
}

impl Wait<'_> {
    /// Whether it is so already, or will never be.
    fn look(&self, index: &ThreadIndex) -> Result<Option<Exit>, Error> {
        let meant: Vec<Thread> =
            index.threads().into_iter().filter(|thread| self.selection.means(thread)).collect();
        let (ended, alive): (Vec<_>, Vec<_>) =
            meant.into_iter().partition(|thread| thread.status == Status::Ended);
        if let Some(thread) = alive.iter().find(|thread| self.goal.is_reached(thread.status)) {
            return self.say(thread, Some(self.goal), None).map(Some);
        }
        match ended.first() {
            _ if !alive.is_empty() || self.wait_for_start => Ok(None),
            Some(thread) => {
                let reached = Some(Goal::Ended).filter(|ended| *ended == self.goal);
                self.say(thread, reached, None).map(Some)
            }
            None => {
                let remedy = "see `hook threads --all`, or give --wait-for-start";
                self.context.complain(&format_args!("no such thread: {}: {remedy}", self.selection));
                Ok(Some(Exit::NotSo))
            }
        }
    }

    /// Whether it is so by this change.
    fn consider(&self, index: &ThreadIndex, transition: &Transition) -> Result<Option<Exit>, Error> {
        let Some(thread) = index.get(&transition.thread_id).filter(|thread| self.selection.means(thread))
        else {
            return Ok(None);
        };
        let change = transition.change;
        // The state is that after all that has changed at once, of which these come first. Alone they reach no goal.
        if matches!(change, Change::ToolFinished | Change::ApprovalResolved) {
            return Ok(None);
        }
        let has_ended = matches!(change, Change::Ended | Change::SubagentStopped);
        let is_so = match self.goal {
            Goal::Turn => change.ends_turn(),
            Goal::Ended => has_ended,
            goal => goal.is_reached(thread.status),
        };
        if is_so {
            return self.say(&thread, Some(self.goal), Some(transition)).map(Some);
        }
        let is_alive = |thread: &Thread| thread.status != Status::Ended;
        let others = || index.threads().iter().any(|thread| is_alive(thread) && self.selection.means(thread));
        if !has_ended || is_alive(&thread) || others() {
            return Ok(None);
        }
        self.say(&thread, None, Some(transition)).map(Some)
    }

    fn say(
        &self,
        thread: &Thread,
        reached: Option<Goal>,
        transition: Option<&Transition>,
    ) -> Result<Exit, Error> {
        let (thread_id, status) = (&thread.thread_id, thread.status);
        let said = Reached { thread_id, status, reached, already: transition.is_none(), transition };
        let json = serde_json::to_string(&said).expect("it has no maps");
        self.context.say(&if self.context.to_terminal { harmless_json(&json) } else { json })?;
        if reached.is_some() {
            return Ok(Exit::Ok);
        }
        let remedy = "resume it, or wait for its end with --for ended";
        self.context.complain(&format_args!("the thread has ended first: {thread_id}: {remedy}"));
        Ok(Exit::NotSo)
    }
}

impl Goal {
    /// Whether a thread is so, and not on its way.
    fn is_reached(self, status: Status) -> bool {
        match self {
            Self::Idle => status.awaits_prompt(),
            Self::Waiting => status == Status::Waiting,
            Self::Ended => status == Status::Ended,
            Self::Turn => false,
        }
    }

    /// What has not come.
    fn words(self) -> &'static str {
        match self {
            Self::Idle => "no thread was idle",
            Self::Waiting => "no thread waited for an approval",
            Self::Ended => "no thread ended",
            Self::Turn => "no turn ended",
        }
    }
}
