//! Writers remove the oldest expired day, a few files each, and whoever prunes all that is past its time; queues keep
//! what is theirs.

use std::fs::{self, File};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::{Capture, EventId, Prune, Pruned};
use serde_json::json;

use crate::support::{Home, Outcome, ack_all, payload};

/// Noon of a day, counted from 2026-11-01.
fn noon(day: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_793_491_200 + 43_200 + day * 86_400)
}

/// Records an event at noon of a day.
fn record(home: &Home, day: u64, n: usize) -> EventId {
    let payload = payload(&format!("day-{day}"), n);
    home.spool
        .record(&payload, &Capture::at(noon(day) + Duration::from_nanos(n as u64)))
        .expect("recorded")
        .id
}

/// Prunes as if it were noon of that day.
fn prune(home: &Home, day: u64) -> Pruned {
    let pruned = home.spool.prune(&Prune::default().now(noon(day)));
    assert!(pruned.problems.is_empty(), "{:?}", pruned.problems);
    pruned
}

fn set_modified(home: &Home, path: &str, time: SystemTime) {
    let file = File::options().write(true).open(home.path(path)).expect("it is there");
    file.set_modified(time).expect("a time can be set");
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

#[test]
fn pruning_removes_whole_days_past_their_time_and_says_so() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    // Before the clock stood where it stands: no writer has removed any of it.
    let kept = record(&home, 2, 0);
    let old: Vec<_> = (0..100).map(|n| record(&home, 0, n)).collect();
    let bytes: u64 = home
        .list("journal/2026-11-01")
        .iter()
        .filter(|name| name.ends_with(".json"))
        .map(|name| Ok(fs::metadata(home.path("journal/2026-11-01").join(name))?.len()))
        .sum::<std::io::Result<_>>()?;
    assert_eq!(prune(&home, 7).events, 0, "the seventh day after it is within the retention time");

    let told = home.spool.prune(&Prune::default().now(noon(8)).dry_run(true));
    assert_eq!(count(&home, "2026-11-01"), 100);
    let pruned = prune(&home, 8);
    assert_eq!(home.list("journal"), ["2026-11-03"]);
    let expected = json!({"days": ["2026-11-01"], "events": 100, "bytes": bytes, "dry_run": false,
        "rejected": 0, "dead": 0, "consumers": []});
    assert_eq!(serde_json::to_value(&pruned)?, expected);
    let told = serde_json::to_value(&told)?;
    assert_eq!(
        (&told["days"], &told["events"], &told["bytes"]),
        (&json!(["2026-11-01"]), &json!(100), &json!(bytes))
    );
    assert_eq!(told["dry_run"], true);
    assert_eq!(prune(&home, 8).days, [""; 0]);

    let mut expected = old;
    expected.push(kept);
    assert_eq!(ack_all(&mut consumer), expected, "what waits in a queue waits on");
    Ok(())
}

#[test]
fn a_moment_can_be_named_and_its_own_day_is_kept() {
    let home = Home::new();
    for day in [3, 2, 1, 0] {
        record(&home, day, 0);
    }
    let before = |time| home.spool.prune(&Prune::default().before(time).now(noon(3))).days;
    assert_eq!(before(noon(2)), ["2026-11-01", "2026-11-02"]);
    assert_eq!(before(noon(2)), [""; 0]);
    assert!(prune(&home, 3).days.is_empty());
    assert_eq!(home.list("journal"), ["2026-11-03", "2026-11-04"]);
    assert_eq!(before(noon(9)), ["2026-11-03", "2026-11-04"], "today, only where one asks for it");
}

#[test]
fn nothing_of_a_day_to_come_is_pruned_unasked() {
    let home = Home::with_settings("retention_days = 1\n");
    record(&home, 5, 0);
    assert_eq!(prune(&home, 0).events, 0);
    assert_eq!(prune(&home, 5).events, 0);
    assert_eq!(prune(&home, 6).events, 0);
    assert_eq!(prune(&home, 7).events, 1);
}

#[test]
fn rejected_payloads_and_events_follow_the_retention_time() -> Outcome {
    let home = Home::new();
    home.spool.record(b"no payload", &Capture::at(noon(0))).expect_err("it is none");
    home.spool.record(b"nor this", &Capture::at(noon(1))).expect_err("it is none");
    for n in 0..4 {
        record(&home, 0, n);
    }
    let mut consumer = home.open("a");
    for delivery in consumer.drain() {
        delivery?.reject("tried it")?;
    }
    let dead = home.list("consumers/a/dead");
    let [first, first_reason, second, second_reason, third, third_reason, fourth, fourth_reason] = &dead[..]
    else {
        panic!("{dead:?}")
    };
    // One was rejected long after it had been captured; one has lost its reason, and one reason its event.
    set_modified(&home, &format!("consumers/a/dead/{first_reason}"), noon(0));
    set_modified(&home, &format!("consumers/a/dead/{second_reason}"), noon(5));
    fs::remove_file(home.path("consumers/a/dead").join(third_reason))?;
    fs::remove_file(home.path("consumers/a/dead").join(fourth))?;
    set_modified(&home, &format!("consumers/a/dead/{fourth_reason}"), noon(0));
    fs::write(home.path("consumers/a/dead/notes.txt"), "")?;
    fs::write(home.path("rejected/notes.txt"), "")?;

    let told = home.spool.prune(&Prune::default().now(noon(8)).dry_run(true));
    let pruned = prune(&home, 8);
    assert_eq!((pruned.rejected, pruned.dead), (1, 2));
    assert_eq!((told.rejected, told.dead), (1, 2));
    assert_eq!(home.list("consumers/a/dead"), [second, second_reason, "notes.txt"]);
    assert_eq!(home.list("rejected").len(), 2);
    assert!(
        !dead.is_empty() && home.path("consumers/a/dead").join(second).exists(),
        "{first} and {third} are gone"
    );

    let pruned = prune(&home, 13);
    assert_eq!((pruned.rejected, pruned.dead), (1, 1));
    assert_eq!(home.list("consumers/a/dead"), ["notes.txt"]);
    Ok(())
}

