//! Waiting for events: when a consumer has to look into its queue, and who ends the waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::watcher::Watcher;
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::{Consumer, Delivery, Statistics, Wake};

/// How often a queue is looked into that cannot be watched.
const POLL: Duration = Duration::from_millis(250);

/// How long a watch that could not be had, or a queue that could not be listed, is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// When to look into the queue.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Asked for: there is no watch then.
    poll_interval: Option<Duration>,
    watcher: Option<Watcher>,
    /// When a watch may be tried again.
    watch_again: Option<Instant>,
    /// Whether anybody has waited yet.
    begun: bool,
    look: bool,
    next_look: Option<Instant>,
    /// When the queue was listed last, and how long that took.
    started: Instant,
    took: Duration,
}

impl Waiting {
    pub(crate) fn new(poll_interval: Option<Duration>) -> Self {
        Self {
            poll_interval,
            watcher: None,
            watch_again: None,
            begun: false,
            look: true,
            next_look: None,
            started: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// From now on somebody waits.
    pub(crate) fn begin(&mut self, queue: &Arc<Queue>) {
        self.begun = true;
        self.watch(queue);
    }

    /// If somebody waits, makes sure that it is the queue of now that is watched.
    pub(crate) fn watch_anew(&mut self, queue: &Arc<Queue>) {
        if self.watcher.as_ref().is_some_and(|watcher| !watcher.is_current()) {
            self.watcher = None;
        }
        if self.begun {
            self.watch(queue);
        }
    }

    fn watch(&mut self, queue: &Arc<Queue>) {
        let may_watch =
            self.poll_interval.is_none() && self.watch_again.is_none_or(|again| again <= Instant::now());
        if self.watcher.is_some() || !may_watch {
            return;
        }
        match Watcher::new(queue) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.watch_again = None;
                self.next_look = None;
            }
            Err(error) => {
                tracing::warn!(queue = %queue.dir().display(), "no watch, polling instead: {error}");
                self.watch_again = Some(Instant::now() + PATIENCE);
            }
        }
        // What came before there was a watch, nobody has told.
        self.look = true;
    }

    /// Whether there is word of everything that is put into the queue, in order.
    pub(crate) fn is_told(&self) -> bool {
        crate::sys::NOTIFICATIONS_ARE_IN_ORDER && self.watcher.is_some()
    }

    pub(crate) fn wake(&self) -> Option<Wake> {
        self.begun.then_some(if self.watcher.is_some() { Wake::Watch } else { Wake::Poll })
    }

    pub(crate) fn look_now(&mut self) {
        self.look = true;
    }

    /// Whatever is told, the queue is looked into now and then; one that takes long to list less often, so that it takes
    /// no more than a hundredth of the time.
    pub(crate) fn look_in_passing(&mut self) {
        self.look |= self.started.elapsed() >= self.took * 100;
    }

    /// Whether the queue is to be listed now.
    pub(crate) fn should_look(&mut self) -> bool {
        let look = self.look || self.next_look.is_some_and(|next| next <= Instant::now());
        if look {
            self.started = Instant::now();
        }
        look
    }

    /// The queue was listed since [`should_look`](Self::should_look), or could not be.
    pub(crate) fn looked(&mut self, listed: bool) {
        self.look = false;
        self.took = self.started.elapsed();
        let interval = match (listed, self.watcher.is_some()) {
            (false, _) => Some(PATIENCE),
            (true, true) => None,
            (true, false) => Some(self.poll_interval.unwrap_or(POLL)),
        };
        // A queue that takes long to list is looked into less often.
        self.next_look = interval.map(|interval| Instant::now() + interval.max(self.took * 10));
    }

    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.next_look
    }
}

/// Ends the waiting of a consumer, from another thread or a signal handler's; see
/// [`Consumer::stop_handle`](crate::Consumer::stop_handle).
#[derive(Debug, Clone)]
pub struct StopHandle {
    inbox: Arc<Inbox>,
}

impl StopHandle {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox }
    }

    /// Whoever waits for an event of this consumer gets `None`, now and from now on. What is in flight is not touched.
    pub fn stop(&self) {
        self.inbox.stop();
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.inbox.is_stopped()
    }
}

/// The iterator of [`Consumer::listen`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Listen<'a> {
    consumer: &'a mut Consumer,
    done: bool,
}

impl<'a> Listen<'a> {
    pub(crate) fn new(consumer: &'a mut Consumer) -> Self {
        Self { consumer, done: false }
    }

    /// What the consumer has to do, and has done.
    pub fn statistics(&mut self) -> Statistics {
        self.consumer.statistics()
    }
}

impl Iterator for Listen<'_> {
    type Item = Result<Delivery>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.consumer.recv().transpose();
        self.done = matches!(next, None | Some(Err(Error::NoConsumer { .. })));
        next
    }
}

impl std::iter::FusedIterator for Listen<'_> {}
