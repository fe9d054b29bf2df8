//! What other threads have to say to a consumer, and waiting for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::name::Name;

/// How many names that arrived are kept; past it the consumer lists its queue instead.
const ARRIVED: usize = 16_384;

/// What has been said to a consumer since it last looked.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    news: News,
    stopped: bool,
    /// Whether whoever waits cares for what is settled.
    awaits_settled: bool,
}

/// The news of a consumer.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// What became of deliveries.
    pub(crate) settled: Vec<(Name, Fate)>,
    /// Whether one of them is to be handed out again.
    again: bool,
    /// Names that were put into the queue, with their attempts, in the order in which this happened.
    pub(crate) arrived: Vec<(Name, u32)>,
    /// More may have happened to the queue than was said.
    pub(crate) look: bool,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// It was acknowledged, or has left the queue in another way.
    Settled,
    /// It has gone to `dead/`.
    Dead,
    /// It is to be handed out again, as this attempt, then; `None`: not while this process lives.
    Again(u32, Option<Instant>),
}

impl Inbox {
    pub(crate) fn settled(&self, name: Name, fate: Fate) {
        let mut said = self.said();
        said.news.settled.push((name, fate));
        // The file system need not tell of it, and may tell of it before this does.
        said.news.again |= matches!(fate, Fate::Again(_, Some(_)));
        if said.awaits_settled || said.news.again {
            drop(said);
            self.changed.notify_all();
        }
    }

    pub(crate) fn arrived(&self, name: Name, attempt: u32) {
        let mut said = self.said();
        if said.news.arrived.len() < ARRIVED {
            said.news.arrived.push((name, attempt));
        } else {
            said.news.look = true;
        }
        drop(said);
        self.changed.notify_all();
    }

    pub(crate) fn look(&self) {
        self.said().news.look = true;
        self.changed.notify_all();
    }

    /// For good.
    pub(crate) fn stop(&self) {
        self.said().stopped = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.said().stopped
    }

    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut self.said().news)
    }

    /// Waits for news, or until the deadline. What is over is news only where it is awaited.
    pub(crate) fn wait(&self, deadline: Option<Instant>, awaits_settled: bool) {
        let mut said = self.said();
        said.awaits_settled = awaits_settled;
        while !said.has_news() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            said = match left {
                None => self.changed.wait(said).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => self.changed.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        said.awaits_settled = false;
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Nothing in here panics half way.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn has_news(&self) -> bool {
        self.stopped
            || self.news.look
            || self.news.again
            || !self.news.arrived.is_empty()
            || (self.awaits_settled && !self.news.settled.is_empty())
    }
}
