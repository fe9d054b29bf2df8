//! What all clients share: the log, its newest events in memory, what threads are doing, and word that something is new.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_spool::{Cursor, Event, EventLog, LoggedEvent};
use tokio::sync::watch;

use crate::error::Result;
use crate::message::Message;
use crate::threads::Threads;

/// How much is in memory: so many events, and so many bytes of them. What is older is read from the disk.
const RECENT: usize = 4096;
const RECENT_BYTES: usize = 32 << 20;

/// How many events a stream takes at a time.
const BATCH: usize = 256;

pub(crate) struct Feed {
    log: EventLog,
    recent: Mutex<Recent>,
    threads: Mutex<Threads>,
    problem: Mutex<Option<String>>,
    news: watch::Sender<()>,
}

struct Recent {
    events: VecDeque<Arc<Told>>,
    bytes: usize,
    end: Cursor,
}

/// An event, and the message that it is.
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) message: Message,
    cursor: Cursor,
}

impl Told {
    fn new(logged: LoggedEvent) -> Arc<Self> {
        Arc::new(Self { message: Message::event(&logged), cursor: logged.cursor, event: logged.event })
    }

    fn size(&self) -> usize {
        2 * self.message.json.len()
    }
}

/// Some events, one behind the other, after a place.
pub(crate) struct Batch {
    pub(crate) reset_to: Option<Cursor>,
    pub(crate) events: Vec<Arc<Told>>,
    pub(crate) next: Cursor,
}

impl Feed {
    pub(crate) fn new(log: EventLog, end: Cursor) -> Self {
        let recent = Recent { events: VecDeque::new(), bytes: 0, end };
        Self {
            log,
            recent: Mutex::new(recent),
            threads: Mutex::default(),
            problem: Mutex::default(),
            news: watch::Sender::new(()),
        }
    }

    pub(crate) fn log(&self) -> &EventLog {
        &self.log
    }

    /// The end of the log, as far as clients have been told of it.
    pub(crate) fn end(&self) -> Cursor {
        lock(&self.recent).end
    }

    pub(crate) fn threads(&self) -> MutexGuard<'_, Threads> {
        lock(&self.threads)
    }

    pub(crate) fn problem(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.problem)
    }

    /// Tells whoever waits that there is something new.
    pub(crate) fn wake(&self) {
        self.news.send_replace(());
    }

    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Adds what the log has been given.
    pub(crate) fn add(&self, events: Vec<LoggedEvent>) {
        let mut recent = lock(&self.recent);
        for told in events.into_iter().map(Told::new) {
            recent.end = told.cursor;
            recent.bytes += told.size();
            recent.events.push_back(told);
        }
        while recent.events.len() > RECENT || recent.bytes > RECENT_BYTES {
            let Some(oldest) = recent.events.pop_front() else { break };
            recent.bytes -= oldest.size();
        }
    }

    /// What comes after a place: from memory, or else from the disk.
    pub(crate) async fn after(&self, place: Cursor) -> Result<Batch> {
        if let Some(batch) = lock(&self.recent).after(place) {
            return Ok(batch);
        }
        let log = self.log.clone();
        let read = tokio::task::spawn_blocking(move || log.after(Some(place), BATCH)).await;
        let page = read.expect("reading does not panic")?;
        let events = page.events.into_iter().map(Told::new).collect();
        Ok(Batch { reset_to: page.reset_to, events, next: page.next })
    }
}

impl Recent {
    /// `None`: it does not reach back that far.
    fn after(&self, place: Cursor) -> Option<Batch> {
        let begin = if place == self.end {
            self.events.len()
        } else {
            let first = self.events.front()?.cursor.number();
            let at = usize::try_from(place.number().checked_sub(first)?).ok()?;
            // The same number of another log is another place.
            self.events.get(at).filter(|told| told.cursor == place)?;
            at + 1
        };
        let events: Vec<Arc<Told>> = self.events.range(begin..).take(BATCH).cloned().collect();
        let next = events.last().map_or(place, |told| told.cursor);
        Some(Batch { reset_to: None, events, next })
    }
}

/// Nothing that is held is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
