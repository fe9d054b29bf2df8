//! A consumer, killed at each point: nothing is lost, nothing settled comes back, and its name is free at once.

use std::collections::BTreeSet;

use codex_hook_tests::trace::{Output, Tracee};
use codex_spool::EventId;

use crate::kill::{at_each_point, at_each_point_of};
use crate::spool_dir::SpoolDir;

fn payload(n: usize) -> Vec<u8> {
    format!(r#"{{"hook_event_name":"SessionEnd","session_id":"{n}"}}"#).into_bytes()
}

fn record(spool: &SpoolDir, events: usize) -> BTreeSet<EventId> {
    (0..events).map(|n| spool.record(&payload(n))).collect()
}

/// The events of which the killed consumer said that they are settled.
fn said(output: &Output) -> BTreeSet<EventId> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    stdout.lines().filter_map(|line| line.parse().ok()).collect()
}

/// What it had acknowledged is over, all else comes. It may have been killed between an acknowledgement and its word.
#[track_caller]
fn assert_acked_once(
    rest: &BTreeSet<EventId>,
    acked: &BTreeSet<EventId>,
    all: &BTreeSet<EventId>,
    point: &str,
) {
    assert!(rest.is_disjoint(acked), "{point}: acknowledged, and delivered again");
    assert!(all.len() - rest.len() - acked.len() <= 1, "{point}: lost");
    assert!(rest.is_subset(all), "{point}: from nowhere");
}

#[test]
fn while_it_opens_for_the_first_time_at_the_earliest_event() {
    let template = SpoolDir::on_disk().with_consumers(&["other"]);
    let all = record(&template, 3);
    let command = |spool: &SpoolDir| spool.consumer("a", "earliest", "ack");
    at_each_point(&template, command, b"", |spool, output, point| {
        assert_acked_once(&spool.drain("a", point), &said(output), &all, point);
        assert_eq!(spool.drain("other", point), all, "{point}: another consumer's");
        spool.assert_tidy(point);
    });
}

/// An event that is recorded after it said that it is open is its own, whatever happens to it.
#[test]
fn while_it_opens_for_the_first_time_at_the_latest_event() {
    let template = SpoolDir::on_disk().with_consumers(&[]);
    let before = record(&template, 2);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "ack");
    at_each_point(&template, command, b"", |spool, output, point| {
        let after = spool.record(&payload(9));
        let opened = output.stdout.starts_with(b"opened\n");
        let got = spool.drain("a", point);
        assert!(got.contains(&after), "{point}: lost");
        assert!(!opened || got.is_disjoint(&before), "{point}: it began too early");
        spool.assert_tidy(point);
    });
}

/// Another process was quicker, and it clears away what it has made in vain.
#[test]
fn while_it_loses_its_new_name_to_another() {
    let template = SpoolDir::on_disk().with_consumers(&[]);
    let all = record(&template, 1);
    let start = |spool: &SpoolDir| {
        let mut loser = Tracee::start(&mut spool.consumer("a", "latest", "ack"), b"");
        loser.step_until(|call| call.name.starts_with("rename")).expect("it gives the consumer its name");
        let winner = Tracee::start(&mut spool.consumer("a", "earliest", "retry"), b"").run_to_end();
        assert!(winner.status.success());
        loser
    };
    at_each_point_of(&template, start, |spool, output, point| {
        assert_acked_once(&spool.drain("a", point), &said(output), &all, point);
        spool.assert_tidy(point);
    });
}

#[test]
fn while_it_acknowledges() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    let all = record(&template, 3);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "ack");
    at_each_point(&template, command, b"", |spool, output, point| {
        assert_acked_once(&spool.drain("a", point), &said(output), &all, point);
        assert_eq!(spool.drain("b", point), all, "{point}: another consumer's");
        spool.assert_tidy(point);
    });
}

#[test]
fn while_it_rejects() {
    let template = SpoolDir::on_disk().with_consumers(&["a"]);
    let all = record(&template, 3);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "reject");
    at_each_point(&template, command, b"", |spool, output, point| {
        let rest = spool.drain("a", point);
        let names = spool.list("consumers/a/dead");
        let dead: BTreeSet<EventId> = names
            .iter()
            .filter_map(|name| name.strip_suffix(".json"))
            .map(|stem| {
                assert!(names.contains(&format!("{stem}.reason")), "{point}: {stem} lacks its reason");
                stem[21..].parse().expect("the name ends in the id")
            })
            .collect();
        assert_eq!(&dead | &rest, all, "{point}: lost");
        assert!(dead.is_disjoint(&rest), "{point}: rejected, and delivered again");
        assert!(said(output).is_subset(&dead), "{point}: not where it was put");
        spool.assert_tidy(point);
    });
}

#[test]
fn while_it_retries() {
    let template = SpoolDir::on_disk().with_consumers(&["a"]);
    let all = record(&template, 3);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "retry");
    at_each_point(&template, command, b"", |spool, output, point| {
        let queue = spool.list("consumers/a/queue");
        for id in said(output) {
            assert!(queue.iter().any(|name| name.ends_with(&format!("{id}.2.json"))), "{point}: its attempt");
        }
        assert_eq!(spool.drain("a", point), all, "{point}: lost");
        spool.assert_tidy(point);
    });
}

#[test]
fn while_it_is_removed() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    let all = record(&template, 3);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "remove");
    at_each_point(&template, command, b"", |spool, output, point| {
        assert_eq!(spool.drain("b", point), all, "{point}: another consumer's");
        let gone = !spool.list("consumers").contains("a");
        assert!(gone || !output.status.success(), "{point}: it is still there");
        assert!(gone || spool.drain("a", point) == all, "{point}: half removed");
        spool.assert_tidy(point);
    });
}

/// It finishes for writers that were killed at each point of theirs, and is killed at each point of its own.
#[test]
fn while_it_recovers() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    let first = template.record(&payload(0));
    let second = leave_intents(&template);
    let command = |spool: &SpoolDir| spool.consumer("a", "latest", "retry");
    at_each_point(&template, command, b"", |spool, _, point| {
        let a = spool.drain("a", point);
        assert_eq!(a, BTreeSet::from([first, second]), "{point}: lost");
        assert_eq!(spool.drain("b", point), a, "{point}");
        assert_eq!(spool.journal(), a, "{point}");
        spool.assert_tidy(point);
    });
}

/// Leaves in `tmp/`: an empty file, half a record, and a record that is claimed and linked into one of two queues.
fn leave_intents(template: &SpoolDir) -> EventId {
    let in_tmp = |template: &SpoolDir, path: &std::path::Path| path.starts_with(template.path().join("tmp"));
    let killed_before = |wanted: &str, nth: usize, event: &[u8]| {
        let mut writer = Tracee::start(&mut template.hook_event(), event);
        for _ in 0..=nth {
            let is_wanted = |call: &codex_hook_tests::trace::Call| {
                call.name.starts_with(wanted) && call.paths.iter().any(|path| in_tmp(template, path))
            };
            writer.step_until(is_wanted).expect("it comes to this");
        }
        writer.kill();
    };
    killed_before("write", 0, &payload(7));
    killed_before("link", 2, &payload(1));
    assert_eq!(template.list("tmp").len(), 2);
    std::fs::write(template.path().join("tmp/half"), br#"{"format":1,"id":"#).expect("it can be written");
    assert_eq!(template.journal().len(), 2);
    *template.journal().iter().find(|id| **id != id_of_first(template)).expect("the second event")
}

fn id_of_first(template: &SpoolDir) -> EventId {
    template.record(&payload(0))
}
