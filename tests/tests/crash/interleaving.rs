//! A process that is held at each of its points while another runs from its start to its end: with nobody killed both
//! do what they promise, and nothing that was acknowledged comes again.

use std::{collections::BTreeSet, process::Command};

use codex_hook_tests::trace::{Output, Tracee};
use codex_spool::{ConsumerName, Error, EventId};

use crate::kill::describe;
use crate::spool_dir::SpoolDir;

const EVENT: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"one"}"#;
const OTHER: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"other"}"#;

/// Holds `command` at each of its calls while `meanwhile` is done; what that gives is kept until the command has ended,
/// and is looked at by `check` beside how the command ended.
#[track_caller]
fn hold_at_each_point<T>(
    template: &SpoolDir,
    command: impl Fn(&SpoolDir) -> Command,
    stdin: &[u8],
    meanwhile: impl Fn(&SpoolDir, &str) -> T,
    check: impl Fn(&SpoolDir, &Output, T, &str),
) {
    let mut points = 0;
    for n in 0.. {
        let spool = template.copy();
        let mut held = Tracee::start(&mut command(&spool), stdin);
        let Some(call) = held.step_to(n) else { break };
        let point = format!("{n}, held before {}", describe(&call, &spool));
        println!("{point}");
        let result = meanwhile(&spool, &point);
        let output = held.run_to_end();
        check(&spool, &output, result, &point);
        points += 1;
    }
    println!("{points} points");
    assert!(points > 10, "these are not the calls of a process that works on files: {points}");
}

#[track_caller]
fn assert_success(output: &Output, point: &str) {
    assert!(output.status.success(), "{point}: {}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn write(spool: &SpoolDir, event: &[u8], point: &str) {
    assert_success(&Tracee::start(&mut spool.hook_event(), event).run_to_end(), point);
}

fn consume(spool: &SpoolDir) -> Command {
    spool.consumer("a", "earliest", "ack")
}

fn said(output: &Output) -> BTreeSet<EventId> {
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse().ok()).collect()
}

#[test]
fn a_writer_while_a_consumer_recovers_and_acknowledges() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    hold_at_each_point(
        &template,
        SpoolDir::hook_event,
        EVENT,
        |spool, point| spool.drain("a", point),
        |spool, output, acked, point| {
            assert_success(output, point);
            let rest = spool.drain("a", point);
            assert!(rest.is_disjoint(&acked), "{point}: acknowledged, and delivered again");
            assert_eq!(rest.len() + acked.len(), 1, "{point}");
            assert_eq!(spool.drain("b", point), spool.journal(), "{point}");
            spool.assert_tidy(point);
        },
    );
}

#[test]
fn a_writer_while_a_consumer_subscribes() {
    let template = SpoolDir::on_disk().with_consumers(&[]);
    template.record(OTHER);
    hold_at_each_point(
        &template,
        SpoolDir::hook_event,
        EVENT,
        |spool, _| {
            // It waits for the writer, which is held for good: so it gets what is there, and the writer sees to the rest.
            let mut new = Tracee::start(&mut spool.consumer("a", "latest", "ack"), b"");
            new.step_until(|call| call.name == "write" && call.paths[0].to_string_lossy().contains("pipe"))
                .expect("it says that it is open");
            new.kill();
        },
        |spool, output, (), point| {
            assert_success(output, point);
            let got = spool.drain("a", point);
            let journal = spool.journal();
            assert_eq!(journal.len(), 2, "{point}");
            assert!(got.is_subset(&journal), "{point}");
            spool.assert_tidy(point);
        },
    );
}

#[test]
fn a_writer_while_a_consumer_is_removed() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    template.record(OTHER);
    hold_at_each_point(
        &template,
        SpoolDir::hook_event,
        EVENT,
        |spool, point| {
            let name = ConsumerName::new("a").expect("a good name");
            spool.open().remove_consumer(&name).unwrap_or_else(|error| panic!("{point}: {error}"));
        },
        |spool, output, (), point| {
            assert_success(output, point);
            assert_eq!(spool.drain("b", point), spool.journal(), "{point}");
            assert_eq!(spool.journal().len(), 2, "{point}");
            spool.assert_tidy(point);
        },
    );
}

