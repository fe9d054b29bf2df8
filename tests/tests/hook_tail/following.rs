//! Waiting for events, and what ends it.

use codex_hook_tests::{Sandbox, hook};
use nix::sys::signal::Signal;

use crate::support::{Following, consumer, consumers, ids, left, record, records};

#[test]
fn a_follower_prints_what_comes() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..2);
    for args in [&["--from", "earliest", "--json"][..], &["--from", "earliest", "--json", "--consumer", "c"]]
    {
        let mut tail = Following::start(hook, args);
        let before = records(hook);
        assert_eq!(before.iter().map(|_| tail.line()).collect::<Vec<_>>(), before);
        record(hook, before.len()..before.len() + 1);
        assert_eq!(tail.line(), *records(hook).last().expect("one was just recorded"));
        assert_eq!(tail.kill(), "");
    }
    // The one without a name has left nothing behind that the next to open would not clear away.
    drop(consumer(hook, "c"));
    assert_eq!(consumers(hook), ["c"]);
}

#[test]
fn one_who_waits_is_woken_by_the_file_system() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let mut tail = Following::start(hook, &["--from", "earliest", "--json", "--consumer", "c"]);
    tail.line();
    // It says so when it begins to wait.
    let wake = loop {
        let report =
            hook.spool().consumer_report(&"c".parse().expect("a good name")).expect("it can be read");
        if let Some(wake) = report.expect("it is there").wake {
            break wake;
        }
        std::thread::yield_now();
    };
    assert_eq!(wake, "watch");
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for more in [&[][..], &["--ack", "manual"], &["--ack", "manual", "--no-follow"]] {
            let args = [&["--from", "earliest", "--json"][..], more].concat();
            let mut tail = Following::start(hook, &args);
            // It follows by now.
            tail.line();
            tail.signal(signal);
            tail.wait().assert_quiet();
            assert_eq!(consumers(hook), [""; 0], "{signal} {more:?}");
        }
    }
}

#[test]
fn a_signal_ends_it_though_nobody_reads_what_it_writes() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    // More than fits into a pipe.
    let large = format!(r#"{{"hook_event_name":"Stop","cwd":"{}"}}"#, "x".repeat(500_000));
    hook.event(large).assert_silent();
    let begin = || {
        let mut tail = Following::start(hook, &["--from", "earliest", "--json", "--consumer", "c"]);
        tail.wait_for_output();
        tail
    };
    let mut tail = begin();
    tail.signal(Signal::SIGTERM);
    assert_eq!(tail.code(), Some(0));
    let mut tail = begin();
    tail.signal(Signal::SIGINT);
    tail.signal(Signal::SIGTERM);
    // The second one may come when it has ended already by the first.
    assert!(matches!(tail.code(), Some(0 | 1)));
    assert_eq!(left(hook, "c"), [(ids(hook)[0].clone(), 1)]);
}

#[test]
fn a_pipe_that_nobody_reads_any_more_is_a_normal_end() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    // One line must not fit into a pipe, so that the rest is still to be written when the reader leaves.
    let large = format!(r#"{{"hook_event_name":"Stop","cwd":"{}"}}"#, "x".repeat(500_000));
    hook.event(large).assert_silent();
    for args in [
        &["--no-follow", "--from", "earliest", "--json"][..],
        &["--no-follow", "--from", "earliest", "--json", "--consumer", "c"],
        &["--from", "earliest", "--json", "--consumer", "d"],
        &["--from", "earliest", "--json", "--consumer", "e", "--ack", "manual"],
    ] {
        let mut tail = Following::start(hook, args);
        assert_eq!(tail.line(), records(hook)[0]);
        tail.close_output();
        tail.wait().assert_quiet();
    }
    // What was not written out is still to be settled.
    let ids = ids(hook);
    for name in ["c", "d"] {
        assert_eq!(left(hook, name), [(ids[1].clone(), 1)]);
    }
    assert_eq!(left(hook, "e"), [(ids[0].clone(), 1), (ids[1].clone(), 1)]);
}

#[test]
fn one_who_waits_notices_that_nobody_reads_any_more() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    for ack in ["auto", "manual"] {
        let mut tail =
            Following::start(hook, &["--from", "earliest", "--json", "--consumer", ack, "--ack", ack]);
        tail.line();
        // Nothing comes that would have to be written; and its standard input stays open.
        tail.close_output();
        tail.wait().assert_quiet();
        // Whoever comes next finds the place free.
        drop(consumer(hook, ack));
    }
}

#[test]
fn a_consumer_that_is_removed_under_it_ends_it() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let mut tail = Following::start(hook, &["--from", "earliest", "--json", "--consumer", "c"]);
    tail.line();
    // At once, as every removal begins: it must not come upon half of it.
    let consumer = sandbox.spool().join("consumers/c");
    std::fs::rename(consumer, sandbox.root().join("removed")).expect("it can be moved away");
    let ended = tail.wait();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("no consumer c"), "{}", ended.stderr);
}
