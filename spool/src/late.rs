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
    /// Of the events that are no thread's.
    threadless: Moment,
    /// Of all threads that are not told apart any more.
    others: Moment,
}

impl Default for Latest {
    fn default() -> Self {
        Self { threads: HashMap::new(), threadless: Moment(0), others: Moment(0) }
    }
}

impl Latest {
    /// Notes a delivery, and says whether it is late.
    pub(crate) fn is_late(&mut self, thread: Option<&ThreadId>, captured: Moment) -> bool {
        let latest = match thread {
            None => Some(&mut self.threadless),
            Some(thread) => self.threads.get_mut(thread),
        };
        if let Some(latest) = latest {
            let late = captured < *latest;
            *latest = captured.max(*latest);
            return late;
        }
        if self.threads.len() >= THREADS {
            self.forget_half();
        }
        self.threads.extend(thread.map(|thread| (thread.clone(), captured)));
        captured < self.others
    }

    fn forget_half(&mut self) {
        let mut moments: Vec<Moment> = self.threads.values().copied().collect();
        let (_, &mut middle, _) = moments.select_nth_unstable(THREADS / 2);
        self.threads.retain(|_, latest| *latest > middle);
        self.others = self.others.max(middle);
    }
}
