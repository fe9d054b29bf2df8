//! Where a workload plays: a spool on a disk that is recorded, and those who work on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::{Capture, Consumer, ConsumerName, Error, Prune, Result, Spool, Start};

use crate::log::{Number, Word};
use crate::recorder::{Fault, Recorder};

pub(crate) struct Stage {
    root: PathBuf,
    recorder: Arc<Recorder>,
    firings: AtomicU64,
    complaints: Mutex<Vec<String>>,
}

/// The spool, below the root of the disk.
pub(crate) const SPOOL: &str = "codex/hook-spool";

impl Stage {
    pub(crate) fn recorded(root: &Path, recorder: Arc<Recorder>) -> Self {
        fastrand::seed(7);
        Self { root: root.to_owned(), recorder, firings: AtomicU64::new(0), complaints: Mutex::default() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join(SPOOL)
    }

    fn say(&self, word: Word) {
        self.recorder.say(word);
    }

    /// Somebody does `act` and is killed before his `n`th change. False: there was none.
    pub(crate) fn killed_at(&self, n: usize, act: impl FnOnce()) -> bool {
        let killed = self.recorder.killed_at(n, act);
        fastrand::seed(11);
        killed
    }

    /// Somebody does `act`, and his `n`th operation fails. False: there was none.
    pub(crate) fn failing_at(&self, n: usize, fault: Fault, act: impl FnOnce()) -> bool {
        self.recorder.failing_at(n, fault, act)
    }

    /// What anybody was told of what could not be done.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().expect("nobody panics with it").clone()
    }

    fn hear<T>(&self, result: Result<T>) -> Option<T> {
        let noted = |error: &Error| {
            self.complaints.lock().expect("nobody panics with it").push(error.to_string());
        };
        result.inspect_err(noted).ok()
    }

    /// Somebody does `act` and is held before his `n`th change, while another does something. False: there was none.
    pub(crate) fn held_at(
        &self,
        n: usize,
        act: impl FnOnce() + Send,
        meanwhile: impl FnOnce() + Send,
    ) -> bool {
        self.recorder.held_at(n, act, meanwhile)
    }

    pub(crate) fn open(&self) -> Option<Spool> {
        self.hear(Spool::open(self.dir()))
    }

    /// Somebody records an event, captured at noon of this day and a little.
    pub(crate) fn record(&self, number: Number) {
        // No two firings are captured in the same moment, not even copies of one.
        let firing = self.firings.fetch_add(1, Ordering::Relaxed);
        self.record_at(number, at_noon(number) + Duration::from_micros(firing));
    }

    pub(crate) fn record_at(&self, number: Number, time: SystemTime) {
        self.say(Word::Begun(number));
        let Some(spool) = self.open() else { return };
        let recorded = spool.record(&payload(number), &Capture::at(time));
        if matches!(recorded, Ok(_) | Err(Error::Unfinished { .. })) {
            self.say(Word::Recorded(number));
        }
        self.hear(recorded);
    }

    /// Somebody gives what is no event.
    pub(crate) fn record_nothing(&self, bytes: &[u8]) {
        let Some(spool) = self.open() else { return };
        match spool.record(bytes, &Capture::at(at_noon(0))) {
            Err(Error::NotAnEvent { .. }) => self.say(Word::Kept(bytes.to_vec())),
            other => drop(self.hear(other)),
        }
    }

    /// Somebody opens a consumer.
    pub(crate) fn consumer(&self, name: &str, start: Start) -> Option<Consumer> {
        let spool = self.open()?;
        self.say(Word::Opening(name.to_owned()));
        let consumer = self.hear(spool.consumer(name).expect("a good name").start(start).open())?;
        self.say(Word::Opened(name.to_owned(), start == Start::Earliest));
        Some(consumer)
    }

    pub(crate) fn earliest(&self, name: &str) -> Option<Consumer> {
        self.consumer(name, Start::Earliest)
    }

    pub(crate) fn latest(&self, name: &str) -> Option<Consumer> {
        self.consumer(name, Start::Latest)
    }

    /// A consumer is opened and acknowledges all that it is given.
    pub(crate) fn ack_all(&self, name: &str) {
        let Some(mut consumer) = self.latest(name) else { return };
        for delivery in consumer.drain() {
            let Some(delivery) = self.hear(delivery) else { continue };
            self.say(Word::Acking(name.to_owned(), number(delivery.event().payload())));
            self.hear(delivery.ack());
        }
    }

    /// A consumer is opened and rejects all that it is given.
    pub(crate) fn reject_all(&self, name: &str) {
        let Some(mut consumer) = self.latest(name) else { return };
        for delivery in consumer.drain() {
            let Some(delivery) = self.hear(delivery) else { continue };
            self.say(Word::Rejecting(name.to_owned(), number(delivery.event().payload())));
            self.hear(delivery.reject("the workload says so"));
        }
    }

    /// A consumer is opened and keeps a log of all that it is given.
    pub(crate) fn keep_log(&self, name: &str) {
        let Some(spool) = self.open() else { return };
        self.say(Word::Opening(name.to_owned()));
        let keeper = spool.consumer(name).expect("a good name").keep_log();
        let Some(mut keeper) = self.hear(keeper) else { return };
        self.say(Word::Opened(name.to_owned(), false));
        self.hear(keeper.take_in());
    }

