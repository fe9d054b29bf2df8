//! Writers against recoverers, with nobody killed: none is lost, none comes again after its acknowledgement.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use codex_spool::EventId;

use crate::support::{Home, ack_all, counted};

const WRITERS: usize = 3;
const EVENTS: usize = 10_000;

/// Opening a consumer runs recovery; so consumers are opened in a loop, as long as anybody writes.
#[test]
fn of_30_000_events_none_is_lost_or_comes_again_while_recoverers_run() {
    let home = Home::new();
    for name in ["kept", "a", "b"] {
        drop(home.open(name));
    }
    let writing = AtomicUsize::new(WRITERS);
    let recoverer = &|name: &'static str| -> Vec<EventId> {
        let mut acked = Vec::new();
        loop {
            // Asked before it drains: what was written by then is in the last drain.
            let last = writing.load(Ordering::SeqCst) == 0;
            acked.extend(ack_all(&mut home.open(name)));
            if last {
                return acked;
            }
        }
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (home, writing) = (&home, &writing);
            scope.spawn(move || {
                for n in 0..EVENTS {
                    home.record(&format!("writer-{writer}"), n);
                }
                writing.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let recoverers = ["a", "b"].map(|name| scope.spawn(move || (name, recoverer(name))));
        for recoverer in recoverers {
            let (name, acked) = recoverer.join().expect("it does not panic");
            let counts = counted(acked);
            assert_eq!(counts.len(), WRITERS * EVENTS, "{name} lost some");
            assert!(counts.values().all(|&count| count == 1), "{name} got some again");
        }
    });
    let kept = counted(ack_all(&mut home.open("kept")));
    assert_eq!(kept.len(), WRITERS * EVENTS);
    assert_eq!(counted(home.journal()), kept);
    assert_eq!(home.list("tmp"), [""; 0]);
}

#[test]
fn of_many_copies_at_once_one_is_recorded() {
    let home = Home::new();
    let mut consumer = home.open("a");
    for round in 0..200 {
        let first = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let recorded = home.record_payload(&crate::support::payload("copies", round));
                    first.fetch_add(usize::from(!recorded.duplicate), Ordering::SeqCst);
                });
            }
        });
        assert_eq!(first.into_inner(), 1, "in round {round}");
        assert_eq!(ack_all(&mut consumer).len(), 1, "in round {round}");
    }
    assert_eq!(home.list("tmp"), [""; 0]);
}
