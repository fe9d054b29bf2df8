//! One stream: from a place in the log on, all that its client wants, in order, at the client's pace.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use codex_spool::{Cursor, Result, ThreadUpdates, Updates};
use futures_util::FutureExt;
use tokio::sync::broadcast;
use tokio::time::{Interval, interval};

use crate::feed::{Feed, Told};
use crate::message::Message;
use crate::wants::{Said, Wants};

/// How often a client that there is nothing for is told how far the log has got.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many events are read from the log at a time.
const BATCH: usize = 256;

/// It holds its place and what is being handed out, so a client that is slow costs no more than one that is quick.
pub(crate) struct Tail {
    feed: Arc<Feed>,
    wants: Wants,
    /// Behind the last event that was looked at.
    place: Cursor,
    /// Whether what comes next is to be read from the log: at the beginning, and where `news` does not have it.
    is_behind: bool,
    news: broadcast::Receiver<Option<Arc<Told>>>,
    threads: ThreadUpdates,
    knows_threads: bool,
    beat: Interval,
    ready: VecDeque<Message>,
}

impl Tail {
    /// From `after` on, or from what comes next.
    pub(crate) fn new(feed: Arc<Feed>, after: Option<Cursor>, wants: Wants) -> Self {
        Self {
            news: feed.news.subscribe(),
            threads: feed.threads.subscribe(),
            place: after.unwrap_or_else(|| feed.kept.borrow().end),
            feed,
            wants,
            is_behind: true,
            knows_threads: false,
            // The first is told at once.
            beat: interval(HEARTBEAT),
            ready: VecDeque::new(),
        }
    }

    /// Does what the client says, and tells it from where on that holds.
    pub(crate) fn change(&mut self, said: Said) {
        self.wants.change(said);
        self.ready.push_back(Message::place("subscribed", self.place));
    }

    /// The next message; waits for it. Nothing is lost where it is not waited for to the end.
    pub(crate) async fn next(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            if self.wants.states && !self.knows_threads {
                let updates = self.threads.recv().await?;
                self.knows_threads = true;
                self.tell(updates);
            } else if self.is_behind {
                self.read().await?;
            } else {
                tokio::select! {
                    news = self.news.recv() => self.hear(news.ok().flatten()),
                    updates = self.threads.recv(), if self.wants.states => self.tell(updates?),
                    _ = self.beat.tick() => self.ready.push_back(Message::place("at", self.place)),
                }
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let (log, place) = (self.feed.log.clone(), self.place);
        let read = tokio::task::spawn_blocking(move || log.after(Some(place), BATCH)).await;
        let page = read.expect("reading does not panic")?;
        self.ready.extend(page.reset_to.map(|place| Message::place("reset", place)));
        page.events.into_iter().for_each(|logged| self.take(&Told::new(logged)));
        self.place = page.next;
        self.is_behind = page.more;
        // Who is behind for long is told of the threads meanwhile.
        if self.wants.states
            && let Some(updates) = self.threads.recv().now_or_never()
        {
            self.tell(updates?);
        }
        Ok(())
    }

    /// `None`: it was too large to be in memory, or too many came.
    fn hear(&mut self, news: Option<Arc<Told>>) {
        match news {
            // It was read from the log.
            Some(told) if told.message.cursor.number() <= self.place.number() => {}
            Some(told) if told.message.cursor.number() == self.place.number() + 1 => self.take(&told),
            _ => self.is_behind = true,
        }
    }

    fn take(&mut self, told: &Told) {
        self.place = told.message.cursor;
        if self.wants.wants(&told.event) {
            self.ready.push_back(told.message.clone());
        }
    }

    fn tell(&mut self, updates: Updates) {
        match updates {
            Updates::All(threads) => self.ready.push_back(Message::threads(threads, self.place)),
            Updates::Since(updates) => {
                // The newest of each thread.
                let mut told = HashSet::new();
                let newest = updates.iter().rev().filter(|update| told.insert(&update.thread.thread_id));
                self.ready.extend(newest.map(|update| Message::thread(&update.thread, self.place)));
            }
        }
    }
}
