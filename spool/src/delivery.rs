//! A delivery: an event in the hands of a consumer's program, to be settled.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::queue::{Name, Queue, back_off};
use crate::sys::Folder;
use crate::{Event, EventId};

/// An event handed out to a consumer's program, which settles it: by [`ack`](Self::ack), [`retry`](Self::retry) or
/// [`reject`](Self::reject), the words of NATS JetStream. One that is dropped without a word is retried, after a
/// second at first and a minute at most.
///
/// It may be sent to another thread and settled there. As long as one lives, its consumer's name stays taken.
///
/// None of the three syncs: what was settled since may have to be done again after a loss of power.
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

    /// It is done: this consumer will not get it again, unless power is lost within seconds.
    ///
    /// # Errors
    /// When the file cannot be removed from the queue; the event is then retried.
    pub fn ack(mut self) -> Result<()> {
        self.queue.disk.unlink_in(&self.folder, &self.name.file(self.attempt))?;
        self.settle();
        Ok(())
    }

    /// Not now: it is delivered again no sooner than `after`. The delay is kept in memory; after a restart it is due.
    ///
    /// # Errors
    /// When the file cannot be renamed; the event is then retried all the same, as the same attempt.
    pub fn retry(mut self, after: Duration) -> Result<()> {
        self.settled = true;
        self.queue.retry(self.name, self.attempt, after)
    }

    /// Not ever: the event goes to this consumer's `dead/`, with the reason beside it.
    ///
    /// # Errors
    /// When it cannot be moved there; the event is then retried.
    pub fn reject(mut self, reason: &str) -> Result<()> {
        self.queue.set_aside(self.name, self.attempt, reason)?;
        self.settle();
        Ok(())
    }

    fn settle(&mut self) {
        self.settled = true;
        self.queue.forget(&self.name);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.settled {
            // It stays in the queue either way, and is held back for the delay.
            let _ = self.queue.retry(self.name, self.attempt, back_off(self.attempt));
        }
    }
}
