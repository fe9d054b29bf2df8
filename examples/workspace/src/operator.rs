//! The operator: takes the events of Codex, follows delegations to their end, and returns the results.
//!
//! Events are hints of when to look. What holds is on disk: the transcripts, and the state of this program. So whatever
//! was missed, repeated or cut short by a kill, the next look puts it right.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_driver::{Codex, End, Outcome, Place, find_end};
use codex_spool::{Change, Observer, Spool, Status, ThreadId, ThreadIndex};
use serde_json::json;

use crate::delegation::{Delegation, How, Return};
use crate::error::{Error, Result};
use crate::start::start;
use crate::state::{OperatorThread, State, new_wake};
use crate::wake::due;

/// How often it is looked for what no event tells: what other commands have changed, and the last milliseconds of a turn.
const TICK: Duration = Duration::from_millis(250);

/// How long it waits before it tries again what Codex could not take.
const PAUSE: Duration = Duration::from_secs(2);

/// How long it waits before it tries again what was refused.
const REFUSAL: Duration = Duration::from_secs(15);

/// How long an idle thread must have been held by a Codex that cannot be spoken to, to be held for good: `codex exec` lets
/// go within a second.
const HELD_FOR_GOOD: Duration = Duration::from_secs(15);

/// How long it is not odd that no event of a delegation has come.
const HOOKS_TAKE: Duration = Duration::from_secs(10);

/// How long Codex may need to get a prompt from its queue into the transcript.
const OUT_OF_QUEUE: Duration = Duration::from_secs(5);

