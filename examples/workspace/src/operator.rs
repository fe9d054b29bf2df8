//! The operator: takes the events of Codex, follows delegations to their end, and returns the results.
//!
//! Events are hints of when to look. What holds is on disk: the transcripts, and the state of this program. So whatever
//! was missed, repeated or cut short by a kill, the next look puts it right.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codex_driver::{Addressee, Codex, End, Outcome, Pace, Pending, find_end};
use codex_spool::{Change, Observer, Spool, Status, ThreadIndex, Transition};

use crate::cli::tell;
use crate::delegation::{Delegation, Return};
use crate::error::{Error, Result};
use crate::state::State;
use crate::wake::{Wake, due};

/// How often it is looked for what no event tells: what other commands have changed, and the last milliseconds of a turn.
const TICK: Duration = Duration::from_millis(250);

/// How long it waits before it tries again what Codex could not take.
const PAUSE: Duration = Duration::from_secs(2);

/// How long it waits before it tries again what was refused.
const REFUSAL: Duration = Duration::from_secs(15);

/// How long it is not odd that no event of a delegation has come.
const HOOKS_TAKE: Duration = Duration::from_secs(10);

/// By what the next wake is known among the delegations, of which none has that id.
const WAKE: &str = "wake";

/// Runs until it is asked to end. The thread, if one is named, is the operator's from now on; else it is the one that was,
/// or one that is made in `cwd`.
pub(crate) fn run(state: &State, thread: Option<String>, cwd: PathBuf) -> Result<()> {
    // Whoever has the consumer is the only operator.
    let mut observer = Observer::new(Spool::open_default()?.consumer("workspace")?.open()?)?;
    let lock = state.lock()?;
    let operator = match (thread, state.operator()?) {
        (None, Some(kept)) => kept,
        (thread, _) => Addressee::new(thread, cwd),
    };
    state.save_operator(&operator)?;
    drop(lock);
    let stop = observer.stop_handle();
    let handle = stop.clone();
    ctrlc::set_handler(move || handle.stop()).map_err(|error| Error::Refused(error.to_string()))?;
    let (pace, pending, refused_until, unheard, complained_of) = Default::default();
    let codex = state.codex();
    let mut desk = Desk { state, codex, operator, pace, pending, refused_until, unheard, complained_of };
    tell("running");
    let mut next = Instant::now();
    while !stop.is_stopped() {
        if next <= Instant::now() {
            desk.look(observer.index())?;
            next = Instant::now() + TICK;
        }
        match observer.recv_until(Some(next)) {
            Ok(Some(Transition { change, .. })) if change.ends_turn() || change == Change::Ended => {
                desk.pace.hasten_all();
                next = Instant::now();
            }
            Ok(_) => {}
            Err(error @ codex_spool::Error::NoConsumer { .. }) => return Err(error.into()),
            Err(error) => eprintln!("workspace: {error}"),
        }
    }
    let _lock = state.lock()?;
    desk.codex.release()?;
    Ok(())
}

/// What the operator works with.
struct Desk<'a> {
    state: &'a State,
    codex: Codex,
    operator: Addressee,
    /// When delegations are started, and the operator is woken, if it could not be done before.
    pace: Pace,
    /// What the wake that is on its way has met with.
    pending: Pending,
    /// Until when no wake is tried, whatever ends: one that a hook blocks is a turn that ends.
    refused_until: Option<Instant>,
    /// The delegations of which no event has come, and since when, or when their transcripts were asked.
    unheard: HashMap<String, Instant>,
    /// The delegations of which it was said what is wrong with them.
    complained_of: HashSet<String>,
}

