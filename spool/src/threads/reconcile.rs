//! What the hooks do not tell: the end of a turn that fires none, and the end of a Codex that was killed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::doing::Word;
use super::index::ThreadIndex;
use super::process::{self, Found, Process, TOLERANCE};
use super::state::State;
use super::thread::Status;
use super::transcript::{self, Told};
use super::transition::{Transition, Witness};
use super::turn::End;
use crate::ThreadId;
use crate::time::Moment;

/// When silent threads are looked into, and what is known from that.
#[derive(Debug)]
pub(super) struct Reconciling {
    silent_for: Duration,
    stalled_after: Duration,
    /// The processes that were seen alive, by their numbers.
    seen: HashMap<u32, Process>,
}

impl Default for Reconciling {
    fn default() -> Self {
        let (silent_for, stalled_after) = (Duration::from_secs(5), Duration::from_secs(10 * 60));
        Self { silent_for, stalled_after, seen: HashMap::new() }
    }
}

/// The life of a thread's Codex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Lives,
    Gone,
    Unknown,
}

impl ThreadIndex {
    /// Looks into a thread once its last event is this old, or the tool that it uses was started this long ago. 5 s by
    /// default.
    pub fn silent_for(mut self, silent_for: Duration) -> Self {
        self.reconciling.silent_for = silent_for;
        self
    }

    /// Calls a thread stalled whose transcript has not grown for this long in the middle of a turn. 10 minutes by
    /// default.
    pub fn stalled_after(mut self, stalled_after: Duration) -> Self {
        self.reconciling.stalled_after = stalled_after;
        self
    }

    /// Holds what is known of threads that have not ended and are silent against what the hooks do not tell, `now`, and
    /// gives what has changed by it:
    ///
    /// - the end of the transcript of those in a turn, 4 MiB at most: a turn that has ended there has ended, and so has a
    ///   tool whose output is there;
    /// - the process of those that Codex has not let go of: one that is gone has ended them. A process that was started
    ///   after the thread's last event, or is another program than was seen before, is not it;
    /// - a thread in a turn whose transcript has not grown for long, and whose process lives, is stalled.
    ///
    /// Files are read and processes looked for; nothing is written. What cannot be found out changes nothing. Processes
    /// are looked for on this machine, on Windows not at all.
    pub fn reconcile(&mut self, now: SystemTime) -> Vec<Transition> {
        self.reconcile_but_for(&HashSet::new(), now)
    }

    /// The same without threads of which there are events to come, and their subagents: what these tell is theirs to tell.
    pub(super) fn reconcile_but_for(
        &mut self,
        untold: &HashSet<ThreadId>,
        now: SystemTime,
    ) -> Vec<Transition> {
        let now = Moment::of(now);
        let is_told = |state: &State| {
            !untold.contains(&state.id) && !state.parent().is_some_and(|parent| untold.contains(parent))
        };
        let mut transitions = Vec::new();
        let mut found = HashMap::new();
        let mut alive: Vec<(Moment, ThreadId)> = self
            .threads
            .values()
            .filter(|state| is_told(state) && self.doing(state).status != Status::Ended)
            .map(|state| (state.last_seen, state.id.clone()))
            .collect();
        alive.sort_unstable();
        let pids: HashSet<u32> =
            alive.iter().filter_map(|(_, id)| Some(self.threads[id].lives.sign()?.pid)).collect();
        self.reconciling.seen.retain(|pid, _| pids.contains(pid));
        let (silent, busy): (Vec<_>, Vec<_>) =
            alive.into_iter().partition(|(_, id)| self.is_silent(&self.threads[id], now));
        for (_, id) in busy {
            self.reconciling.note(&self.threads[&id], &mut found);
        }
        for (_, id) in silent {
            let Some(mut state) = self.threads.remove(&id) else { continue };
            let life = self.reconciling.life(&state, &mut found);
            self.ask_transcript(&mut state, life, now, &mut transitions);
            let before = self.look(&state);
            let children = self.looks_at_children(&id);
            if life == Life::Gone
                && let Some(sign) = state.lives.sign()
            {
                // The clock may have been set back since.
                state.lives.gone(sign.pid, now.max(sign.stamp.at));
            }
            let word = Word { at: now, event: None, by: Witness::Process };
            before.changes(&state, &self.doing(&state), word, &mut transitions);
            self.threads.insert(id, state);
            self.changes_of(children, word, &mut transitions);
        }
        transitions
    }

