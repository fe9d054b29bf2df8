//! `hook tail`: the events of the spool, a line each.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use codex_spool::{Consumer, Event, Spool, Start};

use super::gist;
use crate::cli::{Context, Exit};
use crate::error::Error;

/// How often a follower looks for new events.
const POLL: Duration = Duration::from_millis(250);

/// Print the events of the spool
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Take the events of this consumer: each is acknowledged once its line is written out, and printed no more
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Where to begin; a consumer that is there already goes on where it was
    #[arg(long, value_name = "WHERE", default_value = "latest")]
    from: From,
    /// End when everything that is there has been printed
    #[arg(long)]
    no_follow: bool,
    /// Print each record as it lies on disk, a line of JSON
    #[arg(long)]
    json: bool,
    /// The spool directory, an absolute path [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else
    /// ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// Every event that the spool still holds
    Earliest,
    /// What is recorded from now on
    Latest,
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where the spool can't be read; what is wrong with a single event is said on the way, and keeps nobody from
/// the others.
pub fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let environment = &context.environment;
    let dir = environment.spool_dir(args.spool_dir.as_deref(), &environment.codex_home(None)?)?;
    if !dir.join("format").exists() {
        return Err(Error::Directory {
            what: "no spool".into(),
            path: dir,
            remedy: "nothing has been recorded there yet; name another with --spool-dir, or run `hook status`",
        });
    }
    let spool = Spool::open(dir)?;
    let start = match args.from {
        From::Earliest => Start::Earliest,
        From::Latest => Start::Latest,
    };
    let mut tail = Tail { json: args.json, context, exit: Exit::Ok };
    match &args.consumer {
        None if args.no_follow && start == Start::Latest => {}
        None if args.no_follow => {
            for event in spool.journal()? {
                match event {
                    Ok(event) => tail.print(&event)?,
                    Err(error) => tail.complain(&error),
                }
            }
            tail.flush()?;
        }
        None => tail.drain(&mut spool.ephemeral_consumer().start(start).open()?, true)?,
        Some(name) => tail.drain(&mut spool.consumer(name)?.start(start).open()?, !args.no_follow)?,
    }
    Ok(tail.exit)
}

struct Tail<'a> {
    json: bool,
    context: &'a Context,
    exit: Exit,
}

impl Tail<'_> {
    fn drain(&mut self, consumer: &mut Consumer, follow: bool) -> Result<(), Error> {
        let interrupted = if follow { Interrupt::catch() } else { Interrupt::default() };
        loop {
            let mut drain = consumer.drain();
            while !interrupted.is_caught() {
                let Some(delivery) = drain.next() else { break };
                match delivery {
                    Ok(delivery) => {
                        self.print(delivery.event())?;
                        self.flush()?;
                        delivery.ack()?;
                    }
                    Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error.into()),
                    Err(error) => self.complain(&error),
                }
            }
            if !follow || interrupted.is_caught() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }

    fn print(&self, event: &Event) -> Result<(), Error> {
        let mut out = self.context.out();
        let printed = match self.json {
            true => out.write_all(event.record().as_bytes()),
            false => writeln!(out, "{}", gist::line(event)),
        };
        printed.map_err(Error::Output)
    }

    fn flush(&self) -> Result<(), Error> {
        self.context.out().flush().map_err(Error::Output)
    }

    fn complain(&mut self, error: &codex_spool::Error) {
        self.exit = Exit::NotSo;
        let _ = writeln!(io::stderr(), "hook: {error}");
    }
}

/// Ctrl-C, the usual end of one who follows: the consumer is closed first, and one without a name removed.
#[derive(Debug, Default)]
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn catch() -> Self {
        let caught = Self::default();
        let flag = Arc::clone(&caught.0);
        // Where it cannot be caught it ends the process, and the next consumer clears up.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                // Asked twice: whoever should take our output does not.
                std::process::exit(1);
            }
        });
        caught
    }

    fn is_caught(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
