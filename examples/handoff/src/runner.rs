//! Delivers what is queued, as threads become idle.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_driver::{Codex, Outcome, Place, find_prompt};
use codex_spool::{Change, Error, Observer, Spool, Status, Thread, ThreadId, ThreadIndex, Transition};

use crate::Result;
use crate::log::Log;
use crate::request::{Request, Urgency, What};

/// How often it is looked for new requests: nothing tells of them.
const LOOK: Duration = Duration::from_millis(200);

/// When what could not be delivered is tried again, if nothing is heard of its thread before.
const AGAIN: Duration = Duration::from_secs(1);

/// How long an idle thread stays with a Codex that is about to end. One that keeps it for longer is there to stay.
const LETTING_GO: Duration = Duration::from_secs(5);

/// After how long a thread that should be at work, and is silent, is asked itself, and how often: a Codex that is killed in
/// its first hook leaves no trace of its end.
const DOUBT: Duration = Duration::from_secs(10);

/// How long what has left Codex's own queue may be nowhere. It takes milliseconds.
const NOWHERE: Duration = Duration::from_secs(5);

pub(crate) struct Runner {
    log: Log,
    attempt_lock: PathBuf,
    codex: Codex,
    observer: Observer,
    /// When to try a request again.
    next: HashMap<String, Instant>,
    /// Since when a request has met with the same obstacle.
    since: HashMap<String, (Obstacle, Instant)>,
    /// When the thread of a request was asked itself, though by its events it is at work.
    asked: HashMap<String, Instant>,
    /// Whether its own server may have to be ended.
    owes_release: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The thread is idle, and with a Codex that cannot be spoken to.
    Elsewhere,
    /// It has left Codex's own queue, and is in no turn.
    Nowhere,
}

impl Runner {
    pub(crate) fn new(log: Log, attempt_lock: PathBuf, codex: Codex) -> Result<Self> {
        // What happened while nobody looked is in the journal, from which the observer begins.
        let observer = Observer::new(Spool::open_default()?.ephemeral_consumer().program("handoff").open()?)?;
        let (next, since, asked) = Default::default();
        Ok(Self { log, attempt_lock, codex, observer, next, since, asked, owes_release: true })
    }

