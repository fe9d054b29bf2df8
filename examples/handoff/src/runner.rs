//! Delivers what is queued, as threads become idle.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use codex_driver::{Codex, Outcome, Pace, Pending, find_prompt};
use codex_spool::{Change, Error, Observer, Spool, Status, Thread, ThreadIndex, Transition};
use state_dir::StateDir;

use crate::log::Log;
use crate::request::{Request, What};
use crate::{ATTEMPT, Result, tell};

/// How often it is looked for new requests: nothing tells of them.
const LOOK: Duration = Duration::from_millis(200);

/// When what could not be delivered is tried again, if nothing is heard of its thread before.
const AGAIN: Duration = Duration::from_secs(1);

/// After how long a thread that should be at work, and is silent, is asked itself, and how often: a Codex that is killed in
/// its first hook leaves no trace of its end.
const DOUBT: Duration = Duration::from_secs(10);

/// By what the end of its own server is known among the requests, of which none has that key.
const RELEASE: &str = "";

pub(crate) struct Runner<'a> {
    state: &'a StateDir,
    log: Log,
    codex: Codex,
    observer: Observer,
    /// When requests are tried again.
    pace: Pace,
    /// When the threads of requests are asked themselves, though by their events they are at work.
    doubts: Pace,
    /// What requests have met with.
    pending: HashMap<String, Pending>,
    /// Of which approvals of threads people were told, by the time since when they are open.
    told: HashMap<String, SystemTime>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(state: &'a StateDir, log: Log, codex: Codex) -> Result<Self> {
        // What happened while nobody looked is in the journal, from which the observer begins.
        let observer = Observer::new(Spool::open_default()?.ephemeral_consumer().program("handoff").open()?)?;
        let (pace, doubts, pending, told) = Default::default();
        Ok(Self { state, log, codex, observer, pace, doubts, pending, told })
    }

    pub(crate) fn run(mut self, once: bool) -> Result<()> {
        let stop = self.observer.stop_handle();
        // Where they cannot be caught they end the process, and the next run goes on.
        let _ = ctrlc::set_handler(move || stop.stop());
        let (mut requests, mut length) = (self.log.requests()?, self.log.length());
        self.tell_of_approvals(&requests);
        while !self.observer.stop_handle().is_stopped() {
            let open: Vec<&Request> = requests.iter().filter(|request| request.end.is_none()).collect();
            for request in first_of_each_thread(&open) {
                // One that has its thread by now may come before others for that.
                if self.log.length() != length {
                    break;
                }
                if self.pace.is_due(&request.key, AGAIN)
                    && let Err(error) = self.consider(request)
                {
                    eprintln!("handoff: {}: {error}", request.key);
                }
            }
            if self.pace.is_due(RELEASE, AGAIN) {
                match self.release() {
                    Ok(true) if once && open.is_empty() => break,
                    Ok(_) => {}
                    Err(error) => eprintln!("handoff: {error}"),
                }
            }
            match self.observer.recv_until(Some(Instant::now() + LOOK)) {
                Ok(Some(transition)) => self.note(&transition, &requests),
                Ok(None) => {}
                Err(error @ Error::NoConsumer { .. }) => return Err(error.into()),
                Err(error) => eprintln!("handoff: {error}"),
            }
            if self.log.length() != length {
                (requests, length) = (self.log.requests()?, self.log.length());
            }
        }
        self.release().map(drop)
    }

    /// Ends its own server, or that of a run that was killed, unless a turn runs there. Whether there is none.
    fn release(&mut self) -> Result<bool> {
        let _lock = self.state.lock(ATTEMPT)?;
        Ok(self.codex.release()?)
    }

    /// What has changed in a thread makes the requests for it due; an approval is told to people.
    fn note(&mut self, transition: &Transition, requests: &[Request]) {
        let thread = transition.thread_id.as_str();
        let of_it = |request: &&Request| request.order.thread.as_deref() == Some(thread);
        for request in requests.iter().filter(of_it) {
            self.pace.hasten(&request.key);
        }
        if transition.change.ends_turn() {
            self.pace.hasten(RELEASE);
        }
        if transition.change == Change::ApprovalRequested {
            self.tell_of_approvals(requests);
        }
    }

    /// Tells people, once, of each approval that is open in a thread of ours.
    fn tell_of_approvals(&mut self, requests: &[Request]) {
        let threads: HashSet<&str> =
            requests.iter().filter_map(|request| request.order.thread.as_deref()).collect();
        for thread in threads {
            let Some(known) = self.observer.index().get(thread) else { continue };
            if known.status == Status::Waiting
                && self.told.insert(thread.to_owned(), known.since) != Some(known.since)
            {
                let attach = self.codex.attach_command(thread).join(" ");
                tell(format_args!("{thread} waits for an approval, which a person gives: {attach}"));
            }
        }
    }

    fn consider(&mut self, request: &Request) -> Result<()> {
        // Nobody cancels meanwhile; who has cancelled before is heeded.
        let _lock = self.state.lock(ATTEMPT)?;
        let requests = self.log.requests()?;
        match requests.iter().find(|known| known.key == request.key && known.end.is_none()) {
            Some(request) => self.attempt(request),
            None => Ok(()),
        }
    }

    fn attempt(&mut self, request: &Request) -> Result<()> {
        let Some(thread) = self.address(request)? else { return Ok(()) };
        let known = self.observer.index().get(&thread);
        let is_at_rest = known.as_ref().is_some_and(|known| known.status.is_at_rest());
        match known {
            Some(known) if !is_at_rest && !request.is_handed_over && !self.is_doubtful(&known, request) => {
                self.pending.remove(&request.key);
                self.attempt_in_turn(request, known)
            }
            _ => self.deliver(request, &thread, is_at_rest),
        }
    }

    fn is_doubtful(&mut self, at_work: &Thread, request: &Request) -> bool {
        let is_silent = at_work.last_seen.elapsed().is_ok_and(|silence| silence >= DOUBT);
        is_silent && self.doubts.is_due(&request.key, DOUBT)
    }

    /// Does what can be done while a turn runs.
    fn attempt_in_turn(&mut self, request: &Request, known: Thread) -> Result<()> {
        let (thread, key) = (known.thread_id.as_str(), request.codex_key());
        let Some(turn) = known.turn_id else { return Ok(()) };
        if request.steered.is_some() {
            let transcript = known.transcript_path.unwrap_or_default();
            return match find_prompt(Path::new(&transcript), &key)? {
                Some(turn_id) => self.delivered(request, turn_id),
                None => Ok(()),
            };
        }
        // An approval that was asked for at this moment is known to the server first.
        let is_urgent = request.order.is_urgent();
        if !is_urgent || known.status == Status::Waiting || self.codex.is_waiting(thread)? {
            return Ok(());
        }
        if request.order.steer {
            // Once said, it is not said again: whether it was heard, the transcript tells when the turn is over.
            self.say(request, What::Steering { turn_id: turn.clone() })?;
            self.codex.steer(thread, &turn, &key, &request.order.text)?;
        } else if request.interrupted.as_ref() != Some(&turn) {
            self.say(request, What::Interrupting { turn_id: turn.clone() })?;
            self.codex.interrupt(thread, &turn)?;
        }
        Ok(())
    }

    /// The thread that it goes to, once there is one.
    fn address(&self, request: &Request) -> Result<Option<String>> {
        if request.order.thread.is_some() {
            return Ok(request.order.thread.clone());
        }
        let cwd = request.order.cwd.as_deref();
        let Some(thread) = cwd.and_then(|cwd| last_at_work(self.observer.index(), cwd)) else {
            return Ok(None);
        };
        self.say(request, What::Addressed { thread: thread.clone() })?;
        Ok(Some(thread))
    }

    fn deliver(&mut self, request: &Request, thread: &str, is_at_rest: bool) -> Result<()> {
        if !request.is_sent {
            self.say(request, What::Sending)?;
        }
        let (key, text) = (request.codex_key(), &request.order.text);
        let met = || if request.is_handed_over { Pending::queued() } else { Pending::default() };
        let pending = self.pending.entry(request.key.clone()).or_insert_with(met);
        match pending.deliver(&mut self.codex, thread, &key, text, is_at_rest)? {
            Outcome::Delivered { turn_id } => self.delivered(request, turn_id),
            Outcome::Blocked { turn_id } => {
                self.fail(request, &format!("its turn {turn_id} has ended without it"))
            }
            Outcome::NoThread => self.fail(request, "Codex knows no such thread"),
            Outcome::Lost => self.fail(request, "it has left Codex's own queue, and is in no turn"),
            Outcome::Queued if !request.is_handed_over => self.say(request, What::HandedOver),
            _ => Ok(()),
        }
    }

    fn say(&self, request: &Request, what: What) -> Result<()> {
        self.log.update(|_| Some((request.key.clone(), what)))?;
        Ok(())
    }

    fn fail(&self, request: &Request, why: &str) -> Result<()> {
        eprintln!("handoff: {}: {why}", request.key);
        self.say(request, What::Failed { why: why.to_owned() })
    }

    fn delivered(&self, request: &Request, turn_id: String) -> Result<()> {
        tell(format_args!("{} was delivered: turn {turn_id}", request.key));
        self.say(request, What::Delivered { turn_id })
    }
}

