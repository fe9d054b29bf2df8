//! Counting things once, however often they are told.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use crate::time::Moment;

/// How many things of a thread are told apart. Twice as many at most are kept.
const REMEMBERED: usize = 1 << 16;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    Turn,
    ToolCall,
    Approval,
    Compaction,
}

/// How many turns, tool calls, approvals and compactions a thread has had.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) turns: u64,
    pub(super) tool_calls: u64,
    pub(super) approvals: u64,
    pub(super) compactions: u64,
    /// What was told last, and what before that.
    seen: HashSet<u64, BuildHasherDefault<Prehashed>>,
    before: HashSet<u64, BuildHasherDefault<Prehashed>>,
    newest: Option<Moment>,
    newest_before: Option<Moment>,
    /// The newest of what has been forgotten. What is no newer counts no more.
    forgotten: Option<Moment>,
}

impl Counted {
    /// Counts it, if it is new.
    pub(super) fn count(&mut self, what: What, name: u64, at: Moment) {
        let key = hash(&(what, name));
        if self.before.contains(&key) || Some(at) <= self.forgotten || !self.seen.insert(key) {
            return;
        }
        self.newest = self.newest.max(Some(at));
        if self.seen.len() > REMEMBERED {
            self.before = std::mem::take(&mut self.seen);
            self.forgotten = self.newest_before;
            self.newest_before = self.newest;
        }
        *match what {
            What::Turn => &mut self.turns,
            What::ToolCall => &mut self.tool_calls,
            What::Approval => &mut self.approvals,
            What::Compaction => &mut self.compactions,
        } += 1;
    }

    /// Whether it has been counted.
    pub(super) fn knows(&self, what: What, name: u64) -> bool {
        let key = hash(&(what, name));
        self.seen.contains(&key) || self.before.contains(&key)
    }
}

/// A name for a text that is told apart from others. The same in every process, for what depends on an order.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What is hashed already.
#[derive(Debug, Default)]
pub(super) struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
