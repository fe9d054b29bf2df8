//! An observer: a consumer and an index, which tell the changes of threads as they happen.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use super::rebuild::Rebuilt;
use super::{ThreadIndex, Transition};
use crate::error::{Error, Result};
use crate::{Consumer, Delivery, Event, StopHandle, ThreadId};

/// How often it is looked for what no hook tells.
const RECONCILE: Duration = Duration::from_secs(5);

/// What Codex threads do, live: the state of all of them, and every change of it.
///
/// ```no_run
/// use codex_spool::{Change, Observer, Spool};
///
/// let spool = Spool::open_default()?;
/// let mut observer = Observer::new(spool.consumer("wake-me")?.open()?)?;
/// for thread in observer.index().threads() {
///     println!("{} {}", thread.thread_id, thread.status);
/// }
/// for transition in observer.listen() {
///     let transition = transition?;
///     if transition.change == Change::ApprovalRequested {
///         println!("{} waits for you", transition.thread_id);
///     }
/// }
/// # Ok::<(), codex_spool::Error>(())
/// ```
///
/// The state at the start is that of the journal, of transcripts and of processes, without the events that the consumer
/// has yet to get: what these change is told. So a consumer with a name misses no change that an event tells, whether
/// it runs or not; and of one that it was told but did not get to handle, it is told again.
pub struct Observer {
    consumer: Consumer,
    stop: StopHandle,
    index: ThreadIndex,
    each: Box<dyn FnMut(&Event) + Send>,
    problems: VecDeque<Error>,
    /// What is to be told, and the event that it came with.
    transitions: VecDeque<Transition>,
    in_hand: Option<Delivery>,
    next_look: Instant,
}

impl Observer {
    /// An observer that gets its events by this consumer, which should get all that there are.
    ///
    /// It reads the journal: that takes about as long as reading its files does.
    ///
    /// # Errors
    /// When the journal or the consumer's queue cannot be listed.
    pub fn new(consumer: Consumer) -> Result<Self> {
        Self::with(consumer, ThreadIndex::new(), |_| {})
    }

    /// The same with an index of one's own, and somebody who sees each event, those of the journal at once and in no
    /// order.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with(
        consumer: Consumer,
        mut index: ThreadIndex,
        mut each: impl FnMut(&Event) + Send + 'static,
    ) -> Result<Self> {
        let Rebuilt { problems, untold } = index.rebuild(&consumer, &mut each)?;
        index.reconcile_but_for(&untold, SystemTime::now());
        let next_look = Instant::now() + if untold.is_empty() { RECONCILE } else { Duration::ZERO };
        Ok(Self {
            stop: consumer.stop_handle(),
            consumer,
            index,
            each: Box::new(each),
            problems,
            transitions: VecDeque::new(),
            in_hand: None,
            next_look,
        })
    }

    /// What is known of the threads.
    pub fn index(&self) -> &ThreadIndex {
        &self.index
    }

    /// What ends the waiting, from wherever it is used.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// The changes as they happen, until a [`StopHandle`] is used or the consumer is removed. An event is acknowledged
    /// when the one after its last change is asked for.
    pub fn listen(&mut self) -> Changes<'_> {
        Changes { observer: self, done: false }
    }

    /// The next change; waits for it no longer than until `deadline`. `None`: there was none, or a [`StopHandle`] was
    /// used.
    ///
    /// # Errors
    /// Those of [`Consumer::recv`], and when an event cannot be acknowledged.
    pub fn recv_until(&mut self, deadline: Option<Instant>) -> Result<Option<Transition>> {
        loop {
            if let Some(transition) = self.transitions.pop_front() {
                return Ok(Some(transition));
            }
            let Some(step) = self.step(deadline)? else { return Ok(None) };
            self.transitions.extend(step.transitions);
        }
    }

    /// Takes in the next event, or looks for what no event tells; waits for it no longer than until `deadline`. The event
    /// is acknowledged by the next step.
    pub(super) fn step(&mut self, deadline: Option<Instant>) -> Result<Option<Step>> {
        self.in_hand.take().map(Delivery::ack).transpose()?;
        if let Some(problem) = self.problems.pop_front() {
            return Err(problem);
        }
        loop {
            // What is due only now is looked for when no event waits: what one tells is its to tell.
            let is_due = self.next_look <= Instant::now();
            let until = deadline.map_or(self.next_look, |deadline| deadline.min(self.next_look));
            match self.consumer.recv_timeout(until.saturating_duration_since(Instant::now()))? {
                Some(delivery) => {
                    let transitions = self.index.apply(delivery.event());
                    (self.each)(delivery.event());
                    let thread = delivery.event().thread_id().cloned();
                    self.in_hand = Some(delivery);
                    return Ok(Some(Step { is_event: true, thread, transitions }));
                }
                None if self.stop.is_stopped() => return Ok(None),
                None if is_due => {
                    let transitions = self.index.reconcile(SystemTime::now());
                    self.next_look = Instant::now() + RECONCILE;
                    return Ok(Some(Step { is_event: false, thread: None, transitions }));
                }
                None if deadline.is_some_and(|deadline| deadline <= Instant::now()) => return Ok(None),
                None => {}
            }
        }
    }
}

/// What an event has changed, or a look for what none tells.
pub(super) struct Step {
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "live threads alone ask"))]
    pub(super) is_event: bool,
    /// The thread of the event: it counts more now, even where nothing else has changed.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "live threads alone ask"))]
    pub(super) thread: Option<ThreadId>,
    pub(super) transitions: Vec<Transition>,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("consumer", &self.consumer)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// The iterator of [`Observer::listen`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Changes<'a> {
    observer: &'a mut Observer,
    done: bool,
}

impl Changes<'_> {
    /// What is known of the threads.
    pub fn index(&self) -> &ThreadIndex {
        &self.observer.index
    }
}

impl Iterator for Changes<'_> {
    type Item = Result<Transition>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.observer.recv_until(None).transpose();
        self.done = matches!(next, None | Some(Err(Error::NoConsumer { .. })));
        next
    }
}

impl std::iter::FusedIterator for Changes<'_> {}
