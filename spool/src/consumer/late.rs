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
        // If this thread is one of the others, what it had may be as late as theirs.
        self.threads.insert(thread.clone(), captured.max(self.others));
        captured < self.others
    }

    fn forget_half(&mut self) {
        let mut moments: Vec<Moment> = self.threads.values().copied().collect();
        let (_, &mut middle, _) = moments.select_nth_unstable(THREADS / 2);
        self.threads.retain(|_, latest| *latest > middle);
        self.others = self.others.max(middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_thread_that_is_not_told_apart_any_more_all_that_is_late_is_known() {
        let thread = |n: usize| ThreadId::new(&format!("t{n}")).expect("a good id");
        let mut latest = Latest::default();
        assert!(!latest.is_late(Some(&thread(0)), Moment(100)));
        for n in 1..=THREADS {
            assert!(!latest.is_late(Some(&thread(n)), Moment(100 + n as u64)));
        }
        assert!(latest.is_late(Some(&thread(0)), Moment(50)));
        assert!(latest.is_late(Some(&thread(0)), Moment(80)));
    }
}
