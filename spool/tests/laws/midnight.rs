//! Copies of a firing that are captured on either side of midnight are one event.

use std::fs;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::Capture;

use crate::support::{Home, ack_all, payload};

/// Milliseconds before (negative) or after the midnight between 2026-11-20 and 2026-11-21.
fn at(millis: i64) -> SystemTime {
    let midnight: i64 = 1_795_219_200_000;
    UNIX_EPOCH + Duration::from_millis((midnight + millis).unsigned_abs())
}

/// Records the `n`th payload at these times, one after the other, and gives how many were no duplicates.
fn record(home: &Home, n: usize, times: &[i64]) -> usize {
    let record = |&millis: &i64| {
        let recorded = home.spool.record(&payload("t", n), &Capture::at(at(millis)));
        usize::from(!recorded.expect("an event can be recorded").duplicate)
    };
    times.iter().map(record).sum()
}

#[test]
fn an_event_within_ten_seconds_of_midnight_is_claimed_on_both_days() {
    for (millis, days) in [
        (-10_001, &["2026-11-20"][..]),
        (-10_000, &["2026-11-20", "2026-11-21"]),
        (0, &["2026-11-20", "2026-11-21"]),
        (9_999, &["2026-11-20", "2026-11-21"]),
        (10_000, &["2026-11-21"]),
    ] {
        let home = Home::new();
        let mut consumer = home.open("a");
        record(&home, 0, &[millis]);
        assert_eq!(home.list("journal"), days, "{millis} ms from midnight");
        assert_eq!(home.journal().len(), 1, "{millis} ms from midnight");
        assert_eq!(ack_all(&mut consumer).len(), 1, "{millis} ms from midnight");
        assert_eq!(ack_all(&mut home.open("b")).len(), 1, "{millis} ms from midnight");
    }
}

#[test]
fn copies_on_either_side_are_one_event() {
    for times in [[-5_000, 5_000], [5_000, -5_000], [-15_000, 5_000], [-5_000, 15_000], [15_000, -5_000]] {
        let home = Home::new();
        let mut consumer = home.open("a");
        assert_eq!(record(&home, 0, &times), 1, "{times:?}");
        assert_eq!(home.journal().len(), 1, "{times:?}");
        assert_eq!(ack_all(&mut consumer).len(), 1, "{times:?}");
        assert_eq!(home.list("tmp"), [""; 0]);
    }
}

#[test]
fn copies_on_either_side_at_once_are_one_event() {
    let home = Home::new();
    let mut consumer = home.open("a");
    for round in 0..200 {
        let firsts: usize = thread::scope(|scope| {
            let times = if round % 2 == 0 { [-5_000, 5_000, 15_000] } else { [-15_000, -5_000, 5_000] };
            let writers = times.map(|millis| {
                let home = &home;
                scope.spawn(move || record(home, round, &[millis]))
            });
            writers.map(|writer| writer.join().expect("no writer fails")).iter().sum()
        });
        assert_eq!(firsts, 1, "round {round}");
        assert_eq!(ack_all(&mut consumer).len(), 1, "round {round}");
        assert_eq!(home.list("tmp"), [""; 0], "round {round}");
    }
    assert_eq!(home.journal().len(), 200);
}

/// A writer dies between the two days, or after both: another copy may have been recorded on the second by then.
#[test]
fn what_a_writer_that_died_at_midnight_had_begun_is_one_event() {
    for (other, state) in [(false, 0), (false, 1), (false, 2), (true, 0), (true, 2)] {
        let home = Home::new();
        drop(home.open("a"));
        record(&home, 0, &[-5_000]);
        let id = home.journal().remove(0);
        let [first, second] =
            ["2026-11-20", "2026-11-21"].map(|day| home.path(&format!("journal/{day}/{id}.json")));
        fs::hard_link(&first, home.path("tmp/0123456789abcdef")).expect("a link can be made");
        let queued = home.path("consumers/a/queue").join(home.list("consumers/a/queue").remove(0));
        // State 0: it has claimed the first day. 1: both. 2: none.
        fs::remove_file(queued).expect("it is there");
        if state != 1 {
            fs::remove_file(&second).expect("it is there");
        }
        if state == 2 {
            fs::remove_file(&first).expect("it is there");
        }
        if other {
            assert_eq!(record(&home, 0, &[15_000]), 1, "it looks at the second day alone");
        }
        assert_eq!(ack_all(&mut home.open("a")), [id], "other {other}, state {state}");
        assert_eq!(home.journal(), [id], "other {other}, state {state}");
        assert_eq!(first.exists(), !other, "other {other}, state {state}");
        assert!(second.exists(), "other {other}, state {state}");
        assert_eq!(home.list("tmp"), [""; 0]);
    }
}

#[test]
fn the_journal_is_in_order_across_midnight() {
    let home = Home::new();
    let times = [5_000, -5_000, -60_000, 60_000, 20_000, -20_000];
    let mut ids: Vec<_> = times
        .into_iter()
        .map(|millis| {
            let recorded = home.spool.record(&payload(&millis.to_string(), 0), &Capture::at(at(millis)));
            (millis, recorded.expect("an event can be recorded").id)
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(home.journal(), ids.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}