    /// Somebody reads the log of a consumer.
    pub(crate) fn read_log(&self, name: &str) {
        let Some(spool) = self.open() else { return };
        let Some(page) = self.hear(spool.log(name).and_then(|log| log.after(None, 100))) else { return };
        for logged in page.events {
            let number = number(logged.event.payload());
            self.say(Word::Logged(name.to_owned(), logged.cursor.to_string(), number));
        }
    }

    /// The end of the log of a consumer is as an earlier crash may have left it.
    pub(crate) fn tear_log(&self, name: &str) {
        for file in fs::read_dir(self.dir().join("consumers").join(name).join("log")).expect("it has one") {
            let path = file.expect("it can be listed").path();
            let whole = fs::read(&path).expect("it can be read");
            fs::write(path, [&whole[..], &[0; 20]].concat()).expect("it can be written");
        }
    }

    /// A consumer is opened that begins after the events up to this one.
    pub(crate) fn after(&self, name: &str, number: Number) {
        self.say(Word::Skipping(name.to_owned(), (1..=number).collect()));
        drop(self.consumer(name, Start::At(at_noon(number + 1))));
    }

    /// A consumer is opened and goes back to an event, of so many.
    pub(crate) fn rewind(&self, name: &str, first: Number, last: Number) {
        let Some(mut consumer) = self.latest(name) else { return };
        self.say(Word::Rewinding(name.to_owned(), (first..=last).collect()));
        if self.hear(consumer.rewind(at_noon(first))).is_some() {
            self.say(Word::Rewound(name.to_owned()));
        }
    }

    /// Somebody puts back into the queue what a consumer has rejected.
    pub(crate) fn requeue_all(&self, name: &str) {
        let Some(spool) = self.open() else { return };
        let dead = self.hear(spool.dead(&ConsumerName::new(name).expect("a good name")));
        for dead in dead.into_iter().flatten() {
            self.hear(dead.requeue());
        }
    }

    /// Somebody prunes what is past its time at noon of this day.
    pub(crate) fn prune(&self) {
        let Some(spool) = self.open() else { return };
        let pruned = spool.prune(&Prune::default().now(at_noon(0)));
        for problem in pruned.problems {
            self.hear::<()>(Err(problem));
        }
    }

    /// A consumer is opened, and does all that it is given later.
    pub(crate) fn retry_all(&self, name: &str) {
        let Some(mut consumer) = self.latest(name) else { return };
        let later = Duration::from_secs(3600);
        for delivery in consumer.drain() {
            self.hear(delivery.and_then(|delivery| delivery.retry(later)));
        }
    }

    pub(crate) fn remove(&self, name: &str) {
        let Some(spool) = self.open() else { return };
        self.say(Word::Removing(name.to_owned()));
        if self.hear(spool.remove_consumer(&ConsumerName::new(name).expect("a good name"))).is_some() {
            self.say(Word::Removed(name.to_owned()));
        }
    }

    /// Makes the spool one that syncs nothing.
    pub(crate) fn sync_nothing(&self) {
        fs::create_dir_all(self.dir()).expect("a folder can be made");
        fs::write(self.dir().join("spool.toml"), "durability = \"process\"\n").expect("it can be written");
        self.say(Word::Unsynced);
    }

    /// A consumer without a name comes and goes.
    pub(crate) fn pass_by(&self) {
        let Some(spool) = self.open() else { return };
        drop(self.hear(spool.ephemeral_consumer().start(Start::Earliest).open()));
    }

    /// From now on the journal may drop these events.
    pub(crate) fn expire(&self, numbers: &[Number]) {
        numbers.iter().for_each(|number| self.say(Word::Expired(*number)));
    }

    /// Somebody removes a folder of the spool by hand, long before.
    pub(crate) fn remove_folder(&self, name: &str) {
        fs::remove_dir_all(self.dir().join(name)).expect("it can be removed");
    }
}

/// An event that is larger than two sectors, so that it can be torn at the ends of both.
pub(crate) fn payload(number: Number) -> Vec<u8> {
    let text = "the prompt ".repeat(90);
    format!(r#"{{"hook_event_name":"UserPromptSubmit","session_id":"{number}","prompt":"{text}"}}"#)
        .into_bytes()
}

/// Which event a payload is; one that is none of ours is 0.
pub(crate) fn number(payload: &str) -> Number {
    let number =
        payload.split(r#""session_id":""#).nth(1).and_then(|rest| rest.split('"').next()?.parse().ok());
    number.filter(|number| payload.as_bytes() == self::payload(*number)).unwrap_or_default()
}

/// Noon of this day: no other day is near. Events follow each other by a millisecond.
pub(crate) fn at_noon(number: Number) -> SystemTime {
    midnight() + Duration::from_secs(12 * 3600) + Duration::from_millis(number as u64)
}

/// When this day began.
pub(crate) fn midnight() -> SystemTime {
    const DAY: u64 = 24 * 3600;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    UNIX_EPOCH + Duration::from_secs(now - now % DAY)
}
