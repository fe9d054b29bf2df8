//! `hook consumers requeue`

use codex_spool::{ConsumerName, EventId};

use super::report;
use crate::cli::{Context, Exit};
use crate::commands::spool_dir::SpoolDir;
use crate::counted::counted;
use crate::error::Error;

/// Put what a consumer has rejected, found damaged or given up back into its queue
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The consumer; it may run meanwhile
    name: ConsumerName,
    /// The events, as `hook consumers peek --dead` names them [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<EventId>,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    report(&spool, &args.name)?;
    let dead = spool.dead(&args.name)?;
    let missing: Vec<&EventId> =
        args.ids.iter().filter(|id| dead.iter().all(|event| event.id() != **id)).collect();
    let mut requeued = 0;
    for event in dead {
        if args.ids.is_empty() || args.ids.contains(&event.id()) {
            requeued += u64::from(event.requeue()?);
        }
    }
    for id in &missing {
        context.complain(&format_args!(
            "no such dead event: {id}: see `hook consumers peek {} --dead`",
            args.name
        ));
    }
    context.say(&format!("{} back in the queue of {}", counted(requeued, "event"), args.name))?;
    Ok(if missing.is_empty() { Exit::Ok } else { Exit::NotSo })
}
