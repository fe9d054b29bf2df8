//! Knowing a late event: one that is delivered after a later one of its thread.

use std::collections::HashMap;

use crate::ThreadId;
use crate::time::Moment;

/// How many threads are told apart; past it the older half is known by their latest moment alone.
const THREADS: usize = 16_384;

/// The latest moment delivered of each thread.
#[derive(Debug)]
pub(crate) struct Latest {
    threads: HashMap<ThreadId, Moment>,
    /// Of all threads that are not told apart any more.
    others: Moment,
}

impl Default for Latest {
    fn default() -> Self {
        Self { threads: HashMap::new(), others: Moment(0) }
    }
}

impl Latest {
    /// Notes a delivery, and says whether it is late. Without a thread there is nothing to be late for.
    pub(crate) fn is_late(&mut self, thread: Option<&ThreadId>, captured: Moment) -> bool {
        let Some(thread) = thread else { return false };
        if let Some(latest) = self.threads.get_mut(thread) {
            let late = captured < *latest;
            *latest = captured.max(*latest);
            return late;
        }
        if self.threads.len() >= THREADS {
            self.forget_half();
        }
        self.threads.insert(thread.clone(), captured);
        captured < self.others
    }

    fn forget_half(&mut self) {
        let mut moments: Vec<Moment> = self.threads.values().copied().collect();
        let (_, &mut middle, _) = moments.select_nth_unstable(THREADS / 2);
        self.threads.retain(|_, latest| *latest > middle);
        self.others = self.others.max(middle);
    }
}
