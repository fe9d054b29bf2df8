//! A consumer: a name under which a program gets every event once it has subscribed.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::dead::{self, DeadEvent};
use crate::delivery::given_up;
use crate::error::{Error, Result};
use crate::event::EventFile;
use crate::filter::Filter;
use crate::held::Held;
use crate::holder::Holder;
use crate::inbox::Fate;
use crate::late::Latest;
use crate::name::Name;
use crate::pending::Pending;
use crate::queue::{Queue, back_off};
use crate::recovery::Recoverer;
use crate::retention::Pruner;
use crate::sys::Folder;
use crate::thread_order::ThreadOrder;
use crate::time::Moment;
use crate::waiting::{Listen, StopHandle, Waiting};
use crate::{ConsumerName, Delivery, Spool, Statistics};

/// How often an open consumer finishes what dead writers left, and looks into its queue whatever it was told.
const PASS: Duration = Duration::from_secs(30);

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
    counted: Statistics,
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
            counted: Statistics::default(),
            holder,
            options,
        };
        consumer.counted.dead = consumer.count_dead();
        consumer
    }

    /// Its name.
    pub fn name(&self) -> &ConsumerName {
        &self.name
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
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
        Drain { consumer: self, done: false }
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
            if let Some(next) = self.next(self.waiting.is_told()) {
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
        let until = [deadline, self.held.next_due(), Some(self.next_pass), self.waiting.next_look()];
        let awaits_settled = self.order.is_some() || self.options.max_in_flight.is_some();
        self.queue.inbox().wait(until.into_iter().flatten().min(), awaits_settled);
    }

    /// Tells who looks from outside.
    fn say_how_it_goes(&mut self) {
        let known = self.holder.clone();
        self.holder.set(self.waiting.wake(), self.held.in_flight() as u64);
        if self.holder != known {
            let (lock, path) = self.queue.lock();
            // Nothing depends on it.
            let _ = self.holder.write(lock, path);
        }
    }

    /// What can be delivered now, as far as is known. `told`: of what is still unsure there will be word.
    fn next(&mut self, told: bool) -> Option<Result<Delivery>> {
        self.make_pass();
        loop {
            self.take_news();
            if self.waiting.should_look() {
                self.look();
            }
            if let Some(problem) = self.problems.pop_front() {
                tracing::warn!(consumer = %self.name, "{problem}");
                return Some(Err(problem));
            }
            if self.is_full() {
                return None;
            }
            match self.pending.pop() {
                Some((name, attempt, folder)) => match self.hand_out(name, attempt, folder) {
                    Ok(Some(delivery)) => return Some(Ok(delivery)),
                    Ok(None) => {}
                    Err(error) => self.problems.push_back(error),
                },
                None if self.pending.is_unsure() && !told => self.waiting.look_now(),
                None => return None,
            }
        }
    }

    /// Whether as many are in flight as may be.
    fn is_full(&self) -> bool {
        self.options.max_in_flight.is_some_and(|max| self.held.in_flight() >= max.get())
    }

    /// Takes in what other threads have said, and whose delay is over.
    fn take_news(&mut self) {
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
                let made = self.queue.disk.make_folder(self.queue.dir());
                self.waiting.look_now();
                self.problems.push_back(match made {
                    Ok(_) => Error::QueueRemoved { name: self.name.clone(), path },
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

    /// Every now and then: finishes what dead writers left, prunes a little, and looks into the queue.
    fn make_pass(&mut self) {
        if Instant::now() < self.next_pass {
            return;
        }
        self.next_pass = Instant::now() + PASS;
        self.problems.extend(self.recoverer.run(&self.spool));
        self.prune();
        self.waiting.look_now();
        let Statistics { pending, in_flight, dead, delivered, settled, wake, .. } = self.statistics();
        let wake = wake.map(crate::Wake::as_str);
        tracing::debug!(consumer = %self.name, pending, in_flight, dead, delivered, settled, wake, "statistics");
    }

    fn prune(&mut self) {
        let before = self.count_dead();
        self.problems.extend(self.pruner.run(&self.spool, SystemTime::now()));
        self.counted.dead = self.count_dead();
        self.counted.expired += before.saturating_sub(self.counted.dead);
    }

    fn count_dead(&self) -> u64 {
        // What cannot be counted is said by who tries to read it.
        dead::names(&self.queue.folder().join("dead")).map_or(0, |names| names.len() as u64)
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
            Ok(EventFile::Gone) => {
                self.finished(name);
                return Ok(None);
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
                if let Err(error) = self.queue.set_aside(name, attempt, &reason, attempt - 1) {
                    return Err(self.postpone(name, attempt, error));
                }
                tracing::warn!(consumer = %self.name, id = %name.id, "{reason}");
                (self.counted.settled, self.counted.dead) = (self.counted.settled + 1, self.counted.dead + 1);
                self.finished(name);
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
        match self.queue.set_aside(name, attempt, reason, attempt) {
            Ok(path) => {
                self.counted.damaged += 1;
                self.counted.dead += 1;
                self.finished(name);
                Err(Error::Damaged { path, reason: reason.to_owned() })
            }
            Err(error) => Err(self.postpone(name, attempt, error)),
        }
    }

    /// It stays as it is, and is tried again after a while.
    fn postpone(&mut self, name: Name, attempt: u32, error: Error) -> Error {
        self.held.settled(name, self.queue.again(attempt, back_off(attempt)));
        error
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
        let mut next = self.consumer.next(false);
        if next.is_none() && !self.consumer.is_full() {
            // What came meanwhile is included.
            self.consumer.waiting.look_now();
            next = self.consumer.next(false);
        }
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

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::testing::{TestSpool, payload};

    #[test]
    fn a_pass_prunes_what_is_past_its_time_and_counts_what_was_dead() -> Result<(), Box<dyn std::error::Error>>
    {
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let spool = TestSpool::new();
        let mut consumer = spool.consumer("a")?.open()?;
        spool.set_time(long_ago);
        for tool_use in ["rejected", "waiting"] {
            spool.fire(payload::pre_tool_use("t").tool_use_id(tool_use));
        }
        consumer.drain().next().expect("one waits")?.reject("no")?;
        let dead = consumer.queue.folder().join("dead");
        let [name] = dead::names(&dead)?[..] else { panic!("one is dead") };
        File::options().write(true).open(dead.join(dead::Reason::file(name)))?.set_modified(long_ago)?;
        assert_eq!((consumer.statistics().dead, consumer.statistics().expired), (1, 0));
        consumer.next_pass = Instant::now();
        consumer.recv()?.expect("the other one waits still").ack()?;
        assert_eq!((consumer.statistics().dead, consumer.statistics().expired), (0, 1));
        assert_eq!(spool.journal()?.count(), 0);
        Ok(())
    }
}
