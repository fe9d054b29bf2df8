//! What all clients share: the log, word of what comes into it, and what threads are doing.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use codex_spool::{Cursor, Error, Event, EventLog, LiveThreads, LogKeeper, LoggedEvent};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use crate::message::{Message, Refused};

/// How many streams there are at most.
const STREAMS: usize = 512;

/// How many of the newest events are in memory, as long as a stream has yet to take them, and how large such a one is at
/// most. Others are read from the log, which makes the disk sync: not what every stream should do at every event.
const RECENT: usize = 1024;
const LARGE: usize = 32 << 10;

/// How long is waited for events until it is certain that they can be taken in, and how long after something has gone wrong.
const CHECK: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_secs(1);

pub(crate) struct Feed {
    pub(crate) log: EventLog,
    pub(crate) threads: LiveThreads,
    /// What comes into the log; `None` where it is too large to be in memory.
    pub(crate) news: broadcast::Sender<Option<Arc<Told>>>,
    pub(crate) kept: watch::Sender<Kept>,
    streams: Arc<Semaphore>,
}

/// An event, and the message that it is: made once, for all streams.
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) message: Message,
}

impl Told {
    pub(crate) fn new(logged: LoggedEvent) -> Self {
        Self { message: Message::event(&logged), event: logged.event }
    }
}

/// How the log is being kept.
pub(crate) struct Kept {
    /// The end of the log, as far as clients have been told of it.
    pub(crate) end: Cursor,
    /// Why events cannot be taken in.
    pub(crate) problem: Option<String>,
}

impl Feed {
    pub(crate) fn new(keeper: &LogKeeper, threads: LiveThreads) -> Self {
        Self {
            log: keeper.log(),
            threads,
            news: broadcast::Sender::new(RECENT),
            kept: watch::Sender::new(Kept { end: keeper.end(), problem: None }),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }

    /// Keeps the log, until it cannot go on: this is why.
    pub(crate) fn keep(&self, mut keeper: LogKeeper) -> Error {
        let mut threads = self.threads.subscribe();
        loop {
            // Where there is no more to be heard of threads, a page would show what they once did.
            if let Some(Err(error)) = threads.recv().now_or_never() {
                return error;
            }
            match keeper.recv_timeout(CHECK) {
                Ok(events) => {
                    for logged in events {
                        let is_small = logged.event.record().len() <= LARGE;
                        // That nobody listens is fine.
                        let _ = self.news.send(is_small.then(|| Arc::new(Told::new(logged))));
                    }
                    self.kept.send_replace(Kept { end: keeper.end(), problem: None });
                }
                Err(error @ Error::NoConsumer { .. }) => return error,
                // One event is wrong, and set aside; or the disk is, and what waits is tried again.
                Err(error) => {
                    eprintln!("control-plane: {error}");
                    if !matches!(error, Error::Damaged { .. }) {
                        self.kept.send_modify(|kept| kept.problem = Some(error.to_string()));
                        thread::sleep(REST);
                    }
                }
            }
        }
    }

    /// A place among the streams, as long as it is held.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let full =
            |_| Refused(StatusCode::SERVICE_UNAVAILABLE, format!("there are {STREAMS} streams: end one"));
        Arc::clone(&self.streams).try_acquire_owned().map_err(full)
    }

    pub(crate) fn streams(&self) -> usize {
        STREAMS - self.streams.available_permits()
    }
}
