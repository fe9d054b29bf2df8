//! `hook tail`: the events of the spool, a line each.

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use codex_spool::{Consumer, Event, Spool, Start};

use crate::cli::{Failure, SpoolDir};
use crate::gist;

/// How often a follower looks for new events.
const POLL: Duration = Duration::from_millis(250);

/// Print the events of the spool.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    #[command(flatten)]
    spool: SpoolDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// Every event that the spool still holds
    Earliest,
    /// What is recorded from now on
    Latest,
}

/// Runs `hook tail`; problems with single events go to `stderr`, a line each.
pub(crate) fn run(
    args: &Args,
    env: impl Fn(&str) -> Option<OsString>,
    stdout: &mut impl Write,
    stderr: &mut impl Write,
) -> Result<(), Failure> {
    let dir = Spool::locate(args.spool.spool_dir.as_deref(), env)?;
    if !dir.join("format").exists() {
        return Err(Failure::NoSpool(dir));
    }
    let spool = Spool::open(dir)?;
    let mut tail = Tail { json: args.json, stdout, stderr, failed: false };
    let start = match args.from {
        From::Earliest => Start::Earliest,
        From::Latest => Start::Latest,
    };
    match &args.consumer {
        None if args.no_follow && start == Start::Latest => {}
        None if args.no_follow => {
            for event in spool.journal()? {
                match event {
                    Ok(event) => tail.print(&event)?,
                    Err(error) => tail.complain(&error),
                }
            }
            tail.stdout.flush()?;
        }
        None => tail.drain(&mut spool.ephemeral_consumer().start(start).open()?, true)?,
        Some(name) => tail.drain(&mut spool.consumer(name)?.start(start).open()?, !args.no_follow)?,
    }
    if tail.failed { Err(Failure::Said) } else { Ok(()) }
}

struct Tail<'a, O, E> {
    json: bool,
    stdout: &'a mut O,
    stderr: &'a mut E,
    failed: bool,
}

impl<O: Write, E: Write> Tail<'_, O, E> {
    fn drain(&mut self, consumer: &mut Consumer, follow: bool) -> Result<(), Failure> {
        loop {
            for delivery in consumer.drain() {
                match delivery {
                    Ok(delivery) => {
                        self.print(delivery.event())?;
                        self.stdout.flush()?;
                        delivery.ack()?;
                    }
                    Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error.into()),
                    Err(error) => self.complain(&error),
                }
            }
            if !follow {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }

    fn print(&mut self, event: &Event) -> io::Result<()> {
        if self.json {
            self.stdout.write_all(event.record().as_bytes())
        } else {
            writeln!(self.stdout, "{}", gist::line(event))
        }
    }

    /// One event that cannot be read keeps nobody from the others.
    fn complain(&mut self, error: &codex_spool::Error) {
        self.failed = true;
        let _ = writeln!(self.stderr, "hook: {error}");
    }
}
