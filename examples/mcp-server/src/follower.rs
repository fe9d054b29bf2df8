//! What the threads are doing, kept current by a thread of this program, and word of each event.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use codex_spool::{Consumer, Error, Spool, Status, StopHandle, ThreadIndex, Transition};
use tokio::sync::{broadcast, watch};
use tokio::time::timeout_at;

use crate::failure::{Code, Failure};

/// How often it is looked for what no event tells.
const RECONCILE: Duration = Duration::from_secs(5);

/// How many events a slow listener may be behind before it has to look for itself.
const BEHIND: usize = 1024;

/// How long an event that others have seen may take to get here.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What an event, or the look for what no event tells, has changed: each change, and the status of its thread thereafter.
pub(crate) type News = Arc<[(Transition, Status)]>;

/// An index of threads that follows the spool.
#[derive(Debug)]
pub(crate) struct Follower {
    index: Mutex<ThreadIndex>,
    /// Whether the journal has been read; closed when the spool is followed no more.
    is_current: watch::Receiver<bool>,
    news: broadcast::Receiver<News>,
}

/// The thread that follows.
#[derive(Debug)]
pub(crate) struct Following {
    stop: StopHandle,
    thread: JoinHandle<()>,
}

impl Follower {
    /// Begins to follow, by a consumer without a name: so each of several servers gets every event, and none leaves anything
    /// behind. What was recorded before is there a little later, when the journal has been read.
    pub(crate) fn start(spool: Spool) -> codex_spool::Result<(Arc<Self>, Following)> {
        let consumer = spool.ephemeral_consumer().open()?;
        let (set_current, is_current) = watch::channel(false);
        let (tell, news) = broadcast::channel(BEHIND);
        let follower = Arc::new(Self { index: Mutex::default(), is_current, news });
        let (stop, following) = (consumer.stop_handle(), Arc::clone(&follower));
        let thread = thread::spawn(move || {
            if let Err(error) = following.follow(&spool, consumer, &set_current, &tell) {
                eprintln!("mcp-server: {error}");
            }
        });
        Ok((follower, Following { stop, thread }))
    }

    /// The index, once it is current.
    pub(crate) async fn index(&self) -> Result<MutexGuard<'_, ThreadIndex>, Failure> {
        let mut is_current = self.is_current.clone();
        let became_current = is_current.wait_for(|is_current| *is_current).await.is_ok();
        if !became_current || is_current.has_changed().is_err() {
            return Err(Self::lost());
        }
        Ok(self.lock())
    }

    /// Waits until the index is so: it may be behind what its asker has seen elsewhere, by milliseconds. Not for long, since
    /// it may never be so.
    pub(crate) async fn catch_up(&self, is_so: impl Fn(&ThreadIndex) -> bool) -> Result<(), Failure> {
        let mut news = self.news();
        let deadline = tokio::time::Instant::now() + CATCH_UP;
        while !is_so(&*self.index().await?) {
            if timeout_at(deadline, news.recv()).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Word of each event from now on.
    pub(crate) fn news(&self) -> broadcast::Receiver<News> {
        self.news.resubscribe()
    }

    /// What is to be said when there is no more news.
    pub(crate) fn lost() -> Failure {
        Code::Spool
            .because("the spool cannot be followed any more: start this server again; its stderr says why")
    }

    fn lock(&self) -> MutexGuard<'_, ThreadIndex> {
        self.index.lock().expect("nobody panics with it")
    }

    fn follow(
        &self,
        spool: &Spool,
        mut consumer: Consumer,
        set_current: &watch::Sender<bool>,
        tell: &broadcast::Sender<News>,
    ) -> codex_spool::Result<()> {
        // What is in the consumer's queue too is applied twice, and told once.
        let mut index = ThreadIndex::new();
        for damaged in index.read_journal(spool)? {
            eprintln!("mcp-server: {damaged}");
        }
        *self.lock() = index;
        let mut next_look = Instant::now();
        while !consumer.stop_handle().is_stopped() {
            if next_look <= Instant::now() {
                self.change(tell, |index| index.reconcile(SystemTime::now()));
                next_look = Instant::now() + RECONCILE;
                set_current.send_replace(true);
            }
            match consumer.recv_timeout(next_look.saturating_duration_since(Instant::now())) {
                Ok(Some(delivery)) => {
                    self.change(tell, |index| index.apply(delivery.event()));
                    delivery.ack()?;
                }
                Ok(None) => {}
                Err(error @ Error::NoConsumer { .. }) => return Err(error),
                Err(error) => eprintln!("mcp-server: {error}"),
            }
        }
        Ok(())
    }

    fn change(&self, tell: &broadcast::Sender<News>, by: impl FnOnce(&mut ThreadIndex) -> Vec<Transition>) {
        let mut index = self.lock();
        let changes = by(&mut index).into_iter();
        let news =
            changes.filter_map(|change| index.get(&change.thread_id).map(|thread| (change, thread.status)));
        let news = news.collect();
        drop(index);
        // There is always somebody who could listen.
        let _ = tell.send(news);
    }
}

impl Following {
    /// Ends it, and its consumer with it.
    pub(crate) fn stop(self) {
        self.stop.stop();
        // What it could have panicked of has been printed.
        let _ = self.thread.join();
    }
}