/// Runs until it is asked to end. The thread, if one is named, is the operator's from now on; else it is the one that was,
/// or one that is made in `cwd`.
pub(crate) fn run(state: &State, thread: Option<String>, cwd: PathBuf) -> Result<()> {
    // Whoever has the consumer is the only operator.
    let mut observer = Observer::new(Spool::open_default()?.consumer("workspace")?.open()?)?;
    let lock = state.lock()?;
    let operator = match (thread, state.operator()?) {
        (None, Some(kept)) => kept,
        (thread, _) => OperatorThread { is_unused: thread.is_none(), thread, cwd },
    };
    state.save_operator(&operator)?;
    drop(lock);
    let stop = observer.stop_handle();
    let handle = stop.clone();
    ctrlc::set_handler(move || handle.stop()).map_err(|error| Error::Refused(error.to_string()))?;
    let (pauses, complained_of, unheard) = Default::default();
    let mut desk = Desk { state, codex: state.codex(), operator, pauses, complained_of, unheard };
    let mut next = Instant::now();
    println!("running");
    while !stop.is_stopped() {
        if next <= Instant::now() {
            desk.look(observer.index())?;
            next = Instant::now() + TICK;
        }
        match observer.recv_until(Some(next)) {
            Ok(Some(transition)) => {
                if transition.change.ends_turn() || transition.change == Change::Ended {
                    desk.pauses = Pauses { start: None, wake: None, ..desk.pauses };
                    next = Instant::now();
                }
            }
            Ok(None) => {}
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
    operator: OperatorThread,
    pauses: Pauses,
    /// The delegations of which it was said what is wrong with them.
    complained_of: HashSet<String>,
    /// The delegations of which no event has come, and since when, or when their transcripts were asked.
    unheard: HashMap<String, Instant>,
}

/// What is not to be tried before some moment.
#[derive(Default, Clone, Copy)]
struct Pauses {
    /// Until when, or until a turn ends.
    start: Option<Instant>,
    wake: Option<Instant>,
    /// Until when, whatever ends: a wake that a hook blocks is a turn that ends.
    refused: Option<Instant>,
    /// Since when the wake that was sent is neither in the transcript nor in Codex's queue.
    nowhere: Option<Instant>,
}

impl Desk<'_> {
    /// Does all that can be done now.
    fn look(&mut self, index: &ThreadIndex) -> Result<()> {
        let _lock = self.state.lock()?;
        let mut delegations = self.state.delegations()?;
        let may_start = is_over(self.pauses.start);
        for delegation in delegations.iter_mut().filter(|one| one.result.is_none()) {
            if delegation.turn.is_none() && may_start {
                self.start(delegation);
            }
            if delegation.returns != Return::Detached
                && let Some((how, text)) = self.end_of(delegation, index)
            {
                delegation.end(how, text);
                self.state.save(delegation)?;
                println!("{} {}", delegation.id, how.as_str());
            }
        }
        self.wake(&delegations, index)
    }

    /// Finishes what was killed while it started, or has to wait for a thread.
    fn start(&mut self, delegation: &mut Delegation) {
        if let Err(error) = start(self.state, &mut self.codex, delegation) {
            eprintln!("workspace: {} is not started: {error}", delegation.id);
        }
        if delegation.turn.is_none() {
            self.pauses.start = Some(Instant::now() + PAUSE);
        }
    }

    /// How a delegation has ended, if it has. The transcript tells; where it does not, the life of the process.
    fn end_of(&mut self, delegation: &Delegation, index: &ThreadIndex) -> Option<(How, String)> {
        let (thread, turn) = delegation.thread.as_deref().zip(delegation.turn.as_deref())?;
        let Some(seen) = index.get(&ThreadId::new(thread).ok()?) else {
            return self.end_of_unheard(&delegation.id, thread, turn);
        };
        let is_its_turn = seen.turn_id.as_deref() == Some(turn);
        let is_idle = seen.status.awaits_prompt() || seen.status == Status::Ended;
        let transcript = seen.transcript_path.filter(|_| is_idle || !is_its_turn)?;
        let told = self.told(&delegation.id, Path::new(&transcript), turn)?;
        let killed = || (How::Interrupted, "Its Codex ended in the middle of the turn.".to_owned());
        told.or_else(|| (is_its_turn && seen.status == Status::Ended).then(killed))
    }

    /// How a delegation has ended of which no event comes, if it has: now and then the transcript is asked all the same.
    fn end_of_unheard(&mut self, id: &str, thread: &str, turn: &str) -> Option<(How, String)> {
        let asked = self.unheard.entry(id.to_owned()).or_insert_with(Instant::now);
        if asked.elapsed() < HOOKS_TAKE {
            return None;
        }
        *asked = Instant::now();
        self.say_once(id, &"no event has come: see what `hook status` says");
        let transcript =
            self.codex.transcript(thread).inspect_err(|error| self.say_once(id, error)).ok()??;
        self.told(id, &transcript, turn)?
    }

    /// What the transcript says of a turn's end; nothing at all where it cannot be read.
    fn told(&mut self, id: &str, transcript: &Path, turn: &str) -> Option<Option<(How, String)>> {
        let end = find_end(transcript, turn).inspect_err(|error| self.say_once(id, error)).ok()?;
        Some(match end {
            Some(End::Completed { answer }) => Some((How::Completed, answer.unwrap_or_default())),
            Some(End::Failed { error }) => Some((How::Failed, error)),
            Some(End::Interrupted) => Some((How::Interrupted, "Its turn was interrupted.".to_owned())),
            _ => None,
        })
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
        if !is_over(self.pauses.wake) || !is_over(self.pauses.refused) {
            return Ok(());
        }
        let wakes = self.state.wakes()?;
        let unsent = wakes.iter().find(|wake| wake.turn.is_none()).cloned();
        let due = due(delegations, &wakes);
        if unsent.is_none() && due.is_empty() {
            return Ok(());
        }
        let seen = self.operator.thread.as_deref().and_then(|thread| index.get(&ThreadId::new(thread).ok()?));
        // A hint, which spares asking Codex; what it takes is what holds.
        let is_idle = seen.as_ref().is_none_or(|it| it.status.awaits_prompt() || it.status == Status::Ended);
        self.pauses.wake = Some(Instant::now() + PAUSE);
        if !is_idle && unsent.is_none() {
            return Ok(());
        }
        let mut wake = match unsent {
            Some(wake) => wake,
            None => {
                let wake = new_wake(due);
                self.state.save_wake(&wake)?;
                wake
            }
        };
        let is_held = seen.is_some_and(|it| {
            it.status.awaits_prompt() && it.since.elapsed().is_ok_and(|age| age >= HELD_FOR_GOOD)
        });
        match self.deliver(&wake.key(), &wake.prompt(delegations), is_held) {
            Ok(Some(turn)) => {
                wake.turn = Some(turn);
                self.state.save_wake(&wake)?;
                self.pauses.wake = None;
                println!("woke the operator with {}", wake.delegations.join(" "));
            }
            Ok(None) => {}
            Err(error @ (Error::File { .. } | Error::Refused(_))) => return Err(error),
            Err(error) => self.put_off(&error),
        }
        Ok(())
    }

    fn put_off(&mut self, why: &dyn Display) {
        eprintln!("workspace: the operator is not woken: {why}: trying again in {} s", REFUSAL.as_secs());
        self.pauses.refused = Some(Instant::now() + REFUSAL);
    }

    /// Gives a prompt to the operator's thread. The turn that it became, once it is in the transcript.
    fn deliver(&mut self, key: &str, prompt: &str, is_held: bool) -> Result<Option<String>> {
        loop {
            let thread = match &self.operator.thread {
                Some(thread) => thread.clone(),
                None => {
                    let made = self.codex.create_thread(&self.operator.cwd, json!({}))?;
                    self.operator.thread = Some(made.clone());
                    self.state.save_operator(&self.operator)?;
                    println!("the operator's thread is {made}");
                    made
                }
            };
            return Ok(match self.codex.deliver(&thread, key, prompt)? {
                Outcome::Blocked { .. } => {
                    self.put_off(&"a hook has blocked it, or somebody has interrupted it at once");
                    None
                }
                Outcome::Delivered { turn_id } => {
                    self.operator.is_unused = false;
                    self.state.save_operator(&self.operator)?;
                    Some(turn_id)
                }
                Outcome::Elsewhere => self.enqueue(&thread, key, prompt, is_held)?,
                Outcome::NoThread if self.operator.is_unused => {
                    self.operator.thread = None;
                    continue;
                }
                Outcome::NoThread => {
                    let remedy = "name another by `workspace run --thread`";
                    return Err(Error::Refused(format!("the operator's thread {thread} is gone: {remedy}")));
                }
                _ => None,
            });
        }
    }

    /// Gives a prompt to a thread that another Codex holds: by Codex's queue, once that Codex holds it for good. It is
    /// added where it has been nowhere for so long that it cannot be on its way.
    fn enqueue(&mut self, thread: &str, key: &str, prompt: &str, is_held: bool) -> Result<Option<String>> {
        let place = self.codex.find(thread, key)?;
        if place != Place::Nowhere {
            self.pauses.nowhere = None;
        } else if self.pauses.nowhere.get_or_insert_with(Instant::now).elapsed() >= OUT_OF_QUEUE && is_held {
            self.codex.enqueue(thread, key, prompt)?;
            self.pauses.nowhere = None;
        }
        Ok(match place {
            Place::Turn(turn) => Some(turn),
            _ => None,
        })
    }
}

fn is_over(pause: Option<Instant>) -> bool {
    pause.is_none_or(|until| until <= Instant::now())
}
