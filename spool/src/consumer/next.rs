//! Finding the next event that can be delivered.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Consumer;
use super::inbox::Fate;
use crate::Delivery;
use crate::delivery::given_up;
use crate::error::{Error, Result};
use crate::event::EventFile;
use crate::name::Name;
use crate::queue::back_off;
use crate::sys::{self, Folder};

/// How long nothing is read after there were no file descriptors left, or no memory.
const PAUSE: Duration = Duration::from_secs(1);

impl Consumer {
    /// What can be delivered now, as far as is known. `told`: of what is still unsure there will be word. Asks after each
    /// event that is not for now whether it may read on, and says how many there were.
    pub(super) fn next(
        &mut self,
        told: bool,
        may_read_on: impl Fn(&Self, usize) -> bool,
    ) -> Option<Result<Delivery>> {
        self.make_pass();
        let mut passed_over = 0;
        loop {
            self.take_news();
            if self.waiting.should_look() {
                self.look();
            }
            if let Some(problem) = self.problems.pop_front() {
                tracing::warn!(consumer = %self.name, "{problem}");
                return Some(Err(problem));
            }
            if self.is_full() || self.pause.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            match self.pending.pop() {
                Some((name, attempt, folder)) => match self.hand_out(name, attempt, folder) {
                    Ok(Some(delivery)) => return Some(Ok(delivery)),
                    Ok(None) => {
                        passed_over += 1;
                        if !may_read_on(self, passed_over) {
                            return None;
                        }
                    }
                    Err(error) => self.problems.push_back(error),
                },
                None if self.pending.is_unsure() && !told => self.waiting.look_now(),
                None => return None,
            }
        }
    }

    /// Whether as many are in flight as may be.
    pub(super) fn is_full(&self) -> bool {
        self.options.max_in_flight.is_some_and(|max| self.held.in_flight() >= max.get())
    }

    /// Takes in what other threads have said, and whose delay is over.
    pub(super) fn take_news(&mut self) {
        let news = self.queue.inbox().take();
        for (name, fate) in news.settled {
            self.held.settled(name, fate);
            if let Fate::Again(attempt, _) = fate {
                tracing::debug!(consumer = %self.name, id = %name.id, attempt, "to be delivered again");
                continue;
            }
            self.counted.settled += 1;
            self.counted.dead += u64::from(matches!(fate, Fate::Dead));
            self.finished(name);
        }
        for (name, attempt) in news.arrived {
            let waits = self.order.as_ref().is_some_and(|order| order.is_waiting(&name));
            if !waits && !self.held.contains(&name) {
                self.pending.insert(name, attempt);
            }
        }
        if news.look {
            self.waiting.look_now();
        }
        let now = Instant::now();
        while let Some((name, attempt)) = self.held.take_due(now) {
            self.pending.insert(name, attempt);
        }
    }

    /// An event has left the queue: the next one of its thread may go.
    fn finished(&mut self, name: Name) {
        if let Some((next, attempt)) = self.order.as_mut().and_then(|order| order.finished(&name)) {
            self.pending.insert(next, attempt);
        }
    }

