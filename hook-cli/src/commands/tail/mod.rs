//! `hook tail`: the events of the spool, a line each.

mod answers;
mod ending;
mod from;
mod in_flight;

use std::io::Write;
use std::iter;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use clap::ValueEnum;
use codex_spool::{Consumer, ConsumerName, Delivery, Event, Spool};

#[cfg(fuzzing)]
pub(crate) use self::answers::{Fate, read as read_answers};
use self::ending::Ending;
use self::from::From;
use self::in_flight::InFlight;
use super::conditions::Conditions;
use super::event_line::Appearance;
use super::spool_dir::SpoolDir;
use crate::cli::{Context, Exit};
use crate::error::Error;

/// Print the events of the spool: what happens from now on, or what has happened
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Be this consumer; it is made where there is none
    #[arg(long, value_name = "NAME")]
    consumer: Option<ConsumerName>,
    /// Where to begin: earliest, latest, 2026-11-21T10:00 (UTC) or -2h. A consumer that is there already goes on where
    /// it was [default: latest; of --no-follow without a consumer: earliest]
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    from: Option<From>,
    /// End when everything that is there has been printed, and answered
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    appearance: Appearance,
    /// What settles an event: that its line is written out, or an answer on standard input
    #[arg(long, value_name = "HOW", value_enum, default_value_t, requires_if("manual", "json"))]
    ack: Ack,
    /// With --ack manual: how many events may be without an answer at a time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = at_least_one)]
    max_in_flight: usize,
    /// With --ack manual: print an event of a thread only when the one before is settled
    #[arg(long)]
    ordered_by_thread: bool,
    /// Give an event up that has been printed so often and not settled, even if it killed its reader
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    #[command(flatten)]
    spool_dir: SpoolDir,
    #[command(flatten)]
    conditions: Conditions,
}

const LONG_ABOUT: &str = r#"Print the events of the spool: what happens from now on, or what has happened

Without --consumer nobody remembers what was printed. With it the events are those of a durable consumer: what came
while it was down comes first, and each is printed until it is settled. What no option chooses is
settled unseen. With --ack auto that is when its line is
written out. With --ack manual it is what the reader answers on standard input, a line of JSON each, in any order:

    {"ack":"<id>"}                     done
    {"retry":"<id>","after_ms":1000}   not now
    {"reject":"<id>","reason":"…"}     not ever

Without after_ms a retry comes after 1 s at first, and 60 s at most. What was rejected is shown, and put back, by
`hook consumers`. The end of standard input ends it; what has no answer by then is printed again by the next run."#;

const EXAMPLES: &str = "\
Examples:
  hook tail                                       what happens from now on
  hook tail --from -2h --kind PermissionRequest   what was asked for in the last two hours, and will be
  hook tail --no-follow --cwd . --json            all that the spool holds of this folder's sessions
  hook tail --consumer mine --from earliest --json --ack manual";

/// `--ack`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Ack {
    #[default]
    Auto,
    Manual,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "it must be a whole number, at least 1".to_owned())
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where the spool can't be read; what is wrong with a single event is said on the way, and keeps nobody from
/// the others.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let spool = args.spool_dir.open(context)?;
    args.conditions.question(context);
    let in_flight = (args.ack == Ack::Manual).then(Arc::default);
    let mut tail = Tail { in_flight, failed: false, args, context };
    if tail.args.consumer.is_none() && tail.args.no_follow && tail.args.ack == Ack::Auto {
        tail.read_journal(&spool)?;
    } else {
        let mut consumer = tail.open(&spool)?;
        let taken = tail.take_from(&mut consumer);
        if let Some(in_flight) = &tail.in_flight {
            in_flight.leave();
        }
        taken?;
    }
    // Who follows is ended by others, whatever there was on the way.
    Ok(if tail.failed && tail.args.no_follow { Exit::NotSo } else { Exit::Ok })
}

struct Tail<'a> {
    args: Args,
    context: &'a Context,
    /// `None`: what is written out is settled.
    in_flight: Option<Arc<InFlight>>,
    /// Whether there was something to complain of.
    failed: bool,
}

