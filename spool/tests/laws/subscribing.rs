//! Subscribing and removing while others write.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use codex_spool::{ConsumerName, Error, EventId, Start};

use crate::support::{Home, Outcome, ack_all};

/// Runs `with` while two writers record, and gives every event that they have recorded: so many that they are at it all
/// the while, and not so many that reading them takes long.
fn while_writing(home: &Home, with: impl FnOnce()) -> HashSet<EventId> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers = ["x", "y"].map(|thread| {
            let done = &done;
            scope.spawn(move || {
                let mut ids = Vec::new();
                while ids.len() < 100 || (!done.load(Ordering::SeqCst) && ids.len() < 1500) {
                    ids.push(home.record(thread, ids.len()));
                }
                ids
            })
        });
        with();
        done.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("no writer fails")).collect()
    })
}

#[test]
fn a_subscriber_at_the_earliest_event_misses_none_that_is_written_meanwhile() {
    let home = Home::new();
    let mut consumers = Vec::new();
    let written = while_writing(&home, || {
        consumers.extend((0..8).map(|n| home.open(&format!("c{n}"))));
    });
    for mut consumer in consumers {
        let got: HashSet<EventId> = ack_all(&mut consumer).into_iter().collect();
        assert_eq!(got, written, "{}", consumer.name());
    }
}

#[test]
fn a_subscriber_at_the_latest_event_gets_all_that_is_captured_after_it_is_open() -> Outcome {
    let home = Home::new();
    home.record("before", 0);
    let mut consumer = home.spool.consumer("a")?.open()?;
    let after = [home.record("after", 0), home.record("after", 1)];
    assert_eq!(ack_all(&mut consumer), after);
    Ok(())
}

#[test]
fn a_start_position_counts_only_when_the_consumer_is_made() -> Outcome {
    let home = Home::new();
    home.record("before", 0);
    drop(home.spool.consumer("a")?.start(Start::Latest).open()?);
    assert_eq!(ack_all(&mut home.spool.consumer("a")?.start(Start::Earliest).open()?), []);
    Ok(())
}

#[test]
fn of_many_who_take_a_new_name_at_once_one_gets_it_and_the_others_are_told() {
    let home = Home::new();
    home.record("before", 0);
    for round in 0..100 {
        let name = format!("c{round}");
        let barrier = Barrier::new(4);
        let opened = thread::scope(|scope| {
            let openers = [(); 4].map(|()| {
                scope.spawn(|| {
                    barrier.wait();
                    let builder = home.spool.consumer(&name).expect("a good name");
                    builder.start(Start::Earliest).open()
                })
            });
            openers.map(|opener| opener.join().expect("it does not panic"))
        });
        let mut got = 0;
        for result in opened {
            match result {
                Ok(mut consumer) => {
                    got += 1;
                    assert_eq!(ack_all(&mut consumer).len(), 1);
                }
                Err(Error::Busy { .. }) => {}
                Err(error) => panic!("round {round}: {error}"),
            }
        }
        assert_eq!(got, 1, "round {round}");
    }
    assert!(home.list("consumers").iter().all(|name| name.starts_with('c')), "{:?}", home.list("consumers"));
}

#[test]
fn no_writer_fails_while_consumers_come_and_go() {
    let home = Home::new();
    let mut kept = home.open("kept");
    let name = ConsumerName::new("gone").expect("a good name");
    let written = while_writing(&home, || {
        for _ in 0..100 {
            drop(home.spool.consumer("gone").and_then(|consumer| consumer.open()).expect("it can be opened"));
            home.spool.remove_consumer(&name).expect("it can be removed");
            drop(home.spool.ephemeral_consumer().open().expect("it can be opened"));
        }
    });
    assert_eq!(ack_all(&mut kept).into_iter().collect::<HashSet<_>>(), written);
    drop(home.spool.ephemeral_consumer().open().expect("it can be opened"));
    assert_eq!(home.list("consumers"), ["kept"]);
}

#[test]
fn a_name_stays_taken_as_long_as_a_delivery_lives() {
    let home = Home::new();
    home.record("t", 0);
    let mut consumer = home.open("a");
    let delivery = consumer.drain().next().expect("one event").expect("nothing is wrong with it");
    drop(consumer);
    let busy = home.spool.consumer("a").expect("a good name").open();
    assert!(matches!(busy, Err(Error::Busy { pid, .. }) if pid == std::process::id()), "{busy:?}");
    delivery.ack().expect("it can be acknowledged");
    assert_eq!(ack_all(&mut home.open("a")), []);
}
