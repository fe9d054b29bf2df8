//! The real `hook event` does on the disk what is written down of the library, in the order that its promises need.

use std::path::Path;
use std::process::Command;

use codex_hook_tests::hook_binary;
use codex_spool::{Capture, Spool};

use crate::calls;
use crate::explore::home;
use crate::log::{Entry, Step};
use crate::recorder::Recorder;

const EVENT: &[u8] = br#"{"hook_event_name":"Stop","session_id":"s"}"#;

/// The contents before the claim, each name before the end.
const ORDER: [&str; 12] = [
    "create tmp/*",
    "write tmp/*",
    "sync file tmp/*",
    "sync folder tmp",
    "make folder journal/*",
    "link tmp/* to journal/*/*.json",
    "link tmp/* to consumers/a/queue/*.json",
    "sync folder journal",
    "create journal/*/.durable",
    "sync folder journal/*",
    "sync folder consumers/a/queue",
    "unlink tmp/*",
];

fn spool(root: &Path) -> Spool {
    let spool = Spool::open(root.join("spool")).expect("a spool can be made");
    drop(spool.consumer("a").expect("a good name").open().expect("it can be opened"));
    spool
}

/// An operation without what differs from run to run: random names, moments, ids.
fn describe(step: &Step) -> String {
    let text = match step {
        Step::Write(path, _) | Step::Rewrite(path, _) => format!("write {}", path.display()),
        step => Entry::Step(step.clone()).to_string(),
    };
    let text = text.split(" (").next().unwrap_or_default().replace("spool/", "");
    let word = |word: &str| {
        let part = |part: &str| match part.strip_suffix(".json") {
            Some(_) => "*.json".to_owned(),
            None if part.starts_with(|first: char| first.is_ascii_digit()) || part.len() == 16 => {
                "*".to_owned()
            }
            None => part.to_owned(),
        };
        word.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_real_program_does_what_is_recorded_of_the_library() {
    let home = home();
    let root = home.path();
    drop(spool(root));
    let mut hook = Command::new(hook_binary());
    hook.env_clear().args(["event", "--spool-dir"]).arg(root.join("spool"));
    let real: Vec<String> = calls::trace(&mut hook, EVENT, root).iter().map(describe).collect();
    assert_eq!(real, ORDER);
}

#[test]
fn nothing_that_the_library_does_goes_unrecorded() {
    let home = home();
    let spool = spool(home.path());
    let (recorder, observed) = Recorder::start(home.path());
    spool.record(EVENT, &Capture::now()).expect("it can be recorded");
    drop(observed);
    let steps = |entry: Entry| match entry {
        Entry::Step(step) => describe(&step),
        Entry::Word(word) => panic!("nobody says {word:?}"),
    };
    let recorded: Vec<String> = recorder.take_log().into_iter().map(steps).collect();
    assert_eq!(recorded, ORDER);
}
