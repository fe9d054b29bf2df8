//! `hook threads`

use std::path::PathBuf;
use std::time::SystemTime;

use codex_spool::{Status, Thread, ThreadIndex};

use super::spool_dir::SpoolDir;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::threads::watch::{self, Watch};
use crate::threads::{Selection, table};

/// Tell what every Codex thread on this machine is doing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print them as JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Show them live, on the whole screen
    #[arg(long)]
    watch: bool,
    /// Ring the terminal's bell when a thread starts to wait for an approval
    #[arg(long, requires = "watch")]
    bell: bool,
    /// With those that have ended
    #[arg(long)]
    all: bool,
    /// Only threads that work in this folder or below it
    #[arg(long, value_name = "PATH")]
    cwd: Option<PathBuf>,
    /// Only threads of sessions that were started with this CODEX_HOOK_TAG
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where the spool can't be read.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    let selection = Selection::new(None, args.cwd.as_deref(), args.tag.as_deref());
    if args.watch {
        if context.columns.is_none() {
            return Err(watch::no_terminal());
        }
        let (all, bell, color) = (args.all, args.bell, context.color);
        let home = context.environment.home.clone();
        watch::watch(spool, Watch { selection, all, bell, color, home })?;
        return Ok(Exit::Ok);
    }
    let mut index = ThreadIndex::new();
    let damaged = index.read_journal(&spool)?;
    let now = SystemTime::now();
    index.reconcile(now);
    let threads: Vec<Thread> = index
        .threads()
        .into_iter()
        .filter(|thread| args.all || thread.status != Status::Ended)
        .filter(|thread| selection.contains(thread))
        .collect();
    if args.json {
        let json = serde_json::to_string(&threads).expect("a thread has no maps, and its keys are strings");
        context.say(&json)?;
    } else if threads.is_empty() {
        context.say(if args.all { "no threads" } else { "no threads that have not ended" })?;
    } else {
        for line in table(&threads, now, context.columns.map(usize::from), context.color) {
            context.say(&line)?;
        }
    }
    damaged.iter().for_each(|error| context.complain(error));
    Ok(if damaged.is_empty() { Exit::Ok } else { Exit::NotSo })
}
