//! Copies of a firing that are captured on either side of midnight are one event.

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
