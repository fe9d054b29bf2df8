//! Writers remove the oldest expired day, a few files each; queues keep what is theirs.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use codex_spool::{Capture, EventId};

use crate::support::{Home, Outcome, ack_all, payload};

/// Records an event at noon of a day, counted from 2026-11-01.
fn record(home: &Home, day: u64, n: usize) -> EventId {
    let noon = UNIX_EPOCH + Duration::from_secs(1_793_491_200 + 43_200 + day * 86_400);
    let payload = payload(&format!("day-{day}"), n);
    home.spool.record(&payload, &Capture::at(noon + Duration::from_nanos(n as u64))).expect("recorded").id
}

fn count(home: &Home, day: &str) -> usize {
    if home.list("journal").iter().any(|name| name == day) {
        home.list(&format!("journal/{day}")).len()
    } else {
        0
    }
}

#[test]
fn each_writer_removes_at_most_32_files_of_the_oldest_expired_day() {
    let home = Home::new();
    let mut consumer = home.open("a");
    let old: Vec<_> = (0..100).map(|n| record(&home, 0, n)).collect();
    let younger: Vec<_> = (0..40).map(|n| record(&home, 1, n)).collect();
    assert_eq!(count(&home, "2026-11-01"), 100);

    // The seventh day after it is within the retention time, the eighth is not.
    record(&home, 7, 0);
    assert_eq!(count(&home, "2026-11-01"), 100);
    let mut later = vec![];
    for left in [68, 36, 4, 0] {
        later.push(record(&home, 9, later.len()));
        assert_eq!(count(&home, "2026-11-01"), left);
        assert_eq!(count(&home, "2026-11-02"), 40, "one day after the other");
    }
    assert_eq!(home.list("journal"), ["2026-11-02", "2026-11-08", "2026-11-10"]);
    // A copy removes nothing.
    record(&home, 9, 0);
    assert_eq!(count(&home, "2026-11-02"), 40);
    record(&home, 9, 99);
    assert_eq!(count(&home, "2026-11-02"), 8);

    let got = ack_all(&mut consumer);
    assert_eq!(got.len(), 100 + 40 + 1 + 4 + 1);
    assert_eq!(got[..100], old);
    assert_eq!(got[100..140], younger);
}

#[test]
fn the_retention_time_is_a_setting() {
    let home = Home::with_settings("retention_days = 1\n");
    record(&home, 0, 0);
    record(&home, 1, 0);
    assert_eq!(count(&home, "2026-11-01"), 1);
    record(&home, 2, 0);
    assert_eq!(home.list("journal"), ["2026-11-02", "2026-11-03"]);
}

#[test]
fn what_is_not_ours_in_an_expired_day_stays_and_keeps_nothing_else() -> Outcome {
    let home = Home::new();
    for n in 0..3 {
        record(&home, 0, n);
        record(&home, 1, n);
    }
    fs::create_dir(home.path("journal/2026-11-01/folder"))?;
    fs::write(home.path("journal/2026-11-01/notes.txt"), "")?;
    fs::write(home.path("journal/2026-10-31"), "a file with the name of a day")?;
    for n in 0..3 {
        record(&home, 20, n);
    }
    assert_eq!(home.list("journal/2026-11-01"), ["folder", "notes.txt"]);
    assert_eq!(home.list("journal"), ["2026-10-31", "2026-11-01", "2026-11-21"]);
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_day_that_was_moved_elsewhere_is_not_followed() -> Outcome {
    let home = Home::new();
    let elsewhere = tempfile::tempdir()?;
    fs::write(elsewhere.path().join("00000000000000000000000000000000.json"), "")?;
    std::os::unix::fs::symlink(elsewhere.path(), home.path("journal/2026-11-01"))?;
    record(&home, 20, 0);
    assert_eq!(crate::support::list(elsewhere.path()).len(), 1);
    Ok(())
}
