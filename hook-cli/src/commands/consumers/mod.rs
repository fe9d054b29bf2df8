//! `hook consumers`: who takes events from the spool, and what waits for them.

mod list;
mod peek;
mod remove;
mod requeue;

use clap::Subcommand;
use codex_spool::{ConsumerName, ConsumerReport, Spool};

use crate::cli::{Context, Exit};
use crate::error::Error;

/// Show who takes events from the spool and what waits for them, and settle what their programs cannot
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Peek(peek::Args),
    Requeue(requeue::Args),
    Remove(remove::Args),
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where there is no spool, no such consumer, or its files can't be read or moved.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    match args.command {
        Command::List(args) => list::run(args, context),
        Command::Peek(args) => peek::run(args, context),
        Command::Requeue(args) => requeue::run(args, context),
        Command::Remove(args) => remove::run(args, context),
    }
}

/// What there is to say of a consumer that has to be there.
fn report(spool: &Spool, name: &ConsumerName) -> Result<ConsumerReport, Error> {
    let nobody = || Error::Refused {
        what: format!("no consumer {name}").into(),
        place: spool.dir().display().to_string(),
        remedy: "see `hook consumers list`",
    };
    spool.consumer_report(name)?.ok_or_else(nobody)
}