/// Those that could be next: urgent ones before others, else in the order in which they were queued.
fn first_of_each_thread<'a>(open: &[&'a Request]) -> Vec<&'a Request> {
    let mut ordered = open.to_vec();
    ordered.sort_by_key(|request| !request.order.is_urgent());
    let (mut urgent, mut all) = (HashSet::new(), HashSet::new());
    ordered.retain(|Request { order, steered, .. }| {
        let place = order.thread.as_deref().ok_or(&order.cwd);
        // What was steered into a turn may be there for long, and is in no other's way until the turn is over.
        let is_next = match order.is_urgent() {
            true => steered.is_some() || urgent.insert(place),
            false => !all.contains(&place),
        };
        all.insert(place);
        is_next
    });
    ordered
}

/// The thread that was last at work in a folder, one that is loaded before one that is not. Subagents are no one's to
/// prompt.
fn last_at_work(index: &ThreadIndex, cwd: &Path) -> Option<String> {
    let is_there = |thread: &Thread| {
        let place = thread.cwd.as_deref().map(|place| fs::canonicalize(place).unwrap_or(place.into()));
        thread.parent_id.is_none() && place.as_deref() == Some(cwd)
    };
    let (ended, loaded): (Vec<_>, Vec<_>) =
        index.threads().into_iter().filter(is_there).partition(|thread| thread.status == Status::Ended);
    loaded.into_iter().chain(ended).next().map(|thread| thread.thread_id.to_string())
}
