//! A disk that says no: each operation of each thing that is done with a spool fails, with each error that it may fail
//! with. Whoever is told that something is done finds it done; whoever is not is told in one line why, and what to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::check;
use crate::explore::home;
use crate::image::Image;
use crate::log::{Entry, Word};
use crate::promises::Promises;
use crate::recorder::{Fault, Recorder};
use crate::stage::{Stage, at_noon, midnight};
use crate::workloads::{HOUR, consumers};

/// The errors of Linux, by name and number, and what is said to do about them.
const ERRORS: [(&str, i32, &str); 9] = [
    ("EINTR", 4, "try again"),
    ("EIO", 5, "see what the system says"),
    ("EACCES", 13, "give this user write access"),
    ("EXDEV", 18, "see what the system says"),
    ("EMFILE", 24, "see what the system says"),
    ("ENOSPC", 28, "free some space"),
    ("EROFS", 30, "make it writable"),
    ("EMLINK", 31, "see what the system says"),
    ("EDQUOT", 122, "free some space"),
];

/// Something that is done with a spool.
struct Deed {
    name: &'static str,
    before: fn(&Stage),
    act: fn(&Stage),
}

/// A spool with a consumer that has two events to settle.
fn with_events(stage: &Stage) {
    consumers(stage, &["a", "b"]);
    stage.record(1);
    stage.record(2);
}

const DEEDS: &[Deed] = &[
    Deed { name: "record the first event of all", before: |_| {}, act: |stage| stage.record(1) },
    Deed { name: "record, no consumer", before: |stage| consumers(stage, &[]), act: |stage| stage.record(1) },
    Deed {
        name: "record, one consumer",
        before: |stage| consumers(stage, &["a"]),
        act: |stage| stage.record(1),
    },
    Deed { name: "record, two consumers, a later event", before: with_events, act: |stage| stage.record(3) },
    Deed { name: "record a copy", before: with_events, act: |stage| stage.record(1) },
    Deed {
        name: "record near midnight",
        before: |stage| consumers(stage, &["a"]),
        act: |stage| stage.record_at(1, midnight()),
    },
    Deed {
        name: "record, and prune a little",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record_at(1, at_noon(1) - HOUR * 24 * 9);
            stage.expire(&[1]);
        },
        act: |stage| stage.record(2),
    },
    Deed {
        name: "keep what is no event",
        before: |stage| consumers(stage, &[]),
        act: |stage| stage.record_nothing(b"what is no event"),
    },
    Deed {
        name: "recover",
        before: |stage| {
            consumers(stage, &["a", "b"]);
            stage.killed_at(6, || stage.record(1));
        },
        act: |stage| drop(stage.latest("a")),
    },
    Deed {
        name: "subscribe",
        before: |stage| consumers(stage, &["b"]),
        act: |stage| drop(stage.latest("a")),
    },
    Deed {
        name: "subscribe at the earliest",
        before: |stage| {
            consumers(stage, &[]);
            stage.record(1);
            stage.record(2);
        },
        act: |stage| drop(stage.earliest("a")),
    },
    Deed { name: "acknowledge", before: with_events, act: |stage| stage.ack_all("a") },
    Deed {
        name: "keep a log",
        before: with_events,
        act: |stage| {
            stage.keep_log("a");
            stage.read_log("a");
        },
    },
    Deed {
        name: "go on with a log",
        before: |stage| {
            with_events(stage);
            stage.keep_log("a");
            stage.read_log("a");
            stage.record(3);
        },
        act: |stage| {
            stage.keep_log("a");
            stage.read_log("a");
        },
    },
    Deed { name: "retry", before: with_events, act: |stage| stage.retry_all("a") },
    Deed { name: "reject", before: with_events, act: |stage| stage.reject_all("a") },
    Deed {
        name: "put back what was rejected",
        before: |stage| {
            with_events(stage);
            stage.reject_all("a");
        },
        act: |stage| stage.requeue_all("a"),
    },
    Deed {
        name: "go back",
        before: |stage| {
            with_events(stage);
            stage.ack_all("a");
        },
        act: |stage| stage.rewind("a", 1, 2),
    },
    Deed { name: "remove a consumer", before: with_events, act: |stage| stage.remove("a") },
    Deed { name: "pass by without a name", before: with_events, act: |stage| stage.pass_by() },
    Deed {
        name: "prune",
        before: |stage| {
            with_events(stage);
            stage.record_at(3, at_noon(3) - HOUR * 24 * 9);
            stage.expire(&[3]);
        },
        act: |stage| stage.prune(),
    },
];

