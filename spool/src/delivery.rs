//! A delivery: an event in the hands of a consumer's program, to be settled.

use std::sync::Arc;
use std::time::Duration;

use crate::consumer::inbox::Fate;
use crate::error::Result;
use crate::name::Name;
use crate::queue::{Queue, back_off};
use crate::sys::Folder;
use crate::{Event, EventId};

/// An event handed out to a consumer's program, which settles it: by [`ack`](Self::ack), [`retry`](Self::retry) or
/// [`reject`](Self::reject), the words of NATS JetStream. One that is dropped without a word is retried, after a
/// second at first and a minute at most.
///
/// It may be sent to another thread or task and settled there. As long as one lives, its consumer's name stays taken.
///
/// What was settled outlives the crash of any process. None of the three syncs: after a loss of power the events that
/// were settled last may come again.
#[derive(Debug)]
#[must_use = "settle it by ack(), retry() or reject(); one that is dropped is delivered again"]
pub struct Delivery {
    pub(crate) event: Event,
    pub(crate) attempt: u32,
    pub(crate) late: bool,
    pub(crate) name: Name,
    /// In which it was found.
    pub(crate) folder: Arc<Folder>,
    pub(crate) queue: Arc<Queue>,
    /// The attempt that its file bears in its name: with `max_attempts` the next one already.
    pub(crate) on_disk: u32,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) settled: bool,
}

impl Delivery {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The identity of the event: a program that must not do things twice remembers these.
    pub fn id(&self) -> EventId {
        self.name.id
    }

    /// How often this consumer has been given the event, this time included: 1 at first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether a later event of the same thread was delivered before it, since this consumer was opened: it was
    /// recovered or retried, or the clock was set back.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// It is done: this consumer will not get it again.
    ///
    /// A file is removed from the queue, nothing more: after a loss of power it may be back.
    ///
    /// # Errors
    /// When the file cannot be removed from the queue; the event is then retried.
    pub fn ack(mut self) -> Result<()> {
        // A rewind has given it its first name again.
        if self.on_disk > 1 {
            self.queue.disk.unlink_in(&self.folder, &self.name.file(1))?;
        }
        self.queue.disk.unlink_in(&self.folder, &self.name.file(self.on_disk))?;
        self.settle(Fate::Settled);
        Ok(())
    }

    /// Acknowledges many, all that can be.
    ///
    /// It promises no more than [`ack`](Self::ack) for each: after a crash in the middle some are done.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start, Delivery};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # let mut consumer = spool.consumer("docs")?.start(Start::Earliest).open()?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// let batch: Vec<Delivery> = consumer.drain().take(100).collect::<Result<_, _>>()?;
    /// // … a transaction that notes them all …
    /// Delivery::ack_all(batch)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first that there is; those that could not be acknowledged are retried.
    pub fn ack_all(deliveries: impl IntoIterator<Item = Self>) -> Result<()> {
        deliveries.into_iter().map(Self::ack).fold(Ok(()), Result::and)
    }

    /// Not now: it is delivered again no sooner than `after`. With `max_attempts` set, and this the last, it goes to
    /// the consumer's `dead/` instead.
    ///
    /// The number of the attempt outlives a crash, the delay does not: when the consumer is opened again it is due.
    ///
    /// What is due comes before all that was captured after it. So an event that is retried without a delay, again and
    /// again, is the only one that is delivered.
    ///
    /// # Errors
    /// When the file cannot be renamed; the event is then retried all the same, as the same attempt.
    pub fn retry(mut self, after: Duration) -> Result<()> {
        self.go_again(after)
    }

    /// Not ever: the event goes to this consumer's `dead/`, with the reason beside it. From there it can be
    /// [put back](crate::DeadEvent::requeue).
    ///
    /// After a crash it is in the queue or in `dead/`.
    ///
    /// # Errors
    /// When it cannot be moved there; the event is then retried.
    pub fn reject(mut self, reason: &str) -> Result<()> {
        self.bury(reason)
    }

    /// Neither done nor failed: it stays in the queue as it is, and is delivered again when the consumer is opened the
    /// next time, sooner not. For a program that is about to end, and does not know what has become of its deliveries.
    ///
    /// It is what a crash does: the attempt is not counted, unless `max_attempts` is set, which counted it before.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # let mut consumer = spool.consumer("docs")?.start(Start::Earliest).open()?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// consumer.recv()?.expect("nobody stops it").leave();
    /// drop(consumer);
    /// let mut consumer = spool.consumer("docs")?.open()?;
    /// assert_eq!(consumer.recv()?.expect("nobody stops it").attempt(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn leave(mut self) {
        self.settle(Fate::Again(self.on_disk, None));
    }

    fn bury(&mut self, reason: &str) -> Result<()> {
        let place = self.queue.set_aside(self.name, self.on_disk, reason, self.attempt)?;
        self.settle(if place.is_some() { Fate::Dead } else { Fate::Settled });
        Ok(())
    }

    fn go_again(&mut self, after: Duration) -> Result<()> {
        if let Some(max) = self.max_attempts.filter(|max| self.attempt >= *max)
            && self.bury(&given_up(max)).is_ok()
        {
            return Ok(());
        }
        let next = self.attempt.saturating_add(1);
        if self.on_disk == next {
            self.settle(self.queue.again(next, after));
            return Ok(());
        }
        match self.queue.renumber(self.name, self.on_disk, next) {
            Ok(true) => self.settle(self.queue.again(next, after)),
            // It was removed by hand.
            Ok(false) => self.settle(Fate::Settled),
            Err(error) => {
                self.settle(self.queue.again(self.on_disk, after));
                return Err(error);
            }
        }
        Ok(())
    }

    fn settle(&mut self, fate: Fate) {
        self.settled = true;
        self.queue.inbox().settled(self.name, fate);
    }

    /// Takes it back as if it had never been handed out, where nobody has seen it.
    #[cfg(feature = "tokio")]
    pub(crate) fn take_back(mut self) {
        let _ = self.queue.renumber(self.name, self.on_disk, self.attempt);
        self.settle(self.queue.again(self.attempt, Duration::ZERO));
    }
}

/// Why an event is dead that nobody rejected.
pub(crate) fn given_up(max_attempts: u32) -> String {
    format!("given up: max_attempts is {max_attempts}")
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.settled {
            // It stays in the queue either way, and is held back for the delay.
            let _ = self.go_again(back_off(self.attempt));
        }
    }
}
