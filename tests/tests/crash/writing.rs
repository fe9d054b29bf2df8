//! `hook event`, killed at each point: after recovery the event is in the journal and in every queue, or nowhere and
//! was never acknowledged.

use codex_hook_tests::trace::{Output, Tracee};

use crate::kill::{at_each_point, at_each_point_of};
use crate::spool_dir::SpoolDir;

const EVENT: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"one"}"#;
const OTHER: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"other"}"#;

/// After recovery it is everywhere, or, where nobody was told that it is recorded, nowhere. `before` is how many
/// others there are.
#[track_caller]
fn assert_everywhere_or_nowhere(spool: &SpoolDir, before: usize, output: &Output, point: &str) {
    spool.recover(point);
    let consumers: Vec<_> = spool.list("consumers").into_iter().collect();
    let journal = spool.journal();
    for consumer in &consumers {
        assert_eq!(spool.drain(consumer, point), journal, "{point}: {consumer} and the journal differ");
    }
    let new = journal.len() - before;
    assert!(new <= 1, "{point}: recorded {new} times");
    assert!(new == 1 || !output.status.success(), "{point}: acknowledged and lost");
    spool.assert_tidy(point);
}

/// Kills the writer at each point; in one run recovery comes at once, in another after a second copy of the event.
#[track_caller]
fn kill_a_writer(template: &SpoolDir) {
    let before = if template.path().exists() { template.journal().len() } else { 0 };
    at_each_point(template, SpoolDir::hook_event, EVENT, |spool, output, point| {
        // Recovery works on the spool, the second copy on a copy of it.
        let copied = spool.copy();
        assert_everywhere_or_nowhere(spool, before, output, point);
        let second = Tracee::start(&mut copied.hook_event(), EVENT).run_to_end();
        let complaint = String::from_utf8_lossy(&second.stderr);
        assert!(second.status.success(), "{point}: the second copy fails: {complaint}");
        assert_everywhere_or_nowhere(&copied, before, &second, point);
    });
}

#[test]
fn the_first_event_of_a_spool() {
    kill_a_writer(&SpoolDir::in_memory());
}

#[test]
fn the_first_event_of_a_day_without_a_consumer() {
    kill_a_writer(&SpoolDir::in_memory().with_consumers(&[]));
}

#[test]
fn the_first_event_of_a_day_with_one_consumer() {
    kill_a_writer(&SpoolDir::in_memory().with_consumers(&["a"]));
}

#[test]
fn a_later_event_with_one_consumer() {
    let spool = SpoolDir::in_memory().with_consumers(&["a"]);
    spool.record(OTHER);
    kill_a_writer(&spool);
}

#[test]
fn a_later_event_with_two_consumers() {
    let spool = SpoolDir::in_memory().with_consumers(&["a", "b"]);
    spool.record(OTHER);
    kill_a_writer(&spool);
}

/// It finds the event in the journal before it has written anything.
#[test]
fn a_copy_of_a_recorded_event() {
    let template = SpoolDir::in_memory().with_consumers(&["a"]);
    template.record(EVENT);
    at_each_point(&template, SpoolDir::hook_event, EVENT, |spool, output, point| {
        assert_everywhere_or_nowhere(spool, 0, output, point);
        assert_eq!(spool.journal().len(), 1, "{point}");
    });
}

/// It finds the event in the journal only when it claims it: its own file is written by then.
#[test]
fn a_copy_that_loses_the_claim() {
    let template = SpoolDir::in_memory().with_consumers(&["a"]);
    template.record(OTHER);
    let start = |spool: &SpoolDir| {
        let mut loser = Tracee::start(&mut spool.hook_event(), EVENT);
        // Its look at the journal is behind it when it makes its own file.
        let makes_its_file = |path: &std::path::PathBuf| path.starts_with(spool.path().join("tmp"));
        loser
            .step_until(|call| call.name == "openat" && call.paths.iter().any(makes_its_file))
            .expect("it makes a file in tmp/");
        let winner = Tracee::start(&mut spool.hook_event(), EVENT).run_to_end();
        assert!(winner.status.success());
        loser
    };
    at_each_point_of(&template, start, |spool, output, point| {
        assert_everywhere_or_nowhere(spool, 1, output, point);
        assert_eq!(spool.journal().len(), 2, "{point}");
    });
}

/// The winner is dead and its copy is acknowledged: what was told must hold by what the dead one left.
#[test]
fn a_copy_is_acknowledged_while_the_first_is_held_at_each_point() {
    let template = SpoolDir::in_memory().with_consumers(&["a", "b"]);
    for n in 0.. {
        let spool = template.copy();
        let mut first = Tracee::start(&mut spool.hook_event(), EVENT);
        let Some(call) = first.step_to(n) else { break };
        let point = format!("{n}, before {call}");
        let second = Tracee::start(&mut spool.hook_event(), EVENT).run_to_end();
        assert!(second.status.success(), "{point}: {}", String::from_utf8_lossy(&second.stderr));
        first.kill();
        assert_everywhere_or_nowhere(&spool, 0, &second, &point);
    }
}

/// What is no event is kept whole, or was not acknowledged; it never becomes an event.
#[test]
fn what_is_no_event() {
    let template = SpoolDir::in_memory().with_consumers(&["a"]);
    for n in 0.. {
        let spool = template.copy();
        let mut tracee = Tracee::start(&mut spool.hook_event(), b"no event");
        let killed = tracee.step_to(n).is_some();
        let output = if killed { tracee.kill() } else { tracee.run_to_end() };
        let point = format!("call {n}");
        assert_eq!(spool.drain("a", &point).len(), 0, "{point}");
        assert_eq!(spool.list("tmp").len(), 0, "{point}");
        let kept = spool.list("rejected").len();
        if !killed {
            assert_eq!((output.status.code(), kept), (Some(1), 1));
            break;
        }
        assert!(kept <= 1, "{point}");
    }
}
