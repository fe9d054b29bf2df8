//! Keeping a log: giving the events of a consumer their numbers.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::segments::{self, Segments};
use super::{Cursor, EventLog, LoggedEvent};
use crate::error::{Error, Result};
use crate::name::Name;
use crate::{Consumer, ConsumerBuilder, Delivery, StopHandle, disk};

/// How many events are taken in at a time, and how many bytes of them unless one alone has more.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 4 << 20;

/// How many events a log keeps unless something else is said.
const KEEP: u64 = 100_000;

/// The one that keeps a log, an open consumer: it gives each of its events the next number, durably, and acknowledges it
/// then; see [`EventLog`].
///
/// ```
/// # use codex_spool::{Capture, Spool, Start};
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// let mut keeper = spool.consumer("dashboard")?.start(Start::Earliest).keep_log()?.keep(10_000);
/// let stop = keeper.stop_handle();
/// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
/// loop {
///     let events = keeper.recv()?;
///     if events.is_empty() {
///         break; // stopped
///     }
///     for logged in events {
///         println!("{} {}", logged.cursor, logged.event.kind());
///     }
///     stop.stop(); // as a signal handler would
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A number that it has given out is never given to another event, and no event gets two, whenever the process is killed or
/// the power lost: an event is written into the log and synced before it is acknowledged, and one that comes again is known
/// by its name. To that end the names of the events that the log has are in memory, some 50 bytes each.
///
/// Several processes may keep a log in turns, each as it needs it: open, [`take_in`](Self::take_in), drop. Who finds the
/// consumer [busy](Error::Busy) can read what the other keeps.
#[derive(Debug)]
pub struct LogKeeper {
    consumer: Consumer,
    log: EventLog,
    segments: Segments,
    /// The last file, as long as nothing has gone wrong with it.
    last: Option<(File, PathBuf)>,
    /// The next number.
    next: u64,
    known: HashSet<Name>,
    keep: u64,
    /// What could not be written yet, in order.
    in_hand: Vec<Delivery>,
    problems: VecDeque<Error>,
}

impl ConsumerBuilder {
    /// Opens the consumer to keep a log of what it gets.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and when the log cannot be read or made.
    pub fn keep_log(self) -> Result<LogKeeper> {
        LogKeeper::new(self.open()?)
    }
}

impl LogKeeper {
    fn new(consumer: Consumer) -> Result<Self> {
        let log = EventLog::new(consumer.spool().clone(), consumer.name().clone());
        let disk = consumer.spool().disk;
        disk.make_folder(&log.folder)?;
        // Whoever made it, or wrote to its last file, may have died before it was durable.
        disk.sync_folder(consumer.queue.folder())?;
        let segments = match Segments::list(&log.folder)? {
            Some(segments) => segments,
            None => {
                segments::begin(disk, &log.folder, fastrand::u32(..), 1)?;
                log.segments()?
            }
        };
        disk.sync_folder(&log.folder)?;
        let (last, next, is_whole) = segments.last()?;
        let path = last.path.clone();
        let file = disk::open_to_append(&path)?;
        disk.sync_file(&file, &path)?;
        let mut known = HashSet::new();
        for place in 0..segments.all.len() {
            known.extend(segments.names(place)?.into_iter().flatten());
        }
        let last = is_whole.then_some((file, path));
        Ok(Self {
            consumer,
            log,
            segments,
            last,
            next,
            known,
            keep: KEEP,
            in_hand: Vec::new(),
            problems: VecDeque::new(),
        })
    }

    /// Drops the oldest events once there are more than `n`, and a thousand for good measure; 100,000 by default.
    pub fn keep(self, n: u64) -> Self {
        Self { keep: n, ..self }
    }

    /// The log that it keeps, for reading.
    pub fn log(&self) -> EventLog {
        self.log.clone()
    }

    /// The end of the log.
    pub fn end(&self) -> Cursor {
        Cursor { log: self.segments.log, number: self.next - 1 }
    }

    /// What ends the waiting, from wherever it is used.
    pub fn stop_handle(&self) -> StopHandle {
        self.consumer.stop_handle()
    }

