//! Looking at what waits for a consumer, while it is open elsewhere or not.

use std::fs;
use std::time::Duration;

use codex_spool::{ConsumerName, Error, EventId, Spool};

use crate::support::{Home, Outcome, ack_all};

fn peek(spool: &Spool, name: &str) -> Result<Vec<(EventId, u32)>, Error> {
    let pending = spool.peek(&ConsumerName::new(name)?)?;
    pending.map(|pending| pending.map(|pending| (pending.event().id(), pending.attempt()))).collect()
}

#[test]
fn what_waits_is_seen_in_order_and_nothing_is_settled_by_it() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    assert_eq!(peek(&home.spool, "a")?, []);
    let ids: Vec<EventId> = (0..5).map(|n| home.record("t", n)).collect();
    let first = |n| ids[n..].iter().map(|&id| (id, 1)).collect::<Vec<_>>();
    assert_eq!(peek(&home.spool, "a")?, first(0));
    consumer.drain().next().expect("one is pending")?.ack()?;
    let in_flight = consumer.drain().next().expect("one is pending")?;
    assert_eq!(peek(&home.spool, "a")?, first(1), "in flight is not settled");
    in_flight.retry(Duration::MAX)?;
    assert_eq!(peek(&home.spool, "a")?[0], (ids[1], 2));
    drop(consumer);
    assert_eq!(ack_all(&mut home.open("a")), ids[1..]);
    assert_eq!(peek(&home.spool, "a")?, []);
    Ok(())
}

#[test]
fn of_two_attempts_the_higher_is_seen_and_of_a_damaged_record_that_it_is() -> Outcome {
    let home = Home::new();
    drop(home.open("a"));
    let ids: Vec<EventId> = (0..3).map(|n| home.record("t", n)).collect();
    let queue = home.path("consumers/a/queue");
    let names = home.list("consumers/a/queue");
    // As a crash between the two steps of a retry leaves them, where a rename of one file to itself does nothing.
    fs::hard_link(queue.join(&names[0]), queue.join(names[0].replace(".json", ".3.json")))?;
    fs::write(queue.join("notes.txt"), "")?;
    fs::remove_file(queue.join(&names[1]))?;
    fs::write(queue.join(&names[1]), "{}")?;
    let seen: Vec<_> = home.spool.peek(&ConsumerName::new("a")?)?.collect();
    let [Ok(first), Err(Error::Damaged { path, .. }), Ok(last)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((first.event().id(), first.attempt()), (ids[0], 3));
    assert_eq!((last.event().id(), last.attempt()), (ids[2], 1));
    assert_eq!(*path, queue.join(&names[1]));
    assert!(path.exists(), "it is left where it is");
    assert!(matches!(peek(&home.spool, "b"), Err(Error::NoConsumer { .. })));
    Ok(())
}

#[test]
fn the_report_on_one_consumer_is_the_one_among_all() -> Outcome {
    let home = Home::new();
    let _open = home.open("a");
    drop(home.open("b"));
    home.record("t", 0);
    let all = home.spool.consumer_reports()?;
    assert_eq!(
        all.iter().map(|report| (report.name.as_str(), report.pending)).collect::<Vec<_>>(),
        [("a", 1), ("b", 1)]
    );
    assert_eq!(format!("{all:?}"), format!("{:?}", home.spool.report().consumers));
    let one = home.spool.consumer_report(&ConsumerName::new("b")?)?;
    assert_eq!(format!("{one:?}"), format!("{:?}", Some(&all[1])));
    assert!(home.spool.consumer_report(&ConsumerName::new("c")?)?.is_none());
    Ok(())
}
