//! A consumer that waits gets what comes, however it learns of it, and ends when it is told to.
//!
//! Only where nothing may come does a test wait for a time to pass.

use std::collections::HashSet;
use std::fs;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use codex_spool::{Consumer, Error, EventId, EventKind, Wake};

use crate::support::{Home, Outcome, number};

/// The ways to learn of a new event.
const WAYS: [Wake; 2] = [Wake::Watch, Wake::Poll];

/// A new consumer that begins now.
#[track_caller]
fn open(home: &Home, wake: Wake) -> Consumer {
    let builder = home.spool.consumer(wake.as_str()).expect("a good name");
    let builder = if wake == Wake::Poll { builder.poll_interval(Duration::from_millis(1)) } else { builder };
    builder.open().expect("it can be opened")
}

#[track_caller]
fn recv(consumer: &mut Consumer) -> EventId {
    let delivery = consumer.recv().expect("nothing is wrong").expect("nobody stops it");
    let id = delivery.id();
    delivery.ack().expect("it can be acknowledged");
    id
}

#[test]
fn what_is_recorded_while_it_waits_is_given() {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        for n in 0..100 {
            let (got, recorded) = thread::scope(|scope| {
                let recorder = scope.spawn(|| home.record(way.as_str(), n));
                (recv(&mut consumer), recorder.join().expect("it does not panic"))
            });
            assert_eq!(got, recorded);
        }
    }
}

#[test]
fn what_came_before_it_waited_is_given_first() {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        let ids = [0, 1, 2].map(|n| home.record(way.as_str(), n));
        assert_eq!([(); 3].map(|()| recv(&mut consumer)), ids);
        let later = home.record(way.as_str(), 3);
        assert_eq!(recv(&mut consumer), later);
    }
}

#[test]
fn nothing_comes_of_nothing() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        assert!(consumer.recv_timeout(Duration::ZERO)?.is_none());
        assert!(consumer.recv_timeout(Duration::from_millis(20))?.is_none());
    }
    Ok(())
}

#[test]
fn the_statistics_tell_how_it_waits() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        assert_eq!(consumer.statistics().wake, None);
        consumer.recv_timeout(Duration::ZERO)?;
        assert_eq!(consumer.statistics().wake, Some(way));
    }
    Ok(())
}

#[test]
fn a_stop_ends_the_waiting_for_good() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        let stop = consumer.stop_handle();
        thread::scope(|scope| {
            scope.spawn(|| stop.stop());
            assert!(consumer.recv()?.is_none());
            Ok::<(), Error>(())
        })?;
        assert!(stop.is_stopped());
        home.record(way.as_str(), 0);
        assert_eq!(consumer.listen().count(), 0);
        assert_eq!(consumer.drain().count(), 1, "what is there can still be taken");
    }
    Ok(())
}

#[test]
fn what_is_retried_comes_when_it_is_due() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    let id = home.record("t", 0);
    for attempt in 1..=3 {
        let delivery = consumer.recv()?.expect("nobody stops it");
        assert_eq!((delivery.id(), delivery.attempt()), (id, attempt));
        delivery.retry(Duration::from_millis(2))?;
    }
    let statistics = consumer.statistics();
    assert_eq!((statistics.delivered, statistics.redelivered, statistics.pending), (3, 2, 1));
    Ok(())
}

/// With `max_attempts` nothing happens in the queue then; without, the notification may come before its meaning.
#[test]
fn what_another_thread_gives_back_wakes_who_waits() -> Outcome {
    let home = Home::new();
    let long = Duration::from_secs(20);
    for counted in [false, true] {
        let builder = home.spool.consumer(if counted { "counted" } else { "plain" })?;
        let mut consumer = if counted { builder.max_attempts(u32::MAX) } else { builder }.open()?;
        let id = home.record("t", usize::from(counted));
        for _ in 0..100 {
            let delivery = consumer.recv()?.expect("nobody stops it");
            let began = Instant::now();
            let (again, _) = thread::scope(|scope| {
                let settler = scope.spawn(move || delivery.retry(Duration::ZERO));
                (consumer.recv_timeout(long), settler.join())
            });
            // When the time is over, it looks once more.
            assert!(began.elapsed() < long, "it was not woken");
            let again = again?.expect("it is due at once");
            assert_eq!(again.id(), id);
            again.retry(Duration::ZERO)?;
        }
    }
    Ok(())
}

/// So many that neither the system nor the consumer keeps all notifications. Those that are gone when it looks are no
/// events; of the two that are left at least one was told of in vain.
#[test]
fn an_overflow_of_notifications_loses_nothing() -> Outcome {
    const GONE: usize = 20_000;
    let home = Home::new();
    let mut consumer = home.open("a");
    home.record("first", 0);
    let id = recv(&mut consumer);
    let queue = home.path("consumers/a/queue");
    let passing = |n: usize| queue.join(format!("{n:020}-{id}.json"));
    for n in 0..GONE {
        fs::write(passing(n), "")?;
    }
    let last = [home.record("last", 0), home.record("last", 1)];
    for n in 0..GONE {
        fs::remove_file(passing(n))?;
    }
    assert_eq!([(); 2].map(|()| recv(&mut consumer)), last);
    assert_eq!(consumer.statistics().pending, 0);
    Ok(())
}

#[test]
fn a_queue_that_is_removed_by_hand_is_made_anew_and_that_is_said() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        let queue = home.path("consumers").join(way.as_str()).join("queue");
        consumer.recv_timeout(Duration::ZERO)?;
        fs::remove_dir_all(&queue)?;
        let error = consumer.recv().expect_err("it is told");
        assert!(matches!(error, Error::QueueRemoved { .. }), "{error}");
        let id = home.record(way.as_str(), 0);
        assert_eq!(recv(&mut consumer), id);
    }
    Ok(())
}

