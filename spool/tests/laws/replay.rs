//! Starting at a moment, and going back to one.

use std::time::{Duration, SystemTime};

use codex_spool::{Capture, EventId, Start};

use crate::support::{Home, Outcome, ack_all, list, payload};

/// An event of each of the last `hours`, the earliest first, with its moment.
fn hourly(home: &Home, hours: u64) -> Vec<(SystemTime, EventId)> {
    let now = SystemTime::now();
    (0..hours)
        .rev()
        .map(|ago| {
            let then = now - Duration::from_secs(ago * 3600);
            let n = usize::try_from(ago).expect("it is small");
            let recorded =
                home.spool.record(&payload("t", n), &Capture::at(then)).expect("it can be recorded");
            (then, recorded.id)
        })
        .collect()
}

fn ids(events: &[(SystemTime, EventId)]) -> Vec<EventId> {
    events.iter().map(|(_, id)| *id).collect()
}

#[test]
fn a_consumer_begins_with_the_first_event_of_its_moment() -> Outcome {
    let home = Home::new();
    let events = hourly(&home, 50);
    for from in [0, 1, 25, 49] {
        let builder = home.spool.consumer(&format!("c{from}"))?.start(Start::At(events[from].0));
        assert_eq!(ack_all(&mut builder.open()?), ids(&events[from..]), "from {from}");
    }
    let after = SystemTime::now() + Duration::from_secs(1);
    assert_eq!(ack_all(&mut home.spool.consumer("after")?.start(Start::At(after)).open()?), []);
    Ok(())
}

#[test]
fn a_consumer_that_goes_back_gets_again_what_it_had_settled() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let events = hourly(&home, 30);
    assert_eq!(ack_all(&mut consumer), ids(&events));
    for from in [20, 3] {
        consumer.rewind(events[from].0)?;
        let mut got = Vec::new();
        for delivery in consumer.drain() {
            let delivery = delivery?;
            assert!(!delivery.is_late(), "it is a new pass");
            got.push(delivery.id());
            delivery.ack()?;
        }
        assert_eq!(got, ids(&events[from..]));
    }
    assert_eq!(list(&home.path("consumers/a")), ["dead", "lock", "queue"]);
    Ok(())
}

#[test]
fn what_waits_is_not_doubled_by_going_back() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let events = hourly(&home, 4);
    consumer.drain().next().expect("one")?.retry(Duration::ZERO)?;
    consumer.rewind(SystemTime::UNIX_EPOCH)?;
    assert_eq!(ack_all(&mut consumer), ids(&events));
    assert_eq!(ack_all(&mut home.spool.consumer("b")?.start(Start::Earliest).open()?), ids(&events));
    drop(consumer);
    assert_eq!(ack_all(&mut home.open("a")), []);
    Ok(())
}

/// The marker is what a crash in the middle leaves; with a torn one all of the journal comes.
#[test]
fn going_back_is_completed_after_a_crash() -> Outcome {
    let home = Home::new();
    let events = hourly(&home, 4);
    let cases = [(format!("{:020}\n", nanos(events[2].0)), 2), (String::new(), 0), ("\0\0\0".to_owned(), 0)];
    for (at, (marker, from)) in cases.into_iter().enumerate() {
        let name = format!("c{at}");
        assert_eq!(ack_all(&mut home.spool.consumer(&name)?.start(Start::Earliest).open()?), ids(&events));
        std::fs::write(home.path("consumers").join(&name).join("backfill"), marker)?;
        assert_eq!(ack_all(&mut home.open(&name)), ids(&events[from..]));
        assert!(!home.path("consumers").join(&name).join("backfill").exists());
    }
    Ok(())
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("it is later").as_nanos()
}

#[test]
fn what_is_in_hand_is_not_doubled_by_going_back() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.start(Start::Earliest).max_attempts(3).open()?;
    let events = hourly(&home, 2);
    let mut in_hand: Vec<_> = consumer.drain().collect::<Result<_, _>>()?;
    assert_eq!(in_hand.len(), events.len());
    consumer.rewind(SystemTime::UNIX_EPOCH)?;
    in_hand.pop().expect("two").ack()?;
    in_hand.pop().expect("one").reject("no")?;
    assert_eq!(ack_all(&mut consumer), []);
    assert_eq!(list(&home.path("consumers/a/queue")), [""; 0]);
    Ok(())
}

/// Of the attempts before there may be word still, of files that are not there any more.
#[test]
fn what_is_put_back_as_soon_as_it_is_dead_is_not_lost() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.max_attempts(9).open()?;
    consumer.recv_timeout(Duration::ZERO)?;
    let id = home.record("t", 0);
    for round in 0..300 {
        let delivery = consumer.recv_timeout(Duration::from_secs(5))?;
        let delivery = delivery.unwrap_or_else(|| panic!("it is there in round {round}"));
        assert_eq!((delivery.id(), delivery.attempt()), (id, 1));
        delivery.reject("no")?;
        assert!(consumer.dead()?.pop().expect("it is dead").requeue()?);
        // So that the queue is listed.
        consumer.rewind(SystemTime::now() + Duration::from_secs(3600))?;
    }
    Ok(())
}