    /// Lists the queue.
    fn look(&mut self) {
        // Before it is listed: what comes later is told.
        self.waiting.watch_anew(&self.queue);
        let (held, order) = (&self.held, self.order.as_ref());
        let is_held = |name: &Name| held.contains(name) || order.is_some_and(|order| order.is_waiting(name));
        let looked = match self.queue.is_ours() {
            Ok(true) => self.pending.list(&self.queue, is_held),
            Ok(false) => {
                Err(Error::NoConsumer { name: self.name.clone(), path: self.queue.folder().to_owned() })
            }
            Err(error) => Err(error),
        };
        self.waiting.looked(looked.is_ok());
        match looked {
            Err(Error::Io { source, path, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let made = self.queue.make_if_removed().map(|()| self.waiting.look_now());
                self.problems.push_back(match made {
                    Ok(()) => Error::QueueRemoved { name: self.name.clone(), path },
                    Err(error) => error,
                });
            }
            // That will not change: whoever asks again is told again.
            Err(error @ Error::NoConsumer { .. }) => {
                self.waiting.look_now();
                self.problems.push_back(error);
            }
            looked => self.problems.extend(looked.err()),
        }
    }

    /// Reads an event from the queue, and hands it out if it is wanted now.
    fn hand_out(&mut self, name: Name, attempt: u32, folder: Arc<Folder>) -> Result<Option<Delivery>> {
        let event = match EventFile::read(&folder, &name.file(attempt), name.id) {
            Ok(EventFile::Event(event)) if event.moment() == name.captured => event,
            Ok(EventFile::Event(_)) => {
                return self.set_damaged_aside(
                    name,
                    attempt,
                    "it was captured at another time than its name says",
                );
            }
            Ok(EventFile::Damaged(reason)) => return self.set_damaged_aside(name, attempt, &reason),
            // That attempt was settled, and word of it came late; the event may have been put back since.
            Ok(EventFile::Gone) if attempt > 1 => return self.hand_out(name, 1, folder),
            Ok(EventFile::Gone) => {
                self.finished(name);
                return Ok(None);
            }
            // Whatever it is that is wanting, the next event would not have it either, and must not go first.
            Err(Error::Io { source, operation, path }) if sys::is_shortage(&source) => {
                self.pending.insert(name, attempt);
                self.pause = Some(Instant::now() + PAUSE);
                return Err(Error::Io { source, operation, path });
            }
            Err(error) => return Err(self.postpone(name, attempt, error)),
        };
        if !self.options.filter.matches(&event) {
            let file = name.file(attempt);
            if let Err(error) = self.queue.disk.unlink_in(&folder, &file) {
                return Err(self.postpone(name, attempt, error));
            }
            self.counted.settled += 1;
            self.finished(name);
            return Ok(None);
        }
        if let (Some(order), Some(thread)) = (&mut self.order, event.thread_id())
            && !order.take_turn(thread, name, attempt)
        {
            return Ok(None);
        }
        let on_disk = match self.options.max_attempts {
            Some(max) if attempt > max => {
                let reason = given_up(max);
                if self.bury(name, attempt, &reason, attempt - 1)?.is_some() {
                    tracing::warn!(consumer = %self.name, id = %name.id, "{reason}");
                }
                return Ok(None);
            }
            // Counted before anybody has it: what kills its reader has been tried all the same.
            Some(_) => match self.queue.renumber(name, attempt, attempt + 1) {
                Ok(_) => attempt + 1,
                Err(error) => return Err(self.postpone(name, attempt, error)),
            },
            None => attempt,
        };
        let late = self.latest.is_late(event.thread_id(), name.captured);
        self.held.hand_out(name);
        self.counted.delivered += 1;
        self.counted.redelivered += u64::from(attempt > 1);
        self.counted.late += u64::from(late);
        let queue = Arc::clone(&self.queue);
        let max_attempts = self.options.max_attempts;
        Ok(Some(Delivery {
            event,
            attempt,
            late,
            name,
            folder,
            queue,
            on_disk,
            max_attempts,
            settled: false,
        }))
    }

    fn set_damaged_aside(&mut self, name: Name, attempt: u32, reason: &str) -> Result<Option<Delivery>> {
        match self.bury(name, attempt, reason, attempt)? {
            Some(path) => {
                self.counted.damaged += 1;
                Err(Error::Damaged { path, reason: reason.to_owned() })
            }
            None => Ok(None),
        }
    }

    /// Moves an event to `dead/` that nobody has in hand, and gives its place there. `None`: it is gone.
    fn bury(&mut self, name: Name, on_disk: u32, reason: &str, attempt: u32) -> Result<Option<PathBuf>> {
        match self.queue.set_aside(name, on_disk, reason, attempt) {
            Ok(place) => {
                self.counted.settled += 1;
                self.counted.dead += u64::from(place.is_some());
                self.finished(name);
                Ok(place)
            }
            Err(error) => Err(self.postpone(name, on_disk, error)),
        }
    }

    /// It stays as it is, and is tried again after a while.
    fn postpone(&mut self, name: Name, attempt: u32, error: Error) -> Error {
        self.held.settled(name, self.queue.again(attempt, back_off(attempt)));
        error
    }
}