#[test]
fn a_removal_while_another_writes_and_a_third_recovers() {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    template.record(OTHER);
    hold_at_each_point(
        &template,
        |spool| spool.consumer("a", "latest", "remove"),
        b"",
        |spool, point| {
            write(spool, EVENT, point);
            spool.recover(point);
        },
        |spool, output, (), point| {
            assert_success(output, point);
            assert!(!spool.list("consumers").contains("a"), "{point}");
            assert_eq!(spool.drain("b", point).len(), 2, "{point}");
            spool.assert_tidy(point);
        },
    );
}

#[test]
fn a_subscriber_while_another_recovers() {
    let template = SpoolDir::on_disk().with_consumers(&[]);
    template.record(OTHER);
    hold_at_each_point(&template, consume, b"", SpoolDir::recover, |spool, output, (), point| {
        assert_success(output, point);
        assert_eq!(said(output), spool.journal(), "{point}");
        spool.recover(point);
        spool.assert_tidy(point);
    });
}

/// Whoever is first has it; the other is told so, and nothing else.
#[test]
fn a_subscriber_while_another_takes_the_same_new_name() {
    let template = SpoolDir::on_disk().with_consumers(&[]);
    template.record(OTHER);
    hold_at_each_point(
        &template,
        consume,
        b"",
        |spool, _| {
            let other = spool.open();
            other.consumer("a").and_then(|consumer| consumer.open())
        },
        |spool, output, other, point| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            match &other {
                Ok(_) => {
                    assert!(complaint.contains("in use") || output.status.success(), "{point}: {complaint}")
                }
                Err(Error::Busy { .. }) => assert_success(output, point),
                Err(error) => panic!("{point}: the other: {error}"),
            }
            drop(other);
            spool.recover(point);
            spool.assert_tidy(point);
        },
    );
}

#[test]
fn a_subscriber_while_its_consumer_is_removed() {
    let template = SpoolDir::on_disk().with_consumers(&["a"]);
    template.record(OTHER);
    hold_at_each_point(
        &template,
        consume,
        b"",
        |spool, _| spool.open().remove_consumer(&ConsumerName::new("a").expect("a good name")),
        |spool, output, removed, point| {
            match removed {
                Ok(()) | Err(Error::Busy { .. } | Error::NoConsumer { .. }) => {}
                Err(error) => panic!("{point}: {error}"),
            }
            assert_success(output, point);
            assert_eq!(said(output).len(), 1, "{point}");
            spool.recover(point);
            spool.assert_tidy(point);
        },
    );
}

/// The intent of a dead writer, which a recoverer is about to finish.
fn with_dead_writer() -> SpoolDir {
    let template = SpoolDir::on_disk().with_consumers(&["a", "b"]);
    let mut writer = Tracee::start(&mut template.hook_event(), EVENT);
    writer.step_until(|call| call.name.starts_with("link")).expect("it claims its event");
    writer.kill();
    template
}

#[test]
fn a_recoverer_while_another_recovers() {
    let template = with_dead_writer();
    let take_all = |spool: &SpoolDir| spool.consumer("a", "latest", "ack");
    hold_at_each_point(&template, take_all, b"", SpoolDir::recover, |spool, output, (), point| {
        assert_success(output, point);
        let rest = spool.drain("a", point);
        assert!(rest.is_disjoint(&said(output)), "{point}: acknowledged, and delivered again");
        assert_eq!(rest.len() + said(output).len(), 1, "{point}");
        assert_eq!(spool.drain("b", point).len(), 1, "{point}");
        spool.assert_tidy(point);
    });
}

#[test]
fn a_recoverer_while_a_copy_of_the_event_is_recorded() {
    let template = with_dead_writer();
    let take_all = |spool: &SpoolDir| spool.consumer("a", "latest", "ack");
    hold_at_each_point(
        &template,
        take_all,
        b"",
        |spool, point| write(spool, EVENT, point),
        |spool, output, (), point| {
            assert_success(output, point);
            let rest = spool.drain("a", point);
            assert!(rest.is_disjoint(&said(output)), "{point}: acknowledged, and delivered again");
            assert_eq!(rest.len() + said(output).len(), 1, "{point}");
            assert_eq!(spool.drain("b", point).len(), 1, "{point}");
            assert_eq!(spool.journal().len(), 1, "{point}");
            spool.assert_tidy(point);
        },
    );
}
