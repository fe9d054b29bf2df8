//! What threads are doing, for many who ask and wait at once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use super::observer::Step;
use super::{Observer, Thread, ThreadIndex, Transition};
use crate::error::{At, Error, Result};
use crate::{Consumer, StopHandle, ThreadId};

/// How many steps are remembered; who has missed more is given all threads anew.
const STEPS: usize = 1024;

/// What every thread is doing, kept current by a thread of its own: for programs in which many tasks ask, and wait, at
/// once. A program with one loop is better served by an [`Observer`].
///
/// ```
/// # use codex_spool::{Capture, Spool};
/// use codex_spool::{LiveThreads, Status};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// # spool.record(br#"{"hook_event_name":"Stop","session_id":"s","turn_id":"t"}"#, &Capture::now())?;
/// let live = LiveThreads::start(spool.ephemeral_consumer().open()?, |problem| eprintln!("{problem}"))?;
/// for thread in live.threads().await? {
///     println!("{} {}", thread.thread_id, thread.status);
/// }
/// let idle = live.wait_for(&"s".parse()?, |update| update.thread.status == Status::Idle).await?;
/// assert_eq!(idle.thread.turn_id.as_deref(), Some("t"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It begins with the journal, which takes as long as reading its files does; whoever asks before that waits. It is behind
/// what is recorded by milliseconds: where an event was seen elsewhere, [`wait_for`](Self::wait_for) it here.
///
/// Clones share it. When the last one is gone, and all [`ThreadUpdates`], the consumer is closed, and an ephemeral one leaves
/// nothing behind: that is waited for, some milliseconds.
#[derive(Debug, Clone)]
pub struct LiveThreads {
    follower: Arc<Follower>,
}

/// A thread as it was after an event, or after a look for what no event tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ThreadUpdate {
    /// The thread.
    pub thread: Arc<Thread>,
    /// What has changed, in order. Nothing, where the event has only been counted.
    pub transitions: Vec<Transition>,
}

/// What [`ThreadUpdates::recv`] gives.
#[derive(Debug, Clone)]
pub enum Updates {
    /// All threads, in place of what was told before, the one first whose last event is newest: to begin with, where more was
    /// missed than is remembered, and where threads that ended long ago were dropped.
    All(Vec<Arc<Thread>>),
    /// What came since, in order, each update by itself. None, where there was an event, but of no thread that is known: who
    /// reads events elsewhere, in a log, hears of each of them.
    Since(Vec<ThreadUpdate>),
}

/// The updates of threads for one who listens; see [`LiveThreads::subscribe`].
#[derive(Debug)]
pub struct ThreadUpdates {
    follower: Arc<Follower>,
    count: watch::Receiver<u64>,
    /// How many steps it has been told of; 0: it has yet to begin.
    seen: u64,
}

impl LiveThreads {
    /// Begins to follow by this consumer, which should get all events that there are. `problem` hears what is wrong on the
    /// way: with one event, which ends nothing, or that the consumer was removed or the journal cannot be listed, which ends
    /// it. It is called on the thread that follows, and must not wait for whoever drops this.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(consumer: Consumer, problem: impl FnMut(Error) + Send + 'static) -> Result<Self> {
        let board = Arc::new(Mutex::new(Board::default()));
        let (tell, count) = watch::channel(0);
        let (stop, queue) = (consumer.stop_handle(), consumer.queue.folder().to_owned());
        let theirs = Arc::clone(&board);
        let thread = thread::Builder::new()
            .name("codex-spool".to_owned())
            .spawn(move || follow(consumer, &theirs, &tell, problem))
            .at("start a thread for", &queue)?;
        Ok(Self { follower: Arc::new(Follower { board, count, stop, queue, thread: Some(thread) }) })
    }

    /// All threads, the one first whose last event is newest.
    ///
    /// # Errors
    /// [`Error::NotFollowed`] where it has ended: what is known is out of date then.
    pub async fn threads(&self) -> Result<Vec<Arc<Thread>>> {
        Ok(self.follower.board().await?.threads())
    }

    /// A thread, if it is known.
    ///
    /// # Errors
    /// Those of [`threads`](Self::threads).
    pub async fn get(&self, id: &ThreadId) -> Result<Option<Arc<Thread>>> {
        Ok(self.follower.board().await?.threads.get(id).cloned())
    }

    /// Waits until a thread is so: as it is now, if it is known, and then at each update, of which it misses none however
    /// short the thread is so; only where a thousand come before it gets to look, it looks at the last. To give up after
    /// a time, drop it.
    ///
    /// # Errors
    /// Those of [`threads`](Self::threads).
    pub async fn wait_for(
        &self,
        id: &ThreadId,
        mut is_so: impl FnMut(&ThreadUpdate) -> bool,
    ) -> Result<ThreadUpdate> {
        let mut updates = self.subscribe();
        loop {
            let of_it = |board: &Board, since: Option<usize>| match since {
                Some(since) => {
                    let updates = board.updates(since);
                    updates.filter(|update| update.thread.thread_id == *id).cloned().collect()
                }
                None => board.threads.get(id).map(ThreadUpdate::unchanged).into_iter().collect::<Vec<_>>(),
            };
            if let Some(update) = updates.next(of_it).await?.into_iter().find(&mut is_so) {
                return Ok(update);
            }
        }
    }

    /// What becomes of all threads from now on, after what they are doing now.
    pub fn subscribe(&self) -> ThreadUpdates {
        let follower = Arc::clone(&self.follower);
        ThreadUpdates { count: follower.count.clone(), follower, seen: 0 }
    }
}

