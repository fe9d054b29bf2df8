//! The clock is set back, the day changes, folders are removed by hand: nothing is lost that was not removed.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::{Capture, EventId, Start};

use crate::support::{Home, Outcome, ack_all, payload};

/// Noon of 2026-11-20, and so many seconds.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_176_000 + seconds)
}

fn record(home: &Home, n: usize, time: SystemTime) -> EventId {
    home.spool.record(&payload("t", n), &Capture::at(time)).expect("an event can be recorded").id
}

#[test]
fn what_is_captured_after_the_clock_was_set_back_comes_when_it_comes_and_says_that_it_is_late() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let before = record(&home, 0, at(3600));
    assert_eq!(ack_all(&mut consumer), [before]);
    let after = [record(&home, 1, at(0)), record(&home, 2, at(1))];
    let mut got = Vec::new();
    for delivery in consumer.drain() {
        let delivery = delivery?;
        assert!(delivery.is_late());
        got.push(delivery.id());
        delivery.ack()?;
    }
    assert_eq!(got, after);
    assert_eq!(consumer.statistics().late, 2);
    // Once the clock has caught up, nothing is late any more.
    record(&home, 3, at(3601));
    let next = consumer.drain().next().expect("it is there")?;
    assert!(!next.is_late());
    Ok(next.ack()?)
}

#[test]
fn the_day_may_change_while_a_consumer_drains() -> Outcome {
    const AROUND_MIDNIGHT: u64 = 43_200 - 50;
    let home = Home::new();
    let mut consumer = home.open("a");
    let mut recorded = Vec::new();
    let mut got = Vec::new();
    recorded.push(record(&home, 0, at(AROUND_MIDNIGHT)));
    for delivery in consumer.drain() {
        let delivery = delivery?;
        assert!(!delivery.is_late());
        got.push(delivery.id());
        delivery.ack()?;
        if recorded.len() < 100 {
            recorded.push(record(&home, recorded.len(), at(AROUND_MIDNIGHT + recorded.len() as u64)));
        }
    }
    assert_eq!(home.list("journal"), ["2026-11-20", "2026-11-21"]);
    assert_eq!(got, recorded);
    let mut later = home.spool.consumer("later")?.start(Start::Earliest).open()?;
    assert_eq!(ack_all(&mut later), recorded);
    Ok(())
}

#[test]
fn a_day_that_is_removed_by_hand_takes_nothing_from_those_who_have_yet_to_settle_it() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let mut recorded: Vec<EventId> = (0..3).map(|n| record(&home, n, at(n as u64))).collect();
    fs::remove_dir_all(home.path("journal/2026-11-20"))?;
    recorded.push(record(&home, 3, at(3)));
    assert_eq!(ack_all(&mut consumer), recorded);
    assert_eq!(home.journal(), recorded[3..]);
    Ok(())
}

/// All of the spool but its settings: the next event makes it anew.
#[test]
fn the_journal_may_be_removed_by_hand_while_it_is_used() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let first = record(&home, 0, at(0));
    fs::remove_dir_all(home.path("journal"))?;
    let second = record(&home, 1, at(1));
    assert_eq!(ack_all(&mut consumer), [first, second]);
    Ok(())
}

#[test]
fn a_file_in_the_place_of_a_consumer_does_not_keep_it_draining() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    fs::remove_dir_all(home.path("consumers/a"))?;
    fs::write(home.path("consumers/a"), "")?;
    let told: Vec<_> = consumer.drain().take(10).collect();
    assert!(matches!(told[..], [Err(_)]), "{told:?}");
    Ok(())
}

#[test]
fn what_is_dead_stays_so_with_its_reason_where_there_is_no_queue_to_put_it_into() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    home.record("t", 0);
    consumer.drain().next().expect("one")?.reject("no")?;
    fs::remove_dir_all(home.path("consumers/a/queue"))?;
    let dead = || home.spool.dead(consumer.name());
    assert!(dead()?.pop().expect("one is dead").requeue().is_err());
    assert_eq!(dead()?.pop().expect("it is there still").reason(), "no");
    fs::create_dir(home.path("consumers/a/queue"))?;
    assert!(dead()?.pop().expect("it is there still").requeue()?);
    Ok(())
}
