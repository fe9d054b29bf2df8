//! The queue of a consumer: the names in it, and how one is settled.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::EventId;
use crate::disk::Disk;
use crate::error::Result;
use crate::subscribe::remove_consumer_folder;
use crate::time::Moment;

/// What the name of a queued file says: when its event was captured, and which it is. Ordered as events are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) captured: Moment,
    pub(crate) id: EventId,
}

impl Name {
    /// `<captured>-<id>`.
    pub(crate) fn stem(self) -> String {
        // Without the formatting of the standard library: this is done twice for each event that is drained.
        let mut stem = [b'0'; 53];
        let mut rest = self.captured.0;
        for digit in stem[..20].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        stem[20] = b'-';
        stem[21..].copy_from_slice(&self.id.to_hex());
        str::from_utf8(&stem).expect("digits are ASCII").to_owned()
    }

    /// The name of its file in a queue, at the given attempt to deliver it, counted from 1.
    pub(crate) fn file(self, attempt: u32) -> String {
        match attempt {
            0 | 1 => self.stem() + ".json",
            later => format!("{}.{later}.json", self.stem()),
        }
    }

    /// Reads the name of a queued file: the event and the attempt. `None`: it is none of ours.
    pub(crate) fn parse(file: &str) -> Option<(Self, u32)> {
        let file = file.strip_suffix(".json")?;
        let (captured, rest) = file.split_at_checked(20)?;
        let (id, attempt) = rest.strip_prefix('-')?.split_at_checked(32)?;
        if !captured.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let name = Self { captured: Moment(captured.parse().ok()?), id: EventId::from_hex(id.as_bytes())? };
        let attempt = match attempt.strip_prefix('.') {
            None => attempt.is_empty().then_some(1)?,
            Some(number) => {
                let attempt = number.parse().ok().filter(|&attempt| attempt >= 2)?;
                (number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0'))
                    .then_some(attempt)?
            }
        };
        Some((name, attempt))
    }
}

/// 1 s after the first attempt, doubling to 60 s, give or take a fifth.
pub(crate) fn back_off(attempt: u32) -> Duration {
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
    pub(crate) fn retry(&self, name: Name, attempt: u32, after: Duration) -> Result<()> {
        let moved = self.move_to(name, attempt, &self.file(name, attempt.saturating_add(1)));
        let mut held = self.held();
        match Instant::now().checked_add(after) {
            // It was removed by hand.
            _ if matches!(moved, Ok(false)) => drop(held.remove(&name)),
            Some(due) => drop(held.insert(name, Held::Until(due))),
            // Later than any clock tells: not while this process lives.
            None => drop(held.insert(name, Held::InFlight)),
        }
        moved.map(drop)
    }

    /// Moves an event to `dead/`, with the reason beside it, and gives its place there.
    pub(crate) fn set_aside(&self, name: Name, attempt: u32, reason: &str) -> Result<PathBuf> {
        #[derive(Serialize)]
        struct Reason<'a> {
            reason: &'a str,
            attempt: u32,
            at: String,
        }
        let dead = self.folder.join("dead");
        self.disk.make_folder(&dead)?;
        let at = Moment::of(SystemTime::now()).to_string();
        let mut line = serde_json::to_vec(&Reason { reason, attempt, at }).expect("plain fields become JSON");
        line.push(b'\n');
        let beside = dead.join(format!("{}.reason", name.stem()));
        self.disk.unlink(&beside)?;
        let file = self.disk.create(&beside)?;
        self.disk.write(&file, &beside, &line)?;
        let place = dead.join(name.file(1));
        self.move_to(name, attempt, &place)?;
        Ok(place)
    }

    /// False: it is not there.
    fn move_to(&self, name: Name, attempt: u32, to: &Path) -> Result<bool> {
        let from = self.file(name, attempt);
        if from == to {
            return Ok(true);
        }
        let moved = self.disk.rename(&from, to)?;
        if moved {
            // The rename did nothing where both names are one file already.
            self.disk.unlink(&from)?;
        }
        Ok(moved)
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