/// One line: what failed, where, and what to do about it.
fn is_clear(complaint: &str, errno: i32, remedy: &str) -> bool {
    let names_error = complaint.contains(&format!("(os error {errno})"));
    !complaint.contains('\n')
        && complaint.split(": ").count() >= 3
        && (!names_error || complaint.contains(remedy))
}

/// What came of a deed.
struct Told {
    words: Vec<Word>,
    complaints: Vec<String>,
}

/// A deed, and where it is done.
struct Trial<'a> {
    deed: &'a Deed,
    live: PathBuf,
    /// What was there before, and what had been promised.
    image: Image,
    promised: Promises,
    /// How much is said where nothing fails.
    words: usize,
}

impl<'a> Trial<'a> {
    fn prepare(deed: &'a Deed, home: &Path) -> Self {
        let live = home.join("live");
        fs::create_dir(&live).expect("a folder can be made");
        let mut trial = Self { deed, live, image: Image::default(), promised: Promises::default(), words: 0 };
        let before = trial.play(|stage| (deed.before)(stage));
        before.words.iter().for_each(|word| trial.promised.hear(word));
        trial.image = Image::take(&trial.live);
        trial.words = trial.play(|stage| (deed.act)(stage)).words.len();
        trial
    }

    fn play(&self, act: impl FnOnce(&Stage)) -> Told {
        let (recorder, observed) = Recorder::start(&self.live);
        let stage = Stage::recorded(&self.live, recorder.clone());
        act(&stage);
        drop(observed);
        let words = recorder.take_log().into_iter().filter_map(|entry| match entry {
            Entry::Word(word) => Some(word),
            Entry::Step(_) => None,
        });
        Told { words: words.collect(), complaints: stage.complaints() }
    }

    /// `None`: it came to its end before.
    fn fail_at(&self, n: usize, fault: Fault) -> Option<Told> {
        fs::remove_dir_all(&self.live).expect("it can be removed");
        fs::create_dir(&self.live).expect("a folder can be made");
        self.image.lay_into(&self.live);
        let mut failed = false;
        let told = self.play(|stage| failed = stage.failing_at(n, fault, || (self.deed.act)(stage)));
        failed.then_some(told)
    }

    /// What was said is true, what was not is explained.
    fn check(&self, told: &Told, errno: i32, remedy: &str) -> Result<(), String> {
        let Told { words, complaints } = told;
        if words.len() < self.words && complaints.is_empty() {
            return Err("it was not done, and nobody is told".to_owned());
        }
        if let Some(unclear) = complaints.iter().find(|complaint| !is_clear(complaint, errno, remedy)) {
            return Err(format!("this is not clear: {unclear}"));
        }
        let mut promises = self.promised.clone();
        words.iter().for_each(|word| promises.hear(word));
        check(&self.live, &promises).map_err(|wrong| format!("{wrong}; told: {complaints:?}"))
    }

    /// Nothing can be promised of what somebody removes; but all goes on.
    fn check_that_it_goes_on(&self, told: &Told) -> Result<(), String> {
        let mut promises = Promises { unsynced: true, ..self.promised.clone() };
        told.words.iter().for_each(|word| promises.hear(word));
        match told.complaints.iter().find(|complaint| !is_clear(complaint, 2, "")) {
            Some(unclear) => Err(format!("this is not clear: {unclear}")),
            None => check(&self.live, &promises),
        }
    }
}

#[test]
fn a_disk_that_fails_costs_nothing_that_was_promised() {
    let mut table: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut failures = Vec::new();
    for deed in DEEDS {
        let home = home();
        let trial = Trial::prepare(deed, home.path());
        let mut fail_at_each = |name, fault, check: &dyn Fn(&Told) -> Result<(), String>| {
            for n in 0.. {
                let Some(told) = trial.fail_at(n, fault) else { return };
                let checked = check(&told);
                let [tried, survived] = table.entry(name).or_default();
                *tried += 1;
                *survived += usize::from(checked.is_ok());
                failures
                    .extend(checked.err().map(|wrong| format!("{}: {fault:?} at {n}: {wrong}", deed.name)));
            }
        };
        for (name, errno, remedy) in ERRORS {
            for fault in [Fault::Error(errno), Fault::Errors(errno)] {
                fail_at_each(name, fault, &|told| trial.check(told, errno, remedy));
            }
        }
        fail_at_each("ENOENT", Fault::FolderGone, &|told| trial.check_that_it_goes_on(told));
    }
    println!("{:<8} {:>6} {:>9}", "fault", "tried", "survived");
    for (name, [tried, survived]) in &table {
        println!("{name:<8} {tried:>6} {survived:>9}");
    }
    assert!(failures.is_empty(), "{} of:\n{}", failures.len(), failures[..failures.len().min(40)].join("\n"));
}