impl ThreadUpdate {
    fn unchanged(thread: &Arc<Thread>) -> Self {
        Self { thread: Arc::clone(thread), transitions: Vec::new() }
    }
}

impl ThreadUpdates {
    /// What is new; waits for it. What is dropped while it waits has lost nothing.
    ///
    /// # Errors
    /// [`Error::NotFollowed`] when there will be no more.
    pub async fn recv(&mut self) -> Result<Updates> {
        self.next(|board, since| match since {
            Some(since) => Updates::Since(board.updates(since).cloned().collect()),
            None => Updates::All(board.threads()),
        })
        .await
    }

    /// Tells what is new, once there is something: from that one of the steps that are remembered on. `None`: it has to
    /// begin, or to begin anew.
    async fn next<T>(&mut self, tell: impl FnOnce(&Board, Option<usize>) -> T) -> Result<T> {
        let seen = self.seen;
        let has_come = self.count.wait_for(|count| *count > seen).await.is_ok();
        // Who begins now would begin with what is out of date.
        if !has_come || (seen == 0 && self.count.has_changed().is_err()) {
            return Err(self.follower.ended());
        }
        let board = self.follower.lock();
        self.seen = board.count;
        let missed = usize::try_from(board.count - seen).unwrap_or(usize::MAX);
        let since = board.steps.len().checked_sub(missed).filter(|_| seen > 0);
        Ok(tell(&board, since))
    }
}

/// The thread that follows, as others see it.
struct Follower {
    board: Arc<Mutex<Board>>,
    /// How many steps there have been; 0 until the journal is read; closed when it follows no more.
    count: watch::Receiver<u64>,
    stop: StopHandle,
    queue: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// What is known, once it is current.
    async fn board(&self) -> Result<MutexGuard<'_, Board>> {
        let mut count = self.count.clone();
        let has_begun = count.wait_for(|count| *count > 0).await.is_ok();
        if !has_begun || count.has_changed().is_err() {
            return Err(self.ended());
        }
        Ok(self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    fn ended(&self) -> Error {
        Error::NotFollowed(self.queue.clone())
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.stop();
        let thread = self.thread.take();
        // Its `problem` may have held the last one. What it could have panicked of has been printed.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// What is known.
#[derive(Default)]
struct Board {
    threads: HashMap<ThreadId, Arc<Thread>>,
    /// The updates of each of the last steps.
    steps: VecDeque<Vec<ThreadUpdate>>,
    /// How many steps there have been; the first is that from nothing to what the journal tells.
    count: u64,
}

impl Board {
    fn threads(&self) -> Vec<Arc<Thread>> {
        let mut threads: Vec<_> = self.threads.values().cloned().collect();
        threads.sort_unstable_by(|a, b| (b.last_seen, &b.thread_id).cmp(&(a.last_seen, &a.thread_id)));
        threads
    }

    /// The updates of the steps that are remembered, from one of them on.
    fn updates(&self, since: usize) -> impl Iterator<Item = &ThreadUpdate> {
        self.steps.range(since..).flatten()
    }

    fn begin(&mut self, index: &ThreadIndex) {
        let threads = index.threads().into_iter();
        self.threads = threads.map(|thread| (thread.thread_id.clone(), Arc::new(thread))).collect();
        self.count = 1;
    }

    fn take(&mut self, Step { is_event, thread, transitions }: Step, index: &ThreadIndex) {
        let mut changed: Vec<(ThreadId, Vec<Transition>)> =
            thread.into_iter().map(|id| (id, Vec::new())).collect();
        for transition in transitions {
            match changed.iter_mut().find(|(id, _)| *id == transition.thread_id) {
                Some((_, transitions)) => transitions.push(transition),
                None => changed.push((transition.thread_id.clone(), vec![transition])),
            }
        }
        let mut updates = Vec::new();
        for (id, transitions) in changed {
            // One that is dropped again at once was too old.
            let Some(thread) = index.get(&id).map(Arc::new) else { continue };
            self.threads.insert(id, Arc::clone(&thread));
            updates.push(ThreadUpdate { thread, transitions });
        }
        if is_event || !updates.is_empty() {
            self.steps.push_back(updates);
            self.count += 1;
        }
        self.steps.drain(..self.steps.len().saturating_sub(STEPS));
        if self.threads.len() > index.len() {
            self.threads.retain(|id, _| index.get(id).is_some());
            // Nobody can go on from what is not there.
            self.steps.clear();
            self.count += 1;
        }
    }
}

fn follow(
    consumer: Consumer,
    board: &Mutex<Board>,
    tell: &watch::Sender<u64>,
    mut problem: impl FnMut(Error),
) {
    let mut observer = match Observer::new(consumer) {
        Ok(observer) => observer,
        Err(error) => return problem(error),
    };
    lock(board).begin(observer.index());
    tell.send_replace(1);
    loop {
        match observer.step(None) {
            Ok(Some(step)) => {
                let mut board = lock(board);
                board.take(step, observer.index());
                let count = board.count;
                drop(board);
                tell.send_if_modified(|told| std::mem::replace(told, count) != count);
            }
            Ok(None) => return,
            Err(error) => {
                let is_end = matches!(error, Error::NoConsumer { .. });
                problem(error);
                if is_end {
                    return;
                }
            }
        }
    }
}

/// Nothing that is held is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
