//! One stream: from a place in the log on, all that its client wants, in order, at the client's pace.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use codex_spool::{Cursor, Thread};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Result;
use crate::feed::Feed;
use crate::message::Message;
use crate::threads::News;
use crate::wants::Wants;

/// How often a client that there is nothing for is told how far the log has got.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// It holds its place and a batch that is being handed out, so a client that is slow costs no more than one that is quick.
pub(crate) struct Tail {
    feed: Arc<Feed>,
    news: watch::Receiver<()>,
    pub(crate) wants: Wants,
    /// Behind the last event that was looked at.
    place: Cursor,
    /// Whether the client has been told that it has all that there was.
    is_live: bool,
    seen: Option<u64>,
    ready: VecDeque<Message>,
    next_beat: Instant,
}

impl Tail {
    /// From `after` on, or from what comes next.
    pub(crate) fn new(feed: &Arc<Feed>, after: Option<Cursor>, wants: Wants) -> Self {
        Self {
            place: after.unwrap_or_else(|| feed.end()),
            feed: Arc::clone(feed),
            news: feed.news(),
            wants,
            is_live: false,
            seen: None,
            ready: VecDeque::new(),
            next_beat: Instant::now() + HEARTBEAT,
        }
    }

    pub(crate) fn place(&self) -> Cursor {
        self.place
    }

    /// Says something between what is told.
    pub(crate) fn say(&mut self, message: Message) {
        self.ready.push_back(message);
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next message; waits for it. Nothing is lost where it is not waited for to the end.
    pub(crate) async fn next(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            // What comes from now on is told once more.
            self.news.mark_unchanged();
            let batch = self.feed.after(self.place).await?;
            let is_over = batch.events.is_empty();
            self.place = batch.next;
            self.ready.extend(batch.reset_to.map(Message::reset));
            let wanted = batch.events.iter().filter(|told| self.wants.wants(&told.event));
            self.ready.extend(wanted.map(|told| told.message.clone()));
            self.look_at_threads();
            if !is_over || self.is_ready() {
                continue;
            }
            // That is all there is. The first time it is said at once.
            if self.is_live {
                tokio::select! {
                    _ = self.news.changed() => continue,
                    () = tokio::time::sleep_until(self.next_beat) => {}
                }
            }
            self.is_live = true;
            self.next_beat = Instant::now() + HEARTBEAT;
            self.ready.push_back(Message::at(self.place));
        }
    }

    fn look_at_threads(&mut self) {
        if !self.wants.states {
            return;
        }
        let (news, seen) = self.feed.threads().since(self.seen);
        self.seen = Some(seen);
        match news {
            News::Changed(threads) => self.ready.extend(threads.iter().map(|thread| Message::thread(thread))),
            News::Anew(threads) => {
                let threads: Vec<&Thread> = threads.iter().map(|thread| &**thread).collect();
                self.ready.push_back(Message::threads(&threads));
            }
        }
    }
}
