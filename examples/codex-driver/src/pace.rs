//! When something is tried again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// When what was tried in vain is tried again: nothing tells that a Codex has let go of a thread.
#[derive(Debug, Default)]
pub struct Pace {
    next: HashMap<String, Instant>,
}

impl Pace {
    /// Whether it is time for `what`. If so, it is again after that long.
    pub fn is_due(&mut self, what: &str, again: Duration) -> bool {
        let now = Instant::now();
        let is_due = self.next.get(what).is_none_or(|next| *next <= now);
        if is_due {
            self.next.insert(what.to_owned(), now + again);
        }
        is_due
    }

    /// Has `what` be due now: something has changed for it.
    pub fn hasten(&mut self, what: &str) {
        self.next.remove(what);
    }

    /// Has all be due now.
    pub fn hasten_all(&mut self) {
        self.next.clear();
    }
}