#[test]
fn a_queue_that_is_removed_and_made_again_by_hand_is_watched_again() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        let queue = home.path("consumers").join(way.as_str()).join("queue");
        consumer.recv_timeout(Duration::ZERO)?;
        fs::remove_dir(&queue)?;
        fs::create_dir(&queue)?;
        for n in 0..10 {
            let id = home.record(way.as_str(), n);
            assert_eq!(recv(&mut consumer), id);
        }
    }
    Ok(())
}

#[test]
fn a_consumer_that_is_removed_by_hand_ends_its_listener() -> Outcome {
    let home = Home::new();
    for way in WAYS {
        let mut consumer = open(&home, way);
        let folder = home.path("consumers").join(way.as_str());
        consumer.recv_timeout(Duration::ZERO)?;
        fs::remove_dir_all(&folder)?;
        let told: Vec<_> = consumer.listen().collect();
        assert!(matches!(told[..], [Err(Error::NoConsumer { .. })]), "{told:?}");
        // One that has taken the name since is another's.
        drop(home.open(way.as_str()));
        home.record(way.as_str(), 0);
        assert!(matches!(consumer.recv(), Err(Error::NoConsumer { .. })));
    }
    Ok(())
}

#[test]
fn in_flight_there_are_no_more_than_asked_for() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.max_in_flight(2).open()?;
    let ids = [0, 1, 2].map(|n| home.record("t", n));
    let first = consumer.recv()?.expect("nobody stops it");
    let second = consumer.recv()?.expect("nobody stops it");
    assert!(consumer.recv_timeout(Duration::ZERO)?.is_none());
    assert!(consumer.drain().next().is_none());
    thread::scope(|scope| {
        scope.spawn(|| first.ack());
        let third = consumer.recv()?.expect("nobody stops it");
        assert_eq!((second.id(), third.id()), (ids[1], ids[2]));
        Ok::<(), Error>(())
    })?;
    Ok(())
}

#[test]
fn from_outside_it_is_seen_how_a_consumer_waits_and_what_it_has_in_flight() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    home.record("t", 0);
    let delivery = consumer.recv()?.expect("nobody stops it");
    consumer.recv_timeout(Duration::from_millis(1))?;
    let report = home.spool.report();
    assert_eq!(
        (report.consumers[0].in_flight, report.consumers[0].wake.as_deref()),
        (Some(1), Some("watch"))
    );
    delivery.ack()?;
    drop(consumer);
    let report = home.spool.report();
    assert_eq!((report.consumers[0].in_flight, report.consumers[0].wake.as_deref()), (None, None));
    Ok(())
}

/// The consumer is handed about between the threads, which all settle.
#[test]
fn many_threads_settle_what_one_receives() -> Outcome {
    const EVENTS: usize = 2_000;
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.max_in_flight(8).open()?;
    let stop = consumer.stop_handle();
    let (hand, hands) = mpsc::channel::<codex_spool::Delivery>();
    let (say, said) = mpsc::channel();
    let hands = Mutex::new(hands);
    let statistics = thread::scope(|scope| {
        for _ in 0..4 {
            let (hands, say) = (&hands, say.clone());
            scope.spawn(move || {
                loop {
                    let Ok(delivery) = hands.lock().expect("nobody panics").recv() else { break };
                    let id = delivery.id();
                    if delivery.attempt() == 1 && id.to_string().ends_with('0') {
                        delivery.retry(Duration::ZERO).expect("it can be retried");
                    } else {
                        delivery.ack().expect("it can be acknowledged");
                        let _ = say.send(id);
                    }
                }
            });
        }
        scope.spawn(|| {
            for n in 0..EVENTS {
                home.record(["x", "y", "z"][n % 3], n);
            }
        });
        scope.spawn(move || {
            let settled: HashSet<EventId> = said.iter().take(EVENTS).collect();
            stop.stop();
            assert_eq!(settled.len(), EVENTS);
        });
        for delivery in consumer.listen() {
            let _ = hand.send(delivery.expect("nothing is wrong with it"));
        }
        drop(hand);
        consumer.statistics()
    });
    assert_eq!((statistics.settled, statistics.pending, statistics.in_flight), (EVENTS as u64, 0, 0));
    Ok(())
}

/// What does not match, and what waits for its thread, is read: that may take long.
#[test]
fn however_much_there_is_to_read_the_waiting_ends_in_time() -> Outcome {
    let home = Home::new();
    let open = |name: &str| home.spool.consumer(name).expect("a good name");
    drop((open("filtered").open()?, open("ordered").open()?));
    for n in 0..1000 {
        home.record("t", n);
    }
    let mut filtered = open("filtered").kinds([EventKind::Stop]).open()?;
    assert!(filtered.recv_timeout(Duration::ZERO)?.is_none());
    assert_ne!(filtered.statistics().pending, 0, "it did not read on when the time was over");
    filtered.stop_handle().stop();
    assert!(filtered.recv()?.is_none());
    assert_ne!(filtered.statistics().pending, 0);
    assert_eq!(filtered.drain().count(), 0, "it goes on where it was");
    assert_eq!(filtered.statistics().pending, 0);

    let mut ordered = open("ordered").ordered_by_thread(true).open()?;
    let first = ordered.recv()?.expect("nobody stops it");
    assert!(ordered.recv_timeout(Duration::ZERO)?.is_none());
    first.ack()?;
    for n in 1..1000 {
        let delivery = ordered.recv()?.expect("nobody stops it");
        assert_eq!(number(delivery.event().payload()), n);
        delivery.ack()?;
    }
    Ok(())
}
