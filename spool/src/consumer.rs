//! A consumer: a name under which a program gets every event once it has subscribed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::event::EventFile;
use crate::late::Latest;
use crate::pending::Pending;
use crate::queue::{Name, Queue};
use crate::recovery::Recoverer;
use crate::sys::Folder;
use crate::{ConsumerName, Delivery, Spool};

/// How often an open consumer finishes what dead writers left.
const RECOVERY_PERIOD: Duration = Duration::from_secs(30);

/// An open consumer: the events that it has yet to settle, in order.
///
/// Of two events of a thread, one whose recording had ended before the other was captured is delivered first.
#[derive(Debug)]
pub struct Consumer {
    name: ConsumerName,
    spool: Spool,
    queue: Arc<Queue>,
    pending: Pending,
    latest: Latest,
    problems: VecDeque<Error>,
    damaged: u64,
    recoverer: Recoverer,
    recovered_at: Instant,
}

impl Consumer {
    pub(crate) fn new(
        name: ConsumerName,
        spool: Spool,
        queue: Queue,
        recoverer: Recoverer,
        problems: Vec<Error>,
    ) -> Self {
        Self {
            name,
            spool,
            queue: Arc::new(queue),
            pending: Pending::default(),
            latest: Latest::default(),
            problems: problems.into(),
            damaged: 0,
            recoverer,
            recovered_at: Instant::now(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &ConsumerName {
        &self.name
    }

    /// How many damaged records it has set aside in `dead/` since it was opened.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The events that wait for this consumer, in order, until none can be delivered now. Events that arrive meanwhile
    /// are included; those that are handed out, or wait to be retried, are not.
    ///
    /// An error in between is reported once and ends nothing: the iterator goes on behind it. A damaged record is
    /// such an error ([`Error::Damaged`]): it has been moved to the consumer's `dead/`.
    pub fn drain(&mut self) -> Drain<'_> {
        Drain { consumer: self, done: false }
    }

    fn next(&mut self) -> Option<Result<Delivery>> {
        if self.recovered_at.elapsed() >= RECOVERY_PERIOD {
            self.problems.extend(self.recoverer.run(&self.spool));
            self.recovered_at = Instant::now();
        }
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            while let Some((name, attempt, folder)) = self.pending.pop() {
                if let Some(delivery) = self.hand_out(name, attempt, folder).transpose() {
                    return Some(delivery);
                }
            }
            match self.pending.list(&self.queue) {
                Ok(true) => {}
                Ok(false) => return self.problems.pop_front().map(Err),
                Err(Error::Io { source, path, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    return Some(Err(Error::NoConsumer { name: self.name.clone(), path }));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads an event from the queue. `None`: it has been removed by hand.
    fn hand_out(&mut self, name: Name, attempt: u32, folder: Arc<Folder>) -> Result<Option<Delivery>> {
        let reason = match EventFile::read(&folder, &name.file(attempt), name.id) {
            Ok(EventFile::Gone) => return Ok(None),
            Ok(EventFile::Event(event)) if event.moment() == name.captured => {
                let late = self.latest.is_late(event.thread_id(), name.captured);
                self.queue.hold(name);
                let queue = Arc::clone(&self.queue);
                return Ok(Some(Delivery { event, attempt, late, name, folder, queue, settled: false }));
            }
            Ok(EventFile::Event(_)) => "it was captured at another time than its name says".to_owned(),
            Ok(EventFile::Damaged(reason)) => reason,
            Err(error) => {
                self.queue.postpone(name, attempt);
                return Err(error);
            }
        };
        match self.queue.set_aside(name, attempt, &reason) {
            Ok(path) => {
                self.damaged += 1;
                Err(Error::Damaged { path, reason })
            }
            Err(error) => {
                self.queue.postpone(name, attempt);
                Err(error)
            }
        }
    }
}

/// The iterator of [`Consumer::drain`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Drain<'a> {
    consumer: &'a mut Consumer,
    done: bool,
}

impl Iterator for Drain<'_> {
    type Item = Result<Delivery>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.consumer.next();
        // A queue that cannot be listed would be an endless row of the same error.
        self.done = match &next {
            None | Some(Err(Error::NoConsumer { .. })) => true,
            Some(Err(Error::Io { path, .. })) => path == self.consumer.queue.dir(),
            Some(_) => false,
        };
        next
    }
}

impl std::iter::FusedIterator for Drain<'_> {}
