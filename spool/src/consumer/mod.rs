//! A consumer: a name under which a program gets every event once it has subscribed.

mod drain;
mod held;
pub(crate) mod inbox;
mod late;
mod next;
mod pending;
mod statistics;
#[cfg(feature = "tokio")]
mod stream;
mod thread_order;
mod upkeep;
mod waiting;
mod watcher;

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use self::drain::Drain;
use self::held::Held;
use self::late::Latest;
use self::pending::Pending;
pub use self::statistics::{Statistics, Wake};
#[cfg(feature = "tokio")]
pub use self::stream::EventStream;
use self::thread_order::ThreadOrder;
use self::waiting::Waiting;
pub use self::waiting::{Listen, StopHandle};
use crate::dead::DeadEvent;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::holder::Holder;
use crate::queue::Queue;
use crate::recovery::Recoverer;
use crate::retention::Pruner;
use crate::time::Moment;
use crate::{ConsumerName, Delivery, Spool};

/// How often an open consumer finishes what dead writers left, and looks into its queue whatever it was told.
const PASS: Duration = Duration::from_secs(30);

/// How many events that are not for now are read even where the time is over: these take some 10 ms.
const READ_ANYHOW: usize = 256;

/// How a consumer was asked to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) filter: Filter,
    pub(crate) ordered_by_thread: bool,
    pub(crate) max_in_flight: Option<NonZeroUsize>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) poll_interval: Option<Duration>,
}

/// An open consumer: the events that it has yet to settle, in order.
///
/// Of two events of a thread, one whose recording had ended before the other was captured is delivered first.
///
/// There are three ways to take the events: [`drain`](Self::drain) gives what is there; [`recv`](Self::recv),
/// [`recv_timeout`](Self::recv_timeout) and [`listen`](Self::listen) wait for what comes; and with the feature `tokio`
/// there is `stream`. They may be mixed.
#[derive(Debug)]
pub struct Consumer {
    name: ConsumerName,
    is_new: bool,
    spool: Spool,
    pub(crate) queue: Arc<Queue>,
    options: Options,
    /// Not read yet.
    pending: Pending,
    held: Held,
    /// `None`: the events of a thread need not wait for one another.
    order: Option<ThreadOrder>,
    latest: Latest,
    problems: VecDeque<Error>,
    recoverer: Recoverer,
    pruner: Pruner,
    pub(crate) waiting: Waiting,
    next_pass: Instant,
    /// Until when nothing is read.
    pause: Option<Instant>,
    counted: Statistics,
    /// When `dead/` had last changed when it was counted.
    dead_changed: Option<SystemTime>,
    /// What the lock file says of us.
    holder: Holder,
}

impl Consumer {
    pub(crate) fn new(
        (name, is_new): (ConsumerName, bool),
        spool: Spool,
        queue: Queue,
        options: Options,
        holder: Holder,
        (recoverer, problems): (Recoverer, Vec<Error>),
    ) -> Self {
        let mut consumer = Self {
            name,
            is_new,
            spool,
            queue: Arc::new(queue),
            pending: Pending::default(),
            held: Held::default(),
            order: options.ordered_by_thread.then(ThreadOrder::default),
            latest: Latest::default(),
            problems: problems.into(),
            recoverer,
            pruner: Pruner::default(),
            waiting: Waiting::new(options.poll_interval),
            next_pass: Instant::now() + PASS,
            pause: None,
            counted: Statistics::default(),
            dead_changed: None,
            holder,
            options,
        };
        consumer.count_dead();
        consumer
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Its name.
    pub fn name(&self) -> &ConsumerName {
        &self.name
    }

    /// Whether it was made when it was opened. If not it goes on where it was: its [`Start`](crate::Start) did not count.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What it has to do, and has done since it was opened.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # let mut consumer = spool.consumer("dashboard")?.start(Start::Earliest).open()?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// let delivery = consumer.recv()?.expect("nobody stops it");
    /// assert_eq!(consumer.statistics().in_flight, 1);
    /// delivery.ack()?;
    /// assert_eq!(consumer.statistics().settled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn statistics(&mut self) -> Statistics {
        self.take_news();
        let order = self.order.as_ref();
        let parked = order.map_or(0, ThreadOrder::waiting);
        let oldest = [self.pending.first(), self.held.first(), order.and_then(ThreadOrder::first)];
        Statistics {
            pending: (self.pending.len() + self.held.len() + parked) as u64,
            in_flight: self.held.in_flight() as u64,
            oldest_pending: oldest.into_iter().flatten().min().map(|name| name.captured.time()),
            wake: self.waiting.wake(),
            ..self.counted.clone()
        }
    }

