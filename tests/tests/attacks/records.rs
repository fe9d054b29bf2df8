//! Something else in the place of a record: it is never followed, opened for writing, waited for or delivered.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use codex_hook_tests::{Sandbox, hook};
use codex_spool::{Consumer, Error, Start};

use super::planted::{ALL, Planted, remove};

const PAYLOAD: &str = r#"{"hook_event_name":"Stop","session_id":"s","cwd":"/"}"#;
const OTHER: &str = r#"{"hook_event_name":"SessionEnd","session_id":"s","cwd":"/"}"#;

/// A file of somebody else, which no test may change.
struct Foreign {
    path: PathBuf,
    before: Metadata,
}

impl Foreign {
    fn new(sandbox: &Sandbox) -> Self {
        let path = sandbox.root().join("foreign");
        fs::write(&path, "mine").expect("the sandbox can be written to");
        let before = fs::metadata(&path).expect("it is there");
        Self { path, before }
    }

    #[track_caller]
    fn assert_untouched(&self) {
        assert_eq!(fs::read_to_string(&self.path).expect("it is there"), "mine");
        let after = fs::metadata(&self.path).expect("it is there");
        let told = |file: &Metadata| (file.mode(), file.uid(), file.mtime(), file.mtime_nsec());
        assert_eq!(told(&after), told(&self.before));
        assert!(!self.path.with_extension("none").exists(), "a dangling link was followed");
    }
}

