//! What becomes of an event that is acknowledged, retried, rejected or dropped.

use std::fs;
use std::time::Duration;

use codex_spool::{Consumer, Delivery, Start};

use crate::support::{Home, Outcome, ack_all};

fn first(consumer: &mut Consumer) -> Delivery {
    consumer.drain().next().expect("one is pending").expect("nothing is wrong with it")
}

/// A consumer that has one event, alone.
fn with_one_event() -> (Home, Consumer) {
    let home = Home::new();
    let consumer = home.open("a");
    home.record("t", 0);
    (home, consumer)
}

#[test]
fn what_is_acknowledged_is_over() -> Outcome {
    let (home, mut consumer) = with_one_event();
    first(&mut consumer).ack()?;
    assert!(consumer.drain().next().is_none());
    drop(consumer);
    assert_eq!(ack_all(&mut home.open("a")), []);
    assert_eq!(home.list("consumers/a/queue"), [""; 0]);
    Ok(())
}

#[test]
fn what_is_retried_at_once_comes_again_within_the_same_drain() -> Outcome {
    let (_home, mut consumer) = with_one_event();
    let mut attempts = Vec::new();
    for delivery in consumer.drain() {
        let delivery = delivery?;
        attempts.push(delivery.attempt());
        if attempts.len() == 12 { delivery.ack()? } else { delivery.retry(Duration::ZERO)? }
    }
    assert_eq!(attempts, (1..=12).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn what_is_retried_later_waits_and_is_due_once_its_consumer_is_opened_again() -> Outcome {
    for after in [Duration::from_secs(3600), Duration::MAX] {
        let (home, mut consumer) = with_one_event();
        let delivery = first(&mut consumer);
        let id = delivery.id();
        delivery.retry(after)?;
        assert!(consumer.drain().next().is_none());
        drop(consumer);
        let again = first(&mut home.open("a"));
        assert_eq!((again.id(), again.attempt()), (id, 2));
    }
    Ok(())
}

#[test]
fn what_is_dropped_waits_and_is_due_once_its_consumer_is_opened_again() {
    let (home, mut consumer) = with_one_event();
    drop(first(&mut consumer));
    assert!(consumer.drain().next().is_none());
    drop(consumer);
    let mut consumer = home.open("a");
    assert_eq!(first(&mut consumer).attempt(), 2);
    drop(consumer);
    assert_eq!(first(&mut home.open("a")).attempt(), 3);
}

#[test]
fn what_is_left_is_as_if_its_reader_had_crashed() -> Outcome {
    for (max_attempts, next) in [(None, 1), (Some(1), 2), (Some(5), 2)] {
        let home = Home::new();
        let open = || {
            let builder = home.spool.consumer("a")?.start(Start::Earliest);
            max_attempts.map_or(builder.clone(), |n| builder.max_attempts(n)).open()
        };
        let mut consumer = open()?;
        assert!(consumer.is_new());
        let id = home.record("t", 0);
        first(&mut consumer).leave();
        assert!(consumer.drain().next().is_none());
        assert_eq!(consumer.statistics().in_flight, 0);
        assert_eq!(home.list("consumers/a/dead"), [""; 0]);
        drop(consumer);
        // Who allows more attempts sees which it is.
        let mut consumer = home.open("a");
        assert!(!consumer.is_new());
        let again = first(&mut consumer);
        assert_eq!((again.id(), again.attempt()), (id, next), "{max_attempts:?}");
    }
    Ok(())
}

#[test]
fn what_is_handed_out_is_not_handed_out_again() -> Outcome {
    let (home, mut consumer) = with_one_event();
    let delivery = first(&mut consumer);
    assert!(consumer.drain().next().is_none());
    let other = home.record("t", 1);
    assert_eq!(ack_all(&mut consumer), [other]);
    delivery.ack()?;
    assert!(consumer.drain().next().is_none());
    Ok(())
}

#[test]
fn what_is_rejected_lies_in_dead_with_the_reason() -> Outcome {
    let (home, mut consumer) = with_one_event();
    first(&mut consumer).retry(Duration::ZERO)?;
    let delivery = first(&mut consumer);
    let (id, record) = (delivery.id(), delivery.event().record().to_owned());
    delivery.reject("it says \"no\"\nand more")?;
    assert!(consumer.drain().next().is_none());
    assert_eq!(consumer.statistics().damaged, 0);
    drop(consumer);
    assert_eq!(ack_all(&mut home.open("a")), []);
    let [file, reason] = &home.list("consumers/a/dead")[..] else {
        panic!("{:?}", home.list("consumers/a/dead"))
    };
    assert_eq!(&file[20..], format!("-{id}.json"));
    assert_eq!(reason, &file.replace(".json", ".reason"));
    assert_eq!(fs::read_to_string(home.path("consumers/a/dead").join(file))?, record);
    let reason = fs::read_to_string(home.path("consumers/a/dead").join(reason))?;
    let reason: serde_json::Value = serde_json::from_str(&reason)?;
    assert_eq!((&reason["reason"], &reason["attempt"]), (&"it says \"no\"\nand more".into(), &2.into()));
    assert!(reason["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{reason}");
    Ok(())
}

#[test]
fn each_consumer_settles_for_itself() -> Outcome {
    let home = Home::new();
    let (mut a, mut b, mut c) = (home.open("a"), home.open("b"), home.open("c"));
    let id = home.record("t", 0);
    first(&mut a).ack()?;
    first(&mut b).reject("no")?;
    assert_eq!(ack_all(&mut c), [id]);
    assert_eq!(home.journal(), [id]);
    Ok(())
}

/// A recoverer may link an event into the queue a second time, under the name of its first attempt.
#[test]
fn of_two_attempts_of_an_event_the_higher_stands() -> Outcome {
    let (home, consumer) = with_one_event();
    drop(consumer);
    let queue = home.path("consumers/a/queue");
    let name = home.list("consumers/a/queue").remove(0);
    for attempt in ["3", "10", "2"] {
        let later = name.replace(".json", &format!(".{attempt}.json"));
        fs::hard_link(queue.join(&name), queue.join(later))?;
    }
    let mut consumer = home.open("a");
    let delivery = first(&mut consumer);
    assert_eq!(delivery.attempt(), 10);
    assert_eq!(home.list("consumers/a/queue"), [name.replace(".json", ".10.json")]);
    delivery.ack()?;
    assert!(consumer.drain().next().is_none());
    Ok(())
}

#[test]
fn the_last_attempt_there_can_be_is_retried_too() -> Outcome {
    let (home, consumer) = with_one_event();
    drop(consumer);
    let queue = home.path("consumers/a/queue");
    let name = home.list("consumers/a/queue").remove(0);
    fs::rename(queue.join(&name), queue.join(name.replace(".json", ".4294967295.json")))?;
    let mut consumer = home.open("a");
    first(&mut consumer).retry(Duration::ZERO)?;
    assert_eq!(ack_all(&mut consumer).len(), 1);
    Ok(())
}

/// Deliveries may be settled in other threads while their consumer drains on.
#[test]
fn deliveries_settled_in_other_threads_come_no_more_often_than_they_should() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let ids: Vec<_> = (0..2000).map(|n| home.record("t", n)).collect();
    let (sender, receiver) = std::sync::mpsc::channel::<Delivery>();
    let (mut firsts, mut seconds) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for delivery in receiver {
                match delivery.attempt() {
                    1 => delivery.retry(Duration::ZERO).expect("it can be retried"),
                    _ => delivery.ack().expect("it can be acknowledged"),
                }
            }
        });
        while firsts + seconds < 2 * ids.len() {
            for delivery in consumer.drain() {
                let delivery = delivery.expect("nothing is wrong with it");
                *(if delivery.attempt() == 1 { &mut firsts } else { &mut seconds }) += 1;
                sender.send(delivery).expect("the other thread lives");
            }
        }
        drop(sender);
    });
    assert_eq!((firsts, seconds), (ids.len(), ids.len()));
    assert!(consumer.drain().next().is_none());
    assert_eq!(home.list("consumers/a/queue"), [""; 0]);
    Ok(())
}

#[test]
fn however_long_a_reason_is_the_dead_can_be_listed() -> Outcome {
    let (home, mut consumer) = with_one_event();
    let reason = "é\0".repeat(1 << 20);
    first(&mut consumer).reject(&reason)?;
    let dead = consumer.dead()?;
    assert!(reason.starts_with(dead[0].reason()) && dead[0].reason().len() > 1000);
    // Nor does one that is no reason keep the others from it.
    let beside = dead[0].path().with_extension("reason");
    fs::remove_file(&beside)?;
    fs::create_dir(&beside)?;
    assert_eq!(home.spool.dead(consumer.name())?[0].reason(), "");
    Ok(())
}