impl Desk<'_> {
    /// Does all that can be done now.
    fn look(&mut self, index: &ThreadIndex) -> Result<()> {
        let _lock = self.state.lock()?;
        let mut delegations = self.state.delegations()?;
        for delegation in delegations.iter_mut().filter(|one| one.result.is_none()) {
            // What was killed while it was started, or has to wait for its thread.
            if delegation.turn.is_none()
                && self.pace.is_due(&delegation.id, PAUSE)
                && let Err(error) = delegation.start(self.state, &mut self.codex)
            {
                eprintln!("workspace: {} is not started: {error}", delegation.id);
            }
            match self.end_of(delegation, index) {
                Ok(Some(end)) => {
                    tell(format_args!("{} {}", delegation.id, end.as_str()));
                    delegation.result = Some(end);
                    self.state.save(delegation)?;
                }
                Ok(None) => {}
                Err(error) => self.say_once(&delegation.id, &error),
            }
        }
        self.wake(&delegations, index)
    }

    /// How a delegation has ended, if it has. The transcript tells; where it does not, the life of the process.
    fn end_of(&mut self, delegation: &Delegation, index: &ThreadIndex) -> Result<Option<End>> {
        let (Some(thread), Some(turn)) = (&delegation.to.thread, &delegation.turn) else { return Ok(None) };
        if delegation.returning.mode == Return::Detached || delegation.result.is_some() {
            return Ok(None);
        }
        let seen = index.get(thread);
        let of_turn =
            seen.as_ref().filter(|seen| seen.turn_id.as_ref() == Some(turn)).map(|seen| seen.status);
        let transcript = match seen {
            Some(_) if of_turn.is_some_and(|status| !status.is_at_rest()) => None,
            Some(seen) => seen.transcript_path.map(PathBuf::from),
            None if !self.is_long_unheard(&delegation.id) => None,
            None => self.codex.transcript(thread)?,
        };
        let Some(transcript) = transcript else { return Ok(None) };
        let was_killed = of_turn == Some(Status::Ended);
        Ok(find_end(&transcript, turn)?.or_else(|| was_killed.then_some(End::Interrupted)))
    }

    /// Whether no event of a delegation has come for so long that its transcript is asked all the same, now and then.
    fn is_long_unheard(&mut self, id: &str) -> bool {
        let since = self.unheard.entry(id.to_owned()).or_insert_with(Instant::now);
        if since.elapsed() < HOOKS_TAKE {
            return false;
        }
        *since = Instant::now();
        self.say_once(id, &"no event has come: see what `hook status` says");
        true
    }

    /// Says what is wrong with a delegation, and not again at each look.
    fn say_once(&mut self, id: &str, what: &dyn Display) {
        if self.complained_of.insert(id.to_owned()) {
            eprintln!("workspace: {id}: {what}");
        }
    }

    /// Returns what is due, where the operator's thread can take it. One wake at a time: what becomes due meanwhile is in
    /// the next one.
    fn wake(&mut self, delegations: &[Delegation], index: &ThreadIndex) -> Result<()> {
        if self.refused_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let wakes = self.state.wakes()?;
        let unsent = wakes.iter().find(|wake| wake.turn.is_none()).cloned();
        let is_new = unsent.is_none();
        let mut wake = unsent.unwrap_or_else(|| Wake::new(due(delegations, &wakes)));
        if wake.delegations.is_empty() || !self.pace.is_due(WAKE, PAUSE) {
            return Ok(());
        }
        // A hint, which spares asking Codex; what it takes is what holds.
        let status = self.operator.thread.as_ref().and_then(|thread| index.get(thread)).map(|it| it.status);
        if is_new {
            if status.is_some_and(|status| !status.is_at_rest()) {
                return Ok(());
            }
            self.state.save_wake(&wake)?;
        }
        match self.deliver(&wake.key(), &wake.prompt(delegations), status.is_some_and(Status::is_at_rest)) {
            Ok(None) => {}
            Ok(turn) => {
                wake.turn = turn;
                self.state.save_wake(&wake)?;
                tell(format_args!("woke the operator with {}", wake.delegations.join(" ")));
            }
            Err(Error::Codex(error)) => self.put_off(&error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives a prompt to the operator's thread. The turn that it became, once it is in the transcript. What Codex's own queue
    /// has lost is sent anew.
    fn deliver(&mut self, key: &str, prompt: &str, is_at_rest: bool) -> Result<Option<String>> {
        if self.operator.make(&mut self.codex)? {
            self.state.save_operator(&self.operator)?;
        }
        let kept = self.operator.clone();
        let outcome = self.operator.deliver(&mut self.codex, &mut self.pending, key, prompt, is_at_rest)?;
        if self.operator != kept {
            self.state.save_operator(&self.operator)?;
        }
        match (outcome, &self.operator.thread) {
            (Outcome::Delivered { turn_id }, _) => return Ok(Some(turn_id)),
            (Outcome::Blocked { .. }, _) => {
                self.put_off(&"a hook has blocked it, or somebody has interrupted it at once");
            }
            (Outcome::NoThread, Some(thread)) => {
                let remedy = "name another by `workspace run --thread`";
                return Err(Error::Refused(format!("the operator's thread {thread} is gone: {remedy}")));
            }
            _ => {}
        }
        Ok(None)
    }

    fn put_off(&mut self, why: &dyn Display) {
        eprintln!("workspace: the operator is not woken: {why}: trying again in {} s", REFUSAL.as_secs());
        self.refused_until = Some(Instant::now() + REFUSAL);
    }
}