    /// Takes in all events that wait, and tells how many these were. It does not wait for others.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub fn take_in(&mut self) -> Result<usize> {
        let mut count = 0;
        loop {
            let taken = self.next_batch(|consumer| consumer.drain().next().transpose())?;
            match taken {
                Some(events) => count += events.len(),
                None => return Ok(count),
            }
        }
    }

    /// Waits for events, and takes in those that are there, some hundreds at most. None at all: a [`StopHandle`] was used.
    ///
    /// # Errors
    /// Those of [`Consumer::recv`]: what is wrong with one event is reported once, and the next call goes on behind it. When
    /// the log cannot be written; the next call tries again.
    pub fn recv(&mut self) -> Result<Vec<LoggedEvent>> {
        self.wait(None)
    }

    /// The same; waits no longer than `timeout`.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Vec<LoggedEvent>> {
        self.wait(Instant::now().checked_add(timeout))
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Vec<LoggedEvent>> {
        loop {
            let taken = self.next_batch(|consumer| match deadline {
                None => consumer.recv(),
                Some(at) => consumer.recv_timeout(at.saturating_duration_since(Instant::now())),
            })?;
            match taken {
                // They were known already: an unclean end had brought them back.
                Some(events) if events.is_empty() => {}
                events => return Ok(events.unwrap_or_default()),
            }
        }
    }

    /// The first delivery, and those that wait behind it, with their numbers.
    fn next_batch(
        &mut self,
        first: impl FnOnce(&mut Consumer) -> Result<Option<Delivery>>,
    ) -> Result<Option<Vec<LoggedEvent>>> {
        if let Some(problem) = self.problems.pop_front() {
            return Err(problem);
        }
        if self.in_hand.is_empty() {
            let Some(first) = first(&mut self.consumer)? else { return Ok(None) };
            self.gather(first);
        }
        self.write().map(Some)
    }

    /// Takes what waits behind the first in hand too.
    fn gather(&mut self, first: Delivery) {
        let mut bytes = first.event().record().len();
        self.in_hand.push(first);
        for delivery in self.consumer.drain() {
            match delivery {
                Ok(delivery) => {
                    bytes += delivery.event().record().len();
                    self.in_hand.push(delivery);
                }
                Err(problem) => {
                    self.problems.push_back(problem);
                    break;
                }
            }
            if self.in_hand.len() == BATCH || bytes >= BATCH_BYTES {
                break;
            }
        }
    }

    /// Writes what is in hand, and acknowledges it.
    fn write(&mut self) -> Result<Vec<LoggedEvent>> {
        let is_new = |delivery: &&Delivery| !self.known.contains(&delivery.name);
        let names: Vec<Name> = self.in_hand.iter().filter(is_new).map(|delivery| delivery.name).collect();
        if !names.is_empty() {
            self.append(&names)?;
        }
        let mut logged = Vec::with_capacity(names.len());
        for delivery in self.in_hand.drain(..) {
            if self.known.insert(delivery.name) {
                let cursor = Cursor { log: self.segments.log, number: self.next };
                logged.push(LoggedEvent { cursor, event: delivery.event().clone() });
                self.next += 1;
            }
            // Then it comes again, and is known.
            self.problems.extend(delivery.ack().err());
        }
        Ok(logged)
    }

    /// Writes the names at the end of the log. When this returns they are durable.
    fn append(&mut self, names: &[Name]) -> Result<()> {
        let disk = self.consumer.spool().disk;
        let first = self.segments.all.last().map_or(1, |segment| segment.first);
        if self.last.is_none() || self.next - first >= segments::LINES {
            self.last = None;
            self.last = Some(segments::begin(disk, &self.log.folder, self.segments.log, self.next)?);
            self.segments = self.log.segments()?;
            self.trim()?;
        }
        // A file that could not be written, or synced, is not written to again: the next begins where it counts no more.
        let (file, path) = self.last.take().expect("there is one now");
        disk.write(&file, &path, &segments::lines(names))?;
        disk.sync_file(&file, &path)?;
        self.last = Some((file, path));
        Ok(())
    }

    /// Drops the oldest files, as long as enough is left without them.
    fn trim(&mut self) -> Result<()> {
        while let [first, second, ..] = &self.segments.all[..]
            && self.next - second.first >= self.keep
        {
            let names = self.segments.names(0)?;
            self.consumer.spool().disk.unlink(&first.path)?;
            self.segments.all.remove(0);
            names.iter().flatten().for_each(|name| {
                self.known.remove(name);
            });
        }
        Ok(())
    }
}
