//! `hook consumers remove`

use codex_spool::ConsumerName;

use super::report;
use crate::cli::{Context, Exit};
use crate::commands::spool_dir::SpoolDir;
use crate::counted::counted;
use crate::error::Error;

/// Remove a consumer, with all that waits for it; refused while its program runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The consumer
    name: ConsumerName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    let found = report(&spool, &args.name)?;
    // Whether it runs is found out by who removes it; nobody need be asked before.
    let contents = format!("{} that wait for it and {} dead", counted(found.pending, "event"), found.dead);
    if !args.yes && !found.running {
        if !context.interactive {
            return Err(Error::Refused {
                what: format!("the consumer {} is not removed unasked", found.name).into(),
                place: format!("it has {contents}"),
                remedy: "say --yes",
            });
        }
        if !context.confirm(&format!("Remove the consumer {} with {contents}?", found.name))? {
            context.say("nothing was removed")?;
            return Ok(Exit::NotSo);
        }
    }
    spool.remove_consumer(&args.name)?;
    context.say(&format!("removed {} with {contents}", found.name))?;
    Ok(Exit::Ok)
}