    /// Whether a thread, or the tool that it uses, has not been heard of for some time.
    fn is_silent(&self, state: &State, now: Moment) -> bool {
        let silent_for = self.reconciling.silent_for;
        let of_another_clock = state.last_seen > now;
        of_another_clock || is_older(state.last_seen, now, silent_for) || {
            let doing = self.doing(state);
            matches!(doing.status, Status::Tool | Status::Waiting) && is_older(doing.since, now, silent_for)
        }
    }

    /// Whether the transcript tells of the turn's end, or of its standing still.
    fn ask_transcript(&self, state: &mut State, life: Life, now: Moment, transitions: &mut Vec<Transition>) {
        let doing = self.doing(state);
        let awaits_turn = doing.turn.is_none() && doing.status == Status::Running;
        if doing.turn.is_none() && !awaits_turn {
            return;
        }
        let Some(path) = state.transcript().map(Path::new) else { return };
        let Some(metadata) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else { return };
        let before = self.look(state);
        let mut at = now;
        if state.transcript_known.map(|known| known.length) != Some(metadata.len()) {
            let turn = doing.turn.map(|turn| turn.id.clone());
            let Ok(tail) = transcript::tail(path, turn.as_deref(), state.transcript_known) else { return };
            state.transcript_known = Some(tail.known);
            // It has grown: whatever it was, it goes on.
            state.stalled = None;
            for (call, written) in tail.used.iter().rev() {
                if let Some(turn) = state.turn_mut() {
                    turn.tell_used(call, written.unwrap_or(now));
                }
            }
            if let Told::Ended { end, at: written, answer } = tail.turn {
                at = written.unwrap_or(now);
                state.tell(turn.as_deref(), end, at, now, answer.as_deref());
            }
        }
        let doing = self.doing(state);
        let grown = metadata.modified().map_or(now, Moment::of).max(state.last_seen);
        if life == Life::Lives
            && matches!(doing.status, Status::Running | Status::Tool)
            && is_older(grown, now, self.reconciling.stalled_after)
        {
            state.stalled = Some(now);
            at = now;
        }
        let word = Word { at, event: None, by: Witness::Transcript };
        before.changes(state, &self.doing(state), word, transitions);
    }
}

impl State {
    /// The transcript tells how a turn ended; without a turn, that none is open `now`.
    fn tell(&mut self, turn: Option<&str>, end: End, at: Moment, now: Moment, answer: Option<&str>) {
        match self.turn_mut().filter(|known| turn.is_some_and(|turn| *known.id == *turn)) {
            None => self.settled = self.settled.max(Some(now)),
            Some(turn) => {
                // Older versions of Codex do not write why a turn has no answer.
                let failed = end == End::Completed && answer.is_none() && turn.is_failing();
                turn.tell(at, if failed { End::Failed } else { end });
                self.tell_answer(at, answer);
            }
        }
    }
}

impl Reconciling {
    /// Notes the process that is at work on a thread, when it is first seen.
    fn note(&mut self, state: &State, found: &mut HashMap<u32, Found>) {
        if state.lives.sign().is_some_and(|sign| !self.seen.contains_key(&sign.pid)) {
            self.life(state, found);
        }
    }

    /// Whether the process that was at work on a thread lives.
    fn life(&mut self, state: &State, found: &mut HashMap<u32, Found>) -> Life {
        // A shell that runs one hook is no Codex, and gone at once.
        let Some(sign) = state.lives.sign().filter(|sign| sign.pid != 0) else { return Life::Unknown };
        if !sign.is_codex && !self.seen.contains_key(&sign.pid) {
            return Life::Unknown;
        }
        match found.entry(sign.pid).or_insert_with(|| process::find(sign.pid)) {
            Found::Unknown => Life::Unknown,
            Found::None => Life::Gone,
            Found::Process(process) => {
                let is_known = self.seen.get(&sign.pid).is_some_and(|known| known.is(process));
                let was_there = Moment::of(process.started) <= later(sign.stamp.at, TOLERANCE);
                if !is_known && !was_there {
                    return Life::Gone;
                }
                self.seen.insert(sign.pid, process.clone());
                Life::Lives
            }
        }
    }
}

fn later(moment: Moment, by: Duration) -> Moment {
    Moment(moment.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

fn is_older(moment: Moment, now: Moment, age: Duration) -> bool {
    later(moment, age) <= now
}