/// The one file in a folder of the spool that is no folder itself.
fn only_file(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("it can be listed")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn open(sandbox: &Sandbox, name: &str) -> Consumer {
    let consumer = hook(sandbox).spool().consumer(name).expect("a good name").start(Start::Earliest);
    consumer.open().expect("nobody has it")
}

/// How many events are delivered, and how many records are damaged.
#[track_caller]
fn drain(consumer: &mut Consumer) -> (usize, usize) {
    let mut got = (0, 0);
    for delivery in consumer.drain() {
        match delivery {
            Ok(delivery) => {
                got.0 += 1;
                delivery.ack().expect("it can be acknowledged");
            }
            Err(Error::Damaged { .. }) => got.1 += 1,
            Err(error) => panic!("{error}"),
        }
    }
    got
}

#[test]
fn in_the_journal_it_keeps_that_event_out_which_is_said_and_no_other() {
    for planted in ALL {
        let sandbox = Sandbox::new();
        let foreign = Foreign::new(&sandbox);
        hook(&sandbox).event(PAYLOAD).assert_silent();
        let days = fs::read_dir(sandbox.spool().join("journal")).expect("it is there");
        let day = days.map(|day| day.expect("it can be listed").path()).next().expect("one day");
        let place = only_file(&day);
        fs::remove_file(&place).expect("its owner may do that");
        if !planted.at(&place, &foreign.path) {
            continue;
        }
        let refused = hook(&sandbox).event(PAYLOAD);
        assert!(
            refused.assert_refused().contains("it is in the way of an event"),
            "{planted:?}: {refused:?}"
        );
        hook(&sandbox).event(OTHER).assert_silent();
        let tail = hook(&sandbox).tail(&["--json"]);
        assert_eq!((tail.status.code(), tail.lines().len()), (Some(1), 1), "{planted:?}: {tail:?}");
        tail.assert_one_complaint();
        hook(&sandbox).command(["status", "--offline"]).output().expect("it runs");
        foreign.assert_untouched();
        assert!(fs::symlink_metadata(&place).is_ok(), "it is kept for a human");
    }
}

#[test]
fn in_a_queue_it_is_set_aside() {
    for planted in ALL {
        let sandbox = Sandbox::new();
        let foreign = Foreign::new(&sandbox);
        drop(open(&sandbox, "c"));
        hook(&sandbox).event(PAYLOAD).assert_silent();
        let place = only_file(&sandbox.spool().join("consumers/c/queue"));
        fs::remove_file(&place).expect("its owner may do that");
        if !planted.at(&place, &foreign.path) {
            continue;
        }
        hook(&sandbox).event(OTHER).assert_silent();
        assert_eq!(drain(&mut open(&sandbox, "c")), (1, 1), "{planted:?}");
        let peek = hook(&sandbox).command(["consumers", "peek", "c", "--dead"]).output().expect("it runs");
        assert!(String::from_utf8_lossy(&peek.stdout).lines().count() <= 2, "{planted:?}: {peek:?}");
        foreign.assert_untouched();
    }
}

#[test]
fn a_hard_link_to_a_file_of_somebody_else_is_set_aside_and_the_file_is_as_it_was() {
    let sandbox = Sandbox::new();
    let foreign = Foreign::new(&sandbox);
    drop(open(&sandbox, "c"));
    hook(&sandbox).event(PAYLOAD).assert_silent();
    let place = only_file(&sandbox.spool().join("consumers/c/queue"));
    fs::remove_file(&place).expect("its owner may do that");
    fs::hard_link(&foreign.path, &place).expect("it is the same file system");
    fs::hard_link(&foreign.path, sandbox.spool().join("tmp/0123456789abcdef"))
        .expect("it is the same file system");
    assert_eq!(drain(&mut open(&sandbox, "c")), (0, 1));
    foreign.assert_untouched();
    let dead = only_file(&sandbox.spool().join("consumers/c/dead"));
    assert_eq!(fs::metadata(dead).expect("it is there").ino(), foreign.before.ino());
}

#[test]
fn among_the_writes_under_way_it_is_passed_over() {
    for planted in ALL {
        let sandbox = Sandbox::new();
        let foreign = Foreign::new(&sandbox);
        hook(&sandbox).event(PAYLOAD).assert_silent();
        if !planted.at(&sandbox.spool().join("tmp/0123456789abcdef"), &foreign.path) {
            continue;
        }
        let mut consumer = open(&sandbox, "c");
        let delivered = consumer.drain().filter_map(|delivery| delivery.ok()?.ack().ok()).count();
        assert_eq!(delivered, 1, "{planted:?}");
        hook(&sandbox).event(OTHER).assert_silent();
        foreign.assert_untouched();
    }
}

#[test]
fn among_what_a_consumer_keeps_for_itself_it_is_refused_or_passed_over_but_never_waited_for() {
    for name in ["lock", "backfill", "dead/00000000000000000001-0123456789abcdef0123456789abcdef.reason"] {
        for planted in ALL {
            let sandbox = Sandbox::new();
            let foreign = Foreign::new(&sandbox);
            drop(open(&sandbox, "c"));
            let place = sandbox.spool().join("consumers/c").join(name);
            if name == "lock" {
                remove(&place);
            }
            if !planted.at(&place, &foreign.path) {
                continue;
            }
            hook(&sandbox).event(PAYLOAD).assert_silent();
            let consumer = hook(&sandbox).spool().consumer("c").expect("a good name").open();
            assert!(name != "lock" || consumer.is_err(), "{name} {planted:?}");
            drop(consumer);
            for args in
                [&["consumers", "list"][..], &["consumers", "peek", "c", "--dead"], &["status", "--offline"]]
            {
                hook(&sandbox).command(args).output().expect("it runs, and ends");
            }
            foreign.assert_untouched();
        }
    }
}

/// Its holder writes into it: that must not be a file of somebody else.
#[test]
fn a_lock_that_has_another_name_is_refused() {
    let sandbox = Sandbox::new();
    let foreign = Foreign::new(&sandbox);
    drop(open(&sandbox, "c"));
    let lock = sandbox.spool().join("consumers/c/lock");
    fs::remove_file(&lock).expect("its owner may do that");
    fs::hard_link(&foreign.path, &lock).expect("it is the same file system");
    let refused = hook(&sandbox).spool().consumer("c").expect("a good name").open();
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    foreign.assert_untouched();
}

/// A record that is a symbolic link to a whole record is none either.
#[test]
fn a_symbolic_link_to_a_good_record_is_no_record() {
    let sandbox = Sandbox::new();
    drop(open(&sandbox, "c"));
    hook(&sandbox).event(PAYLOAD).assert_silent();
    let place = only_file(&sandbox.spool().join("consumers/c/queue"));
    let elsewhere = sandbox.root().join("elsewhere");
    fs::rename(&place, &elsewhere).expect("it is the same file system");
    assert!(Planted::Symlink.at(&place, &elsewhere));
    assert_eq!(drain(&mut open(&sandbox, "c")), (0, 1));
}
