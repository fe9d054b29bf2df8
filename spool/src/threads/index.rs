//! The index: every thread, and what has just changed.

use std::collections::HashMap;
use std::time::Duration;

use super::doing::{Before, Doing, Word};
use super::facts::Facts;
use super::reconcile::Reconciling;
use super::state::State;
use super::thread::{Status, Thread};
use super::transition::{Transition, Witness};
use crate::time::Moment;
use crate::{Event, EventKind, ThreadId};

/// How often it is looked for threads that may be dropped, in events; less often where there are more threads.
const SWEEP: u32 = 1024;

/// What every Codex thread is doing, folded from events.
///
/// ```
/// # use codex_spool::{Capture, Spool};
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// # spool.record(br#"{"hook_event_name":"UserPromptSubmit","session_id":"s","turn_id":"t","prompt":"Hi."}"#, &Capture::now())?;
/// use codex_spool::{Change, Status, ThreadIndex};
///
/// let mut index = ThreadIndex::new();
/// for event in spool.journal()? {
///     for transition in index.apply(&event?) {
///         assert_eq!(transition.change, Change::TurnStarted);
///     }
/// }
/// assert_eq!(index.threads()[0].status, Status::Running);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The state of a thread does not depend on the order in which its events are applied, nor on how often: among its last
/// four turns exactly; what is older counts, and changes nothing else.
///
/// Memory is bounded: threads that ended long ago are dropped ([`keep_ended`](Self::keep_ended)), and there is a most
/// that are kept ([`max_threads`](Self::max_threads)). A thread takes some 2 KiB, and 16 bytes more for each of its last
/// turns, tool calls, approvals and compactions, 2 MiB at most.
#[derive(Debug)]
pub struct ThreadIndex {
    pub(super) threads: HashMap<ThreadId, Box<State>>,
    /// The subagents of a session.
    children: HashMap<ThreadId, Vec<ThreadId>>,
    keep_ended: Duration,
    max_threads: usize,
    newest: Moment,
    /// The newest event of a thread that was dropped: older ones of threads that are not known are of such.
    dropped: Option<Moment>,
    until_sweep: u32,
    pub(super) reconciling: Reconciling,
}

impl Default for ThreadIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl ThreadIndex {
    /// An index that knows no thread yet.
    pub fn new() -> Self {
        Self {
            threads: HashMap::new(),
            children: HashMap::new(),
            keep_ended: Duration::from_secs(7 * 24 * 60 * 60),
            max_threads: 16_384,
            newest: Moment(0),
            dropped: None,
            until_sweep: SWEEP,
            reconciling: Reconciling::default(),
        }
    }

    /// Drops threads whose last event is older than the newest event of all by this much, once they have ended. 7 days
    /// by default.
    pub fn keep_ended(self, keep_ended: Duration) -> Self {
        Self { keep_ended, ..self }
    }

    /// Keeps no more threads than this; twice as many, or a thousand more, for a while: drops those first that have ended, and then those that
    /// were silent for longest. 16,384 by default.
    pub fn max_threads(self, max_threads: usize) -> Self {
        Self { max_threads, ..self }
    }