    pub(crate) fn run(mut self, once: bool) -> Result<()> {
        let stop = self.observer.stop_handle();
        // Where they cannot be caught they end the process, and the next run goes on.
        let _ = ctrlc::set_handler(move || stop.stop());
        let (mut requests, mut length) = (self.log.requests()?, self.log.length());
        while !self.observer.stop_handle().is_stopped() {
            let open: Vec<&Request> = requests.iter().filter(|request| request.end.is_none()).collect();
            for request in first_of_each_thread(&open) {
                self.consider(request);
            }
            if self.owes_release && self.is_due("") {
                // A turn may run for long; then it is asked again.
                self.owes_release = !self.codex.release()?;
            }
            if once && open.is_empty() && !self.owes_release {
                break;
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
        Ok(())
    }

    /// What has changed in a thread makes the requests for it due; an approval is told to people.
    fn note(&mut self, transition: &Transition, requests: &[Request]) {
        let thread = transition.thread_id.as_str();
        let of_it = |request: &&Request| request.order.thread.as_deref() == Some(thread);
        for request in requests.iter().filter(of_it) {
            self.next.remove(&request.key);
        }
        if transition.change.ends_turn() {
            self.next.remove("");
        }
        if transition.change == Change::ApprovalRequested && requests.iter().any(|request| of_it(&request)) {
            let attach = self.codex.attach_command(thread).join(" ");
            println!("{thread} waits for an approval, which a person gives: {attach}");
        }
    }

    /// Whether it is time to try; if so, the next time is set.
    fn is_due(&mut self, key: &str) -> bool {
        let now = Instant::now();
        let is_due = self.next.get(key).is_none_or(|next| *next <= now);
        if is_due {
            self.next.insert(key.to_owned(), now + AGAIN);
        }
        is_due
    }

    fn consider(&mut self, request: &Request) {
        if !self.is_due(&request.key) {
            return;
        }
        // Nobody cancels meanwhile; who has cancelled before is heeded.
        let attempt = crate::lock(&self.attempt_lock, true).and_then(|_lock| {
            let requests = self.log.requests()?;
            match requests.into_iter().find(|known| known.key == request.key && known.end.is_none()) {
                Some(request) => self.attempt(&request),
                None => Ok(()),
            }
        });
        if let Err(error) = attempt {
            eprintln!("handoff: {}: {error}", request.key);
        }
    }

    fn attempt(&mut self, request: &Request) -> Result<()> {
        let Some(thread) = self.address(request)? else { return Ok(()) };
        let key = request.codex_key();
        if request.is_handed_over {
            return self.follow_up(request, &thread, &key);
        }
        let known = ThreadId::new(&thread).ok().and_then(|id| self.observer.index().get(&id));
        let known = match known {
            None => return self.deliver(request, &thread, &key, false),
            Some(known) if is_at_rest(&known) => return self.deliver(request, &thread, &key, true),
            Some(known) => known,
        };
        self.since.remove(&request.key);
        let is_silent = known.last_seen.elapsed().is_ok_and(|silence| silence >= DOUBT);
        if is_silent && self.asked.get(&request.key).is_none_or(|asked| asked.elapsed() >= DOUBT) {
            self.asked.insert(request.key.clone(), Instant::now());
            return self.deliver(request, &thread, &key, false);
        }
        let Some(turn) = known.turn_id else { return Ok(()) };
        if request.steered.is_some() {
            let transcript = known.transcript_path.unwrap_or_default();
            return match find_prompt(Path::new(&transcript), &key)? {
                Some(turn_id) => self.delivered(request, turn_id),
                None => Ok(()),
            };
        }
        let is_urgent = request.order.urgency != Urgency::AtIdle;
        // An approval that was asked for at this moment is known to the server first.
        if !is_urgent || known.status == Status::Waiting || self.codex.is_waiting(&thread)? {
            return Ok(());
        }
        match request.order.urgency {
            Urgency::AtIdle => {}
            Urgency::Steer => {
                // Once said, it is not said again: whether it was heard, the transcript tells when the turn is over.
                self.say(request, What::Steering { turn_id: turn.clone() })?;
                self.codex.steer(&thread, &turn, &key, &request.order.text)?;
            }
            Urgency::Interrupt if request.interrupted.as_ref() != Some(&turn) => {
                self.say(request, What::Interrupting { turn_id: turn.clone() })?;
                self.codex.interrupt(&thread, &turn)?;
            }
            Urgency::Interrupt => {}
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

    fn deliver(&mut self, request: &Request, thread: &str, key: &str, is_at_rest: bool) -> Result<()> {
        if !request.is_sent {
            self.say(request, What::Sending)?;
        }
        self.owes_release = true;
        let outcome = self.codex.deliver(thread, key, &request.order.text)?;
        if outcome != Outcome::Elsewhere {
            self.since.remove(&request.key);
        }
        match outcome {
            Outcome::Delivered { turn_id } => self.delivered(request, turn_id),
            Outcome::Blocked { turn_id } => {
                self.fail(request, &format!("its turn {turn_id} has ended without it"))
            }
            Outcome::NoThread => self.fail(request, "Codex knows no such thread"),
            // Only where the hooks tell that it is at rest: a `codex exec` must not find it in the queue.
            Outcome::Elsewhere if is_at_rest && self.is_stuck(request, Obstacle::Elsewhere, LETTING_GO) => {
                match self.codex.enqueue(thread, key, &request.order.text)? {
                    Outcome::Delivered { turn_id } => self.delivered(request, turn_id),
                    _ => self.say(request, What::HandedOver),
                }
            }
            _ => Ok(()),
        }
    }

    /// What has become of one that is in Codex's own queue.
    fn follow_up(&mut self, request: &Request, thread: &str, key: &str) -> Result<()> {
        self.owes_release = true;
        match self.codex.find(thread, key)? {
            Place::Turn(turn_id) => self.delivered(request, turn_id),
            Place::Nowhere if self.is_stuck(request, Obstacle::Nowhere, NOWHERE) => {
                self.fail(request, "it has left Codex's own queue, and is in no turn")
            }
            _ => Ok(()),
        }
    }

    /// Whether an obstacle has been there for that long.
    fn is_stuck(&mut self, request: &Request, obstacle: Obstacle, patience: Duration) -> bool {
        let since = self.since.entry(request.key.clone()).or_insert((obstacle, Instant::now()));
        if since.0 != obstacle {
            *since = (obstacle, Instant::now());
        }
        since.1.elapsed() >= patience
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
        println!("{} was delivered: turn {turn_id}", request.key);
        self.say(request, What::Delivered { turn_id })
    }
}

/// Those that could be next: urgent ones before others, else in the order in which they were queued.
fn first_of_each_thread<'a>(open: &[&'a Request]) -> Vec<&'a Request> {
    let mut ordered = open.to_vec();
    ordered.sort_by_key(|request| request.order.urgency == Urgency::AtIdle);
    let mut seen = HashSet::new();
    // One that is with Codex may be steered into a turn, or wait there for long.
    ordered.retain(|request| {
        seen.insert((&request.order.thread, &request.order.cwd)) || request.steered.is_some()
    });
    ordered
}

fn is_at_rest(thread: &Thread) -> bool {
    thread.status.awaits_prompt() || thread.status == Status::Ended
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
