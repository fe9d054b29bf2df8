//! What the view learns from the spool, as it happens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use codex_spool::{
    Change, Event, Observer, Spool, Status, StopHandle, Thread, ThreadId, ThreadIndex, Transition,
};

use super::Message;
use crate::commands::gist;
use crate::error::Error;

/// How many events of a thread are shown.
pub(super) const LOG: usize = 100;

/// What has happened.
#[derive(Debug)]
pub(super) enum News {
    /// The threads as they are now, and what has just changed.
    Threads(Vec<Thread>, Vec<Transition>),
    /// A thread has an event more.
    Event(ThreadId, LogLine),
    /// The events that a thread has had, the oldest first.
    Log(ThreadId, Vec<LogLine>),
    /// Something that is wrong, and keeps nobody from going on.
    Problem(String),
    /// There is no more to come.
    Lost(Error),
}

/// An event in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLine {
    pub(super) at: SystemTime,
    pub(super) text: String,
}

impl LogLine {
    fn of(event: &Event) -> Self {
        Self { at: event.captured_at(), text: format!("{:<17} {}", event.kind(), gist::of(event)) }
    }
}

/// The threads that read the spool. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Feed {
    stop: StopHandle,
    wanted: mpsc::Sender<ThreadId>,
    /// Closed when the consumer is.
    closed: mpsc::Receiver<()>,
}

/// How long it is waited for the consumer to be closed. One that is still reading the journal is left to the next one
/// that is opened.
const PATIENCE: Duration = Duration::from_millis(500);

impl Feed {
    /// Reads the journal, and then tells what comes; of threads that have ended where it is to tell of `all`.
    pub(super) fn start(spool: Spool, all: bool, tell: mpsc::SyncSender<Message>) -> Result<Self, Error> {
        let consumer = spool.ephemeral_consumer().open()?;
        let stop = consumer.stop_handle();
        let telling = tell.clone();
        let (close, closed) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let _close = close;
            let is_live = Arc::new(AtomicBool::new(false));
            let (live, events) = (Arc::clone(&is_live), telling.clone());
            let each = move |event: &Event| {
                if let Some(thread) = event.thread_id().filter(|_| live.load(Ordering::Relaxed)) {
                    // A view that is gone needs no news.
                    let _ = events.send(Message::Feed(News::Event(thread.clone(), LogLine::of(event))));
                }
            };
            let lost = match Observer::with(consumer, ThreadIndex::new(), each) {
                Ok(mut observer) => {
                    is_live.store(true, Ordering::Relaxed);
                    follow(&mut observer, all, &telling)
                }
                Err(error) => Err(error),
            };
            if let Err(error) = lost {
                let _ = telling.send(Message::Feed(News::Lost(error.into())));
            }
        });
        let (wanted, wishes) = mpsc::channel();
        std::thread::spawn(move || tell_logs(&spool, &wishes, &tell));
        Ok(Self { stop, wanted, closed })
    }

    /// Has the events of a thread told, as far as the journal has them.
    pub(super) fn ask_for_log(&self, thread: ThreadId) {
        let _ = self.wanted.send(thread);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.stop();
        let _ = self.closed.recv_timeout(PATIENCE);
    }
}

fn follow(observer: &mut Observer, all: bool, tell: &mpsc::SyncSender<Message>) -> codex_spool::Result<()> {
    let threads = |observer: &Observer| {
        let threads = observer.index().threads().into_iter();
        threads.filter(|thread| all || thread.status != Status::Ended).collect()
    };
    let mut news = News::Threads(threads(observer), Vec::new());
    loop {
        if tell.send(Message::Feed(news)).is_err() {
            return Ok(());
        }
        news = match observer.recv_until(None) {
            Ok(Some(transition)) => {
                let mut transitions = vec![transition];
                // What has come together is shown together.
                while let Ok(Some(transition)) = observer.recv_until(Some(Instant::now())) {
                    transitions.push(transition);
                }
                News::Threads(threads(observer), transitions)
            }
            Ok(None) => return Ok(()),
            Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error),
            Err(error) => News::Problem(error.to_string()),
        };
    }
}

fn tell_logs(spool: &Spool, wishes: &mpsc::Receiver<ThreadId>, tell: &mpsc::SyncSender<Message>) {
    while let Ok(mut thread) = wishes.recv() {
        // Only what is selected now matters.
        while let Ok(later) = wishes.try_recv() {
            thread = later;
        }
        let Ok(journal) = spool.journal() else { continue };
        let events = journal.thread(&thread).rev().flatten().take(LOG);
        let mut lines: Vec<LogLine> = events.map(|event| LogLine::of(&event)).collect();
        lines.reverse();
        if tell.send(Message::Feed(News::Log(thread, lines))).is_err() {
            return;
        }
    }
}

/// Whether somebody is needed by it.
pub(super) fn starts_to_wait(transition: &Transition) -> bool {
    transition.change == Change::ApprovalRequested
}