#[test]
fn pruning_leaves_what_is_not_ours() -> Outcome {
    let home = Home::new();
    record(&home, 0, 0);
    fs::create_dir(home.path(&format!("journal/2026-11-01/{}.json", "0".repeat(32))))?;
    fs::write(home.path("journal/2026-10-31"), "a file with the name of a day")?;
    fs::create_dir(home.path("journal/2026-10-30"))?;
    let pruned = prune(&home, 20);
    assert_eq!(pruned.days, ["2026-10-30", "2026-11-01"]);
    assert_eq!(pruned.events, 1);
    assert_eq!(home.list("journal"), ["2026-10-31", "2026-11-01"]);
    Ok(())
}

#[cfg(unix)]
#[test]
fn pruning_follows_no_link_to_elsewhere() -> Outcome {
    let home = Home::new();
    drop(home.open("a"));
    let elsewhere = tempfile::tempdir()?;
    let name = format!("{:020}-{}.json", 1, "0".repeat(32));
    for name in ["00000000000000000000000000000000.json", &name] {
        fs::write(elsewhere.path().join(name), "")?;
    }
    for (link, folder) in
        [("journal/2026-11-01", ""), ("consumers/a/dead", "consumers/a/dead"), ("rejected", "rejected")]
    {
        if !folder.is_empty() {
            fs::remove_dir(home.path(folder))?;
        }
        std::os::unix::fs::symlink(elsewhere.path(), home.path(link))?;
    }
    let pruned = prune(&home, 20);
    assert_eq!((pruned.events, pruned.rejected, pruned.dead), (0, 0, 0));
    assert_eq!(crate::support::list(elsewhere.path()).len(), 2);
    Ok(())
}

#[test]
fn what_cannot_be_looked_at_is_said_and_keeps_nothing_else() -> Outcome {
    let home = Home::new();
    record(&home, 0, 0);
    fs::remove_dir(home.path("consumers"))?;
    fs::write(home.path("consumers"), "a file in the way")?;
    let pruned = home.spool.prune(&Prune::default().now(noon(20)));
    assert_eq!(pruned.events, 1);
    let [problem, ..] = &pruned.problems[..] else { panic!("{pruned:?}") };
    assert!(problem.to_string().contains("consumers: "), "{problem}");
    Ok(())
}

const LOCK: &str = "consumers/a/lock";

#[test]
fn a_consumer_that_nobody_opens_for_long_is_removed_with_what_waits_for_it() -> Outcome {
    let home = Home::with_settings("consumer_expiry_days = 10\n");
    drop(home.open("a"));
    drop(home.open("b"));
    set_modified(&home, LOCK, noon(0));
    set_modified(&home, "consumers/b/lock", noon(1));
    record(&home, 3, 0);
    let report = home.spool.report();
    assert_eq!(report.consumers[0].expires_at, Some(noon(10)));
    assert_eq!(report.expiry_warnings(noon(4)), [""; 0]);
    let [warning] = &report.expiry_warnings(noon(5))[..] else { panic!("half of the time is over") };
    let expected = "consumer a has not been open since 2026-11-01, and is pruned from 2026-11-11 on, with 1 events that \
                    wait for it: open it before, or remove it";
    assert_eq!(warning, expected);

    assert!(home.spool.prune(&Prune::default().now(noon(10) - Duration::from_secs(1))).consumers.is_empty());
    let told = home.spool.prune(&Prune::default().now(noon(10)).dry_run(true));
    assert_eq!(home.list("consumers"), ["a", "b"]);
    let pruned = prune(&home, 10);
    for consumers in [told.consumers, pruned.consumers] {
        let expected = json!([{"name": "a", "pending": 1, "last_open_at": "2026-11-01T12:00:00.000000000Z"}]);
        assert_eq!(serde_json::to_value(consumers)?, expected);
    }
    assert_eq!(home.list("consumers"), ["b"]);
    Ok(())
}

#[test]
fn a_consumer_that_is_open_never_expires_and_has_all_its_time_when_it_ends() {
    let home = Home::with_settings("consumer_expiry_days = 10\n");
    let consumer = home.open("a");
    set_modified(&home, LOCK, noon(0));
    let told = home.spool.prune(&Prune::default().now(noon(20)).dry_run(true));
    assert!(told.consumers.is_empty(), "{told:?}");
    assert_eq!(home.spool.report().consumers[0].expires_at, None);
    assert!(prune(&home, 20).consumers.is_empty());
    drop(consumer);
    assert_eq!(home.spool.report().consumers[0].expires_at, Some(noon(30)));
    assert!(prune(&home, 29).consumers.is_empty());
    assert_eq!(prune(&home, 30).consumers.len(), 1);
}

#[test]
fn with_an_expiry_of_0_no_consumer_is_ever_removed() {
    let home = Home::with_settings("consumer_expiry_days = 0\n");
    drop(home.open("a"));
    set_modified(&home, LOCK, UNIX_EPOCH);
    assert!(prune(&home, 10_000).consumers.is_empty());
    let report = home.spool.report();
    assert_eq!(report.consumers[0].expires_at, None);
    assert!(report.expiry_warnings(noon(10_000)).is_empty());
}
