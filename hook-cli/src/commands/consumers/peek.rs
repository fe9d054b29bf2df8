//! `hook consumers peek`

use std::io::Write;
use std::time::SystemTime;

use codex_spool::{ConsumerName, DeadEvent, EventId, Spool};
use serde::Serialize;

use super::report;
use crate::cli::{Context, Exit};
use crate::commands::event_line::{Appearance, json};
use crate::commands::spool_dir::SpoolDir;
use crate::error::Error;

/// Show what waits for a consumer, in order, and settle nothing
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The consumer; it may run meanwhile
    name: ConsumerName,
    /// Show what is dead instead, and why: what it has rejected, found damaged or given up
    ///
    /// With --json, a line each of {"id","captured_at","reason","attempt","rejected_at","path"}.
    #[arg(long)]
    dead: bool,
    /// Show so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    appearance: Appearance,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    report(&spool, &args.name)?;
    let exit =
        if args.dead { show_dead(&args, &spool, context)? } else { show_pending(&args, &spool, context)? };
    context.out().flush().map_err(Error::Output)?;
    Ok(exit)
}

fn show_pending(args: &Args, spool: &Spool, context: &Context) -> Result<Exit, Error> {
    let mut exit = Exit::Ok;
    for pending in spool.peek(&args.name)?.take(args.limit.unwrap_or(usize::MAX)) {
        match pending {
            Ok(pending) => print(&args.appearance.line(pending.event(), context), context)?,
            Err(error) => {
                exit = Exit::NotSo;
                context.complain(&error);
            }
        }
    }
    Ok(exit)
}

fn show_dead(args: &Args, spool: &Spool, context: &Context) -> Result<Exit, Error> {
    let mut exit = Exit::Ok;
    for dead in spool.dead(&args.name)?.iter().take(args.limit.unwrap_or(usize::MAX)) {
        if args.appearance.is_json() {
            let line = serde_json::to_string(&Dead::of(dead)).expect("strings and numbers can be written");
            print(&json(&format!("{line}\n"), context), context)?;
            continue;
        }
        // What is damaged is no event; why is in its reason.
        match dead.event() {
            Ok(event) => print(&args.appearance.line(&event, context), context)?,
            Err(codex_spool::Error::Damaged { .. }) => {
                print(&format!("{}  damaged\n", rfc3339(dead.captured_at())), context)?;
            }
            // It has been put back meanwhile, or is past its time.
            Err(_) if !dead.path().exists() => continue,
            Err(error) => {
                exit = Exit::NotSo;
                context.complain(&error);
                continue;
            }
        }
        let reason = crate::terminal::harmless(dead.reason());
        print(&format!("    {}: attempt {}: {reason}\n", dead.id(), dead.attempt()), context)?;
    }
    Ok(exit)
}

/// What `--dead --json` prints: other programs rely on these names.
#[derive(Serialize)]
struct Dead<'a> {
    id: EventId,
    captured_at: String,
    reason: &'a str,
    attempt: u32,
    rejected_at: Option<String>,
    path: String,
}

impl<'a> Dead<'a> {
    fn of(dead: &'a DeadEvent) -> Self {
        Self {
            id: dead.id(),
            captured_at: rfc3339(dead.captured_at()),
            reason: dead.reason(),
            attempt: dead.attempt(),
            rejected_at: dead.rejected_at().map(rfc3339),
            path: dead.path().display().to_string(),
        }
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_nanos(time).to_string()
}

fn print(text: &str, context: &Context) -> Result<(), Error> {
    context.out().write_all(text.as_bytes()).map_err(Error::Output)
}
