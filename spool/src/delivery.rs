//! A delivery: an event in the hands of a consumer's program, to be settled.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::queue::Name;
use crate::time::Moment;
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
    event: Event,
    attempt: u32,
    late: bool,
    name: Name,
    queue: Arc<Queue>,
    settled: bool,
}

impl Delivery {
    pub(crate) fn new(queue: Arc<Queue>, name: Name, event: Event, attempt: u32, late: bool) -> Self {
        Self { event, attempt, late, name, queue, settled: false }
    }

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
        self.queue.disk.unlink(&self.queue.file(self.name, self.attempt))?;
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
        self.queue.bury(self.name, self.attempt, reason)?;
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

/// 1 s after the first attempt, doubling to 60 s, give or take a fifth.
fn back_off(attempt: u32) -> Duration {
    let seconds = 1_u64 << attempt.saturating_sub(1).min(6);
    Duration::from_secs(seconds.min(60)).mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// The queue of an open consumer, shared by it and its deliveries.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) disk: Disk,
    /// `consumers/<name>`.
    folder: PathBuf,
    /// `consumers/<name>/queue`.
    dir: PathBuf,
    held: Mutex<HashMap<Name, Held>>,
    /// Held as long as the consumer or a delivery of it lives.
    _lock: File,
    ephemeral: bool,
}

/// Why an event that is in the queue must not be handed out.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// It is handed out already.
    InFlight,
    /// It is to be retried, then.
    Until(Instant),
}

/// Whether an event that is in the queue is held back.
pub(crate) enum HeldBack {
    No,
    Yes,
    /// No longer: its delay is over.
    Due,
}

impl Queue {
    pub(crate) fn new(disk: Disk, folder: PathBuf, lock: File, ephemeral: bool) -> Self {
        Self { disk, dir: folder.join("queue"), folder, held: Mutex::default(), _lock: lock, ephemeral }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn file(&self, name: Name, attempt: u32) -> PathBuf {
        self.dir.join(name.file(attempt))
    }

    pub(crate) fn held_back(&self, name: &Name, now: Instant) -> HeldBack {
        let mut held = self.held();
        match held.get(name) {
            None => HeldBack::No,
            Some(Held::Until(then)) if *then <= now => {
                held.remove(name);
                HeldBack::Due
            }
            Some(_) => HeldBack::Yes,
        }
    }

    /// It is handed out from now on.
    pub(crate) fn hold(&self, name: Name) {
        self.held().insert(name, Held::InFlight);
    }

    /// It stays as it is, and is not handed out for a while.
    pub(crate) fn postpone(&self, name: Name, attempt: u32) {
        self.held().insert(name, Held::Until(Instant::now() + back_off(attempt)));
    }

    /// It has gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.held().remove(name);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Name, Held>> {
        // A program that panicked while it settled leaves a map that is still true.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it the next attempt, and holds it back for a while.
    fn retry(&self, name: Name, attempt: u32, after: Duration) -> Result<()> {
        let renamed = self.move_to(name, attempt, &self.file(name, attempt.saturating_add(1)));
        let due = Instant::now().checked_add(after);
        match due {
            Some(due) => drop(self.held().insert(name, Held::Until(due))),
            // Later than any clock tells: not while this process lives.
            None => drop(self.held().insert(name, Held::InFlight)),
        }
        renamed
    }

    /// Moves an event to `dead/`, with the reason beside it, and gives its place there.
    pub(crate) fn bury(&self, name: Name, attempt: u32, reason: &str) -> Result<PathBuf> {
        #[derive(Serialize)]
        struct Reason<'a> {
            reason: &'a str,
            attempt: u32,
            at: String,
        }
        let dead = self.folder.join("dead");
        let at = Moment::of(SystemTime::now()).to_string();
        let mut line = serde_json::to_vec(&Reason { reason, attempt, at }).expect("plain fields become JSON");
        line.push(b'\n');
        let beside = dead.join(format!("{}.reason", name.stem()));
        self.disk.unlink(&beside)?;
        let file = self.disk.create(&beside)?;
        self.disk.write(&file, &beside, &line)?;
        let grave = dead.join(name.file(1));
        self.move_to(name, attempt, &grave)?;
        Ok(grave)
    }

    fn move_to(&self, name: Name, attempt: u32, to: &Path) -> Result<()> {
        let from = self.file(name, attempt);
        if self.disk.rename(&from, to)? {
            // The rename did nothing where both names are one file already.
            self.disk.unlink(&from)?;
        }
        Ok(())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.ephemeral {
            // What is left is removed by the next recovery.
            let _ = remove_consumer_folder(self.disk, &self.folder);
        }
    }
}

/// How the name of a consumer's folder begins while it is being removed.
const GONE: &str = ".gone-";

/// Whether a consumer's folder is on its way out.
pub(crate) fn is_being_removed(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(GONE))
}

/// Removes the folder of a consumer whose lock is held: out of the writers' sight first.
pub(crate) fn remove_consumer_folder(disk: Disk, folder: &Path) -> Result<(), Error> {
    let consumers = folder.parent().expect("a consumer's folder is in consumers/");
    let gone = consumers.join(format!("{GONE}{:016x}", fastrand::u64(..)));
    if disk.rename(folder, &gone)? {
        disk.sync_folder(consumers)?;
        disk.remove_tree(&gone)?;
    }
    Ok(())
}
