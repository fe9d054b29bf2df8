//! `--ack manual`: who reads the events settles them.

use codex_hook_tests::{Sandbox, hook, run};
use nix::sys::signal::Signal;

use crate::support::{Following, dead, id_of, ids, left, record, record_of_thread};

const MANUAL: &[&str] = &["--json", "--consumer", "c", "--from", "earliest", "--ack", "manual"];

fn manual(more: &[&'static str]) -> Vec<&'static str> {
    [MANUAL, more].concat()
}

#[test]
fn an_event_is_settled_by_its_answer_alone() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..4);
    let ids = ids(hook);
    let mut tail = Following::start(hook, MANUAL);
    assert_eq!(tail.ids(4), ids);
    // In any order.
    tail.ack(&ids[3]);
    tail.say(&format!(r#"{{"reject":"{}","reason":"the chat\nrefused it"}}"#, ids[1]));
    tail.say(&format!(r#"{{"retry":"{}","after_ms":0}}"#, ids[0]));
    assert_eq!(tail.ids(1), ids[..1], "it comes again");
    tail.ack(&ids[0]);
    tail.end().assert_quiet();
    assert_eq!(left(hook, "c"), [(ids[2].clone(), 1)]);
    assert_eq!(dead(hook, "c"), [(ids[1].clone(), "the chat\nrefused it".to_owned())]);
}

#[test]
fn the_end_of_its_input_leaves_the_rest_for_the_next_run() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    let ids = ids(hook);
    for _ in 0..3 {
        let mut tail = Following::start(hook, MANUAL);
        assert!(tail.ids(3) == ids);
        let ended = tail.end();
        assert_eq!((ended.code, ended.stdout), (Some(0), String::new()));
    }
    let first: Vec<_> = ids.iter().map(|id| (id.clone(), 1)).collect();
    assert_eq!(left(hook, "c"), first, "no attempt was counted");
    // Nor is one by a signal, or a death without warning.
    for end in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut tail = Following::start(hook, MANUAL);
        tail.ids(3);
        tail.signal(end);
        drop(tail.wait());
        assert_eq!(left(hook, "c"), first, "{end}");
    }
    // Where attempts are limited each time counts that it is handed out.
    let args = manual(&["--max-attempts", "9"]);
    let mut tail = Following::start(hook, &args);
    tail.ids(3);
    drop(tail.end());
    assert_eq!(left(hook, "c"), ids.iter().map(|id| (id.clone(), 2)).collect::<Vec<_>>());
}

#[test]
fn answers_given_before_the_end_count() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..50);
    let ids = ids(hook);
    let mut tail = Following::start(hook, MANUAL);
    tail.ids(50);
    ids[..49].iter().for_each(|id| tail.ack(id));
    tail.end().assert_quiet();
    assert_eq!(left(hook, "c"), [(ids[49].clone(), 1)]);
}

#[test]
fn what_is_no_answer_is_a_complaint_and_nothing_else() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let id = &*ids(hook)[0];
    let mut tail = Following::start(hook, MANUAL);
    assert_eq!(tail.line().len(), hook.events()[0].record().trim_end().len());
    for line in [
        "no JSON".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        r#"{"ack":"short"}"#.to_owned(),
        format!(r#"{{"ack":"{id}","retry":"{id}"}}"#),
        format!(r#"{{"reject":"{id}"}}"#),
        format!(r#"{{"retry":"{id}","after_ms":-1}}"#),
        format!("\u{1b}[31m{id}\u{202e}"),
    ] {
        tail.say(&line);
        let said = tail.complaint();
        assert!(
            said.starts_with("hook: not an answer: ") && !said.contains(['\u{1b}', '\u{202e}']),
            "{said}"
        );
    }
    // What is blank is nothing.
    tail.say("");
    let unknown = "00000000000000000000000000000000";
    tail.ack(unknown);
    assert!(tail.complaint().contains(&format!("no such event in flight: {unknown}")));
    tail.ack(id);
    tail.ack(id);
    assert!(tail.complaint().contains(&format!("no such event in flight: {id}")));
    tail.end().assert_quiet();
    assert_eq!(left(hook, "c"), []);
}

#[test]
fn no_more_are_in_flight_than_may_be() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..5);
    let ids = ids(hook);
    let args = manual(&["--max-in-flight", "2"]);
    let mut tail = Following::start(hook, &args);
    assert_eq!(tail.ids(2), ids[..2]);
    // Each answer makes room for one.
    for n in 2..5 {
        tail.ack(&ids[n - 1]);
        assert_eq!(tail.ids(1), ids[n..=n]);
    }
    tail.end().assert_quiet();
    assert_eq!(left(hook, "c").len(), 2);
}

#[test]
fn the_threads_order_is_kept_where_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    for number in 0..2 {
        record_of_thread(hook, "one", number);
        record_of_thread(hook, "two", number);
    }
    let ids = ids(hook);
    let args = manual(&["--ordered-by-thread"]);
    let mut tail = Following::start(hook, &args);
    assert_eq!(tail.ids(2), ids[..2]);
    tail.say(&format!(r#"{{"retry":"{}","after_ms":0}}"#, ids[0]));
    assert_eq!(tail.ids(1), ids[..1]);
    tail.ack(&ids[1]);
    assert_eq!(tail.ids(1), ids[3..], "the other thread goes on");
    tail.ack(&ids[0]);
    assert_eq!(tail.ids(1), ids[2..3]);
    tail.end().assert_quiet();
}

#[test]
fn without_follow_it_ends_when_all_that_is_there_is_answered() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..5);
    let ids = ids(hook);
    for consumer in [&["--consumer", "c", "--from", "earliest"][..], &[]] {
        let args = [consumer, &["--json", "--ack", "manual", "--no-follow", "--max-in-flight", "2"]].concat();
        let mut tail = Following::start(hook, &args);
        for id in &ids {
            assert_eq!(id_of(&tail.line()), *id);
            tail.ack(id);
        }
        // Its input is open still.
        tail.wait().assert_quiet();
    }
    assert_eq!(left(hook, "c"), []);
    // Nothing there is nothing to wait for; what is to be retried later is not waited for.
    record(hook, 5..6);
    let args = manual(&["--no-follow"]);
    let mut tail = Following::start(hook, &args);
    let id = id_of(&tail.line());
    tail.say(&format!(r#"{{"retry":"{id}","after_ms":3600000}}"#));
    assert_eq!(tail.wait().code, Some(0));
    assert_eq!(left(hook, "c"), [(id, 2)]);
}

#[test]
fn one_without_a_name_is_gone_with_all_that_it_had() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..2);
    let mut tail = Following::start(hook, &["--json", "--from", "earliest", "--ack", "manual"]);
    tail.ids(2);
    tail.end().assert_quiet();
    assert_eq!(crate::support::consumers(hook), [""; 0]);
}

#[test]
fn an_input_that_has_ended_already_is_the_end() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..2);
    let ran = run(hook.command(["tail"]).args(MANUAL), b"");
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    assert_eq!(left(hook, "c").len(), 2);
}
