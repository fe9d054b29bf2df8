//! What threads are doing, for any number of clients: the newest state of each, and which have changed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use codex_spool::{Status, Thread, ThreadId, ThreadIndex};

/// How many changes are remembered; who has missed more is told all threads anew.
const CHANGES: usize = 1024;

/// How many threads that have ended are shown beside those that have not.
const ENDED: usize = 50;

#[derive(Default)]
pub(crate) struct Threads {
    by_id: HashMap<ThreadId, Arc<Thread>>,
    changes: VecDeque<ThreadId>,
    /// How many changes there have been.
    count: u64,
}

/// What has become of the threads since somebody looked.
pub(crate) enum News {
    Changed(Vec<Arc<Thread>>),
    /// Too much to tell one by one.
    Anew(Vec<Arc<Thread>>),
}

impl Threads {
    pub(crate) fn update(&mut self, index: &ThreadIndex, changed: HashSet<ThreadId>) {
        for id in changed {
            let Some(thread) = index.get(&id) else { continue };
            self.by_id.insert(id.clone(), Arc::new(thread));
            self.changes.push_back(id);
            self.count += 1;
        }
        self.changes.drain(..self.changes.len().saturating_sub(CHANGES));
        // Those that ended long ago are dropped from the index.
        if self.by_id.len() > index.len() {
            self.by_id.retain(|id, _| index.get(id).is_some());
        }
    }

    /// What is new since the count was `seen`, and the count now. `None`: it has not looked yet.
    pub(crate) fn since(&self, seen: Option<u64>) -> (News, u64) {
        let missed = seen.map(|seen| self.count - seen).and_then(|missed| usize::try_from(missed).ok());
        let news = match missed.filter(|missed| *missed <= self.changes.len()) {
            Some(missed) => {
                let ids: HashSet<&ThreadId> = self.changes.iter().rev().take(missed).collect();
                News::Changed(ids.into_iter().filter_map(|id| self.by_id.get(id).cloned()).collect())
            }
            None => News::Anew(self.shown()),
        };
        (news, self.count)
    }

    /// Those that have not ended, and the last that have; the newest first.
    pub(crate) fn shown(&self) -> Vec<Arc<Thread>> {
        let mut all: Vec<Arc<Thread>> = self.by_id.values().cloned().collect();
        all.sort_unstable_by(|a, b| (b.last_seen, &b.thread_id).cmp(&(a.last_seen, &a.thread_id)));
        let mut ended = 0;
        all.retain(|thread| {
            ended += usize::from(thread.status == Status::Ended);
            thread.status != Status::Ended || ended <= ENDED
        });
        all
    }
}