impl Tail<'_> {
    fn read_journal(&mut self, spool: &Spool) -> Result<(), Error> {
        let from = self.args.from.unwrap_or(From::Earliest);
        if from == From::Latest {
            return Err(Error::Refused {
                what: "there is nothing to print".into(),
                place: "--no-follow --from latest".to_owned(),
                remedy: "leave one of them out, or name a consumer",
            });
        }
        let journal = from.narrow(spool.journal()?, SystemTime::now());
        for event in self.args.conditions.narrow(journal, self.context) {
            match event {
                Ok(event) => self.write(&self.line(&event))?,
                Err(error) => self.complain(&error),
            }
        }
        self.flush()
    }

    fn open(&self, spool: &Spool) -> Result<Consumer, Error> {
        let Args { consumer, from, .. } = &self.args;
        let builder = match consumer {
            Some(name) => spool.consumer(name.as_str())?,
            None => spool.ephemeral_consumer(),
        };
        // What is there is all that one without a name can print before it ends.
        let default = if consumer.is_none() && self.args.no_follow { From::Earliest } else { From::Latest };
        let builder = builder
            .start(from.unwrap_or(default).start(SystemTime::now()))
            .program("hook tail")
            .ordered_by_thread(self.args.ordered_by_thread)
            .max_in_flight(self.args.max_in_flight);
        let builder = match self.args.max_attempts {
            Some(n) => builder.max_attempts(n),
            None => builder,
        };
        let opened = self.args.conditions.subscribe(builder, self.context).open()?;
        let name = opened.name();
        match (from.is_some(), opened.is_new()) {
            (true, false) => self.context.complain(&format_args!(
                "--from is ignored: consumer {name}: it is there already, and goes on where it was"
            )),
            (false, true) if !name.is_ephemeral() => self.context.complain(&format_args!(
                "consumer {name} is new: it begins now, and keeps what comes until it has it: --from earliest begins \
                 with what there is"
            )),
            _ => {}
        }
        Ok(opened)
    }

    fn take_from(&mut self, consumer: &mut Consumer) -> Result<(), Error> {
        let ending = Ending::arrange(consumer.stop_handle(), self.in_flight.clone());
        if let Some(in_flight) = &self.in_flight {
            self.take_answers(in_flight, ending.clone());
        }
        if !self.args.no_follow {
            return self.take(consumer.listen());
        }
        loop {
            let settled = self.in_flight.as_ref().map(|in_flight| in_flight.settled());
            let mut drain = consumer.drain();
            self.take(iter::from_fn(|| if ending.has_come() { None } else { drain.next() }))?;
            // What is settled makes room, or may be due again.
            match (&self.in_flight, settled) {
                (Some(in_flight), Some(settled)) if in_flight.wait_for_more_than(settled) => {}
                _ => return Ok(()),
            }
        }
    }

    /// Lets a thread read the answers.
    fn take_answers(&self, in_flight: &Arc<InFlight>, ending: Ending) {
        let (in_flight, complaints) = (Arc::clone(in_flight), self.context.complaints());
        let mut input = self.context.take_input();
        thread::spawn(move || {
            answers::take(&mut *input, &in_flight, &complaints);
            ending.end();
        });
    }

    fn take(&mut self, deliveries: impl Iterator<Item = codex_spool::Result<Delivery>>) -> Result<(), Error> {
        for delivery in deliveries {
            match delivery {
                Ok(delivery) => self.hand_out(delivery)?,
                Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error.into()),
                Err(error) => self.complain(&error),
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, delivery: Delivery) -> Result<(), Error> {
        let line = self.line(delivery.event());
        if let Some(in_flight) = &self.in_flight {
            // Before anybody can answer.
            in_flight.add(delivery);
            return self.write(&line).and_then(|()| self.flush());
        }
        if let Err(error) = self.write(&line).and_then(|()| self.flush()) {
            delivery.leave();
            return Err(error);
        }
        if let Err(error) = delivery.ack() {
            self.complain(&error);
        }
        Ok(())
    }

    fn line(&self, event: &Event) -> String {
        self.args.appearance.line(event, self.context)
    }

    fn write(&self, line: &str) -> Result<(), Error> {
        self.context.out().write_all(line.as_bytes()).map_err(Error::Output)
    }

    fn flush(&self) -> Result<(), Error> {
        self.context.out().flush().map_err(Error::Output)
    }

    fn complain(&mut self, error: &codex_spool::Error) {
        self.failed = true;
        self.context.complain(error);
    }
}