    /// The events that wait for this consumer, in order, until none can be delivered now. Events that arrive meanwhile
    /// are included; those that are handed out, or wait to be retried, are not.
    ///
    /// An error in between is reported once and ends nothing: the iterator goes on behind it. A damaged record is
    /// such an error ([`Error::Damaged`]): it has been moved to the consumer's `dead/`.
    pub fn drain(&mut self) -> Drain<'_> {
        Drain::new(self)
    }

    /// The next event; waits for it. `None`: a [`StopHandle`] was used.
    ///
    /// # Errors
    /// As of [`drain`](Self::drain): what is wrong with one event is reported once, and the next call goes on behind
    /// it. [`Error::NoConsumer`] where the consumer was removed: there will be no more events.
    pub fn recv(&mut self) -> Result<Option<Delivery>> {
        self.wait_for_next(None).transpose()
    }

    /// The next event; waits for it no longer than `timeout`. `None`: there was none, or a [`StopHandle`] was used.
    ///
    /// Where very many events do not match, or wait for their thread, what is behind them may be left for the next call.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Delivery>> {
        self.wait_for_next(Instant::now().checked_add(timeout)).transpose()
    }

    /// The events that wait and those that come, one after the other, until a [`StopHandle`] is used, or the consumer
    /// is removed.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// let mut consumer = spool.consumer("dashboard")?.start(Start::Earliest).open()?;
    /// let stop = consumer.stop_handle();
    /// for delivery in consumer.listen() {
    ///     delivery?.ack()?;
    ///     stop.stop(); // as a signal handler would
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen(&mut self) -> Listen<'_> {
        Listen::new(self)
    }

    /// What ends the waiting of this consumer, from wherever it is used.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle::new(Arc::clone(self.queue.inbox()))
    }

    /// What this consumer has rejected, found damaged, or tried too often; see [`Spool::dead`].
    ///
    /// # Errors
    /// When its `dead/` cannot be read.
    pub fn dead(&self) -> Result<Vec<DeadEvent>> {
        self.spool.dead(&self.name)
    }

    /// Goes back in the stream: every event that the journal still holds and that was captured at `time` or later is
    /// delivered, again where it was settled. What waits, waits on.
    ///
    /// When this has returned, that outlives the crash of any process, with durability `full` the loss of power too.
    /// After a crash in the middle the next [`open`](crate::ConsumerBuilder::open) completes it.
    ///
    /// # Errors
    /// When the queue cannot be written to, or the journal not be read.
    pub fn rewind(&mut self, time: SystemTime) -> Result<()> {
        self.spool.mark_backfill(self.queue.folder(), Moment::of(time))?;
        self.problems.extend(self.spool.backfill(self.queue.folder(), self.queue.dir())?);
        self.latest = Latest::default();
        self.queue.inbox().look();
        Ok(())
    }

    fn wait_for_next(&mut self, deadline: Option<Instant>) -> Option<Result<Delivery>> {
        loop {
            if self.queue.inbox().is_stopped() {
                return None;
            }
            self.waiting.begin(&self.queue);
            let may_read_on = |consumer: &Self, passed_over| {
                let over = || deadline.is_some_and(|deadline| deadline <= Instant::now());
                !consumer.queue.inbox().is_stopped() && (passed_over < READ_ANYHOW || !over())
            };
            if let Some(next) = self.next(self.waiting.is_told(), may_read_on) {
                return Some(next);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            self.wait(deadline);
        }
    }

    /// Waits until there may be something to do.
    fn wait(&mut self, deadline: Option<Instant>) {
        self.say_how_it_goes();
        let pause = self.pause.filter(|until| *until > Instant::now());
        let until = [pause, deadline, self.held.next_due(), Some(self.next_pass), self.waiting.next_look()];
        let awaits_settled = self.order.is_some() || self.options.max_in_flight.is_some();
        self.queue.inbox().wait(until.into_iter().flatten().min(), awaits_settled);
    }
}