    /// Takes in an event, and gives what has changed by it, in the order in which it happened. Nothing is read and
    /// nobody is asked.
    ///
    /// An event that was applied before changes nothing, nor does one without a thread.
    pub fn apply(&mut self, event: &Event) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let Some(id) = event.thread_id() else { return transitions };
        let at = event.moment();
        let facts = Facts::of(event.payload());
        let Some((id, mut state)) = self.take_out(id, at) else { return transitions };
        let is_new = state.is_new();
        let before = if is_new { Before::default() } else { self.look(&state) };
        // The end of a session is the end of its subagents.
        let children = match event.kind() {
            EventKind::SessionEnd => self.looks_at_children(&id),
            _ => Vec::new(),
        };
        self.note(&mut state, event, &facts);
        let word = Word { at, event: Some(event.id()), by: Witness::Hook };
        before.changes(&state, &self.doing(&state), word, &mut transitions);
        self.threads.insert(id, state);
        self.changes_of(children, word, &mut transitions);
        self.newest = self.newest.max(at);
        self.until_sweep -= 1;
        if self.until_sweep == 0 {
            self.sweep();
        }
        transitions
    }

    /// Takes in an event, and does not ask what has changed by it. Nothing is dropped meanwhile.
    pub(super) fn take_in(&mut self, event: &Event) {
        let Some(id) = event.thread_id() else { return };
        let at = event.moment();
        let Some((id, mut state)) = self.take_out(id, at) else { return };
        self.note(&mut state, event, &Facts::of(event.payload()));
        self.threads.insert(id, state);
        self.newest = self.newest.max(at);
    }

    /// What is known of a thread. `None`: it is one of those that were dropped.
    fn take_out(&mut self, id: &ThreadId, at: Moment) -> Option<(ThreadId, Box<State>)> {
        match self.threads.remove_entry(id) {
            None if Some(at) <= self.dropped => None,
            None => Some((id.clone(), Box::new(State::new(id.clone(), at)))),
            known => known,
        }
    }

    fn note(&mut self, state: &mut State, event: &Event, facts: &Facts<'_>) {
        let is_new = state.is_new();
        state.note(event, facts);
        if is_new && let Some(parent) = state.parent_id() {
            self.children.entry(parent).or_default().push(state.id.clone());
        }
    }

    /// A thread, if it is known: by its [`ThreadId`], or by a text that may be one.
    pub fn get(&self, id: impl AsRef<str>) -> Option<Thread> {
        self.threads.get(id.as_ref()).map(|state| self.show(state))
    }

    /// All threads, the one first whose last event is newest.
    pub fn threads(&self) -> Vec<Thread> {
        let mut states: Vec<&State> = self.threads.values().map(|state| &**state).collect();
        states.sort_unstable_by(|a, b| (b.last_seen, &b.id).cmp(&(a.last_seen, &a.id)));
        states.into_iter().map(|state| self.show(state)).collect()
    }

    /// How many threads are known.
    pub fn len(&self) -> usize {
        self.threads.len()
    }

    /// Whether no thread is known.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    fn show(&self, state: &State) -> Thread {
        state.show(&self.doing(state))
    }

    pub(super) fn doing<'a>(&self, state: &'a State) -> Doing<'a> {
        Doing::of(state, state.parent().and_then(|parent| Some(&**self.threads.get(parent)?)))
    }

    pub(super) fn look(&self, state: &State) -> Before {
        Before::of(&self.doing(state))
    }

    pub(super) fn looks_at_children(&self, id: &ThreadId) -> Vec<(ThreadId, Before)> {
        let children = self.children.get(id).into_iter().flatten();
        children.filter_map(|child| Some((child.clone(), self.look(self.threads.get(child)?)))).collect()
    }

    pub(super) fn changes_of(
        &self,
        looks: Vec<(ThreadId, Before)>,
        word: Word,
        transitions: &mut Vec<Transition>,
    ) {
        for (id, before) in looks {
            if let Some(state) = self.threads.get(&id) {
                before.changes(state, &self.doing(state), word, transitions);
            }
        }
    }

    /// Drops what ended long ago, and what is too much.
    pub(super) fn sweep(&mut self) {
        self.until_sweep = SWEEP.max(u32::try_from(self.threads.len()).unwrap_or(u32::MAX));
        let long_ago = Moment(
            self.newest.0.saturating_sub(u64::try_from(self.keep_ended.as_nanos()).unwrap_or(u64::MAX)),
        );
        let mut silent: Vec<(bool, Moment, ThreadId)> = self
            .threads
            .values()
            .map(|state| (self.doing(state).status != Status::Ended, state.last_seen, state.id.clone()))
            .collect();
        silent.sort_unstable();
        let too_many = self.threads.len().saturating_sub(self.max_threads);
        for (place, (is_alive, last_seen, id)) in silent.into_iter().enumerate() {
            if place < too_many || (!is_alive && last_seen < long_ago) {
                self.dropped = self.dropped.max(Some(last_seen));
                self.drop_thread(&id);
            }
        }
    }

    fn drop_thread(&mut self, id: &ThreadId) {
        let Some(state) = self.threads.remove(id) else { return };
        if let Some(siblings) = state.parent().and_then(|parent| self.children.get_mut(parent)) {
            siblings.retain(|sibling| sibling != id);
        }
        if self.children.get(id).is_some_and(Vec::is_empty) {
            self.children.remove(id);
        }
    }
}
