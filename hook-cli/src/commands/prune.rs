//! `hook prune`

use std::time::SystemTime;

use codex_spool::{Prune, Pruned};

use super::moment::Moment;
use super::spool_dir::SpoolDir;
use crate::cli::{Context, Exit};
use crate::counted::counted;
use crate::error::Error;

/// Remove what is past the retention time, and consumers that nobody has opened for long
///
/// What is removed are whole UTC days of the journal, what was rejected in them, and consumers past `consumer_expiry_days`. What
/// a consumer has yet to settle stays.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Remove the days before this one instead: 2026-11-21, 2026-11-21T10:00 (UTC), or -3d for three days ago
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    before: Option<Moment>,
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where there is no spool, or none that can be opened; what can't be removed is said, and keeps nothing else.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    let now = SystemTime::now();
    let mut what = Prune::default().now(now).dry_run(args.dry_run);
    if let Some(before) = args.before {
        // Before all that a clock can tell there is nothing.
        what = what.before(before.time(now).unwrap_or(SystemTime::UNIX_EPOCH));
    }
    let pruned = spool.prune(&what);
    match args.json {
        true => context.say(&serde_json::to_string(&pruned).expect("strings and numbers can be written"))?,
        false => tell(context, &pruned)?,
    }
    for problem in &pruned.problems {
        context.complain(problem);
    }
    Ok(if pruned.problems.is_empty() { Exit::Ok } else { Exit::NotSo })
}

fn tell(context: &Context, pruned: &Pruned) -> Result<(), Error> {
    let would = if pruned.dry_run { "would remove" } else { "removed" };
    let days = match &pruned.days[..] {
        [] => String::new(),
        [day] => format!(" of {day}"),
        [first, .., last] => format!(" of {} days, {first} to {last}", pruned.days.len()),
    };
    context.say(&format!(
        "{would} {}{days} ({} bytes), {} rejected by consumers, {} that were no events",
        counted(pruned.events, "event"),
        pruned.bytes,
        pruned.dead,
        pruned.rejected
    ))?;
    for consumer in &pruned.consumers {
        let last_open = consumer
            .last_open_at
            .map_or("unknown".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string());
        let pending = counted(consumer.pending, "event");
        context.say(&format!(
            "{would} the consumer {}, last open {last_open}, with {pending} that waited for it",
            consumer.name
        ))?;
    }
    Ok(())
}
