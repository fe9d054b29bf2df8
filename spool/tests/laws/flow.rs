//! What a consumer asks for: threads in order, some events only, so many attempts.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use codex_spool::{Delivery, EventKind, ThreadId};
use proptest::prelude::*;

use crate::support::{Home, Outcome, ack_all, number};

#[test]
fn the_next_event_of_a_thread_waits_until_the_one_before_is_settled() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.ordered_by_thread(true).open()?;
    let [x0, x1, y0, x2, y1] =
        [("x", 0), ("x", 1), ("y", 0), ("x", 2), ("y", 1)].map(|(t, n)| home.record(t, n));
    let mut got: Vec<Delivery> = consumer.drain().collect::<Result<_, _>>()?;
    assert_eq!(got.iter().map(Delivery::id).collect::<Vec<_>>(), [x0, y0]);
    got.pop().expect("two").ack()?;
    let y: Vec<Delivery> = consumer.drain().collect::<Result<_, _>>()?;
    assert_eq!(y.iter().map(Delivery::id).collect::<Vec<_>>(), [y1]);
    // Also while it is being retried, and when it is dead.
    got.pop().expect("one").retry(Duration::from_secs(3600))?;
    assert!(consumer.drain().next().is_none());
    assert_eq!(consumer.statistics().pending, 4);
    drop((y, consumer));
    let mut consumer = home.spool.consumer("a")?.ordered_by_thread(true).open()?;
    let first = consumer.drain().next().expect("one")?;
    assert_eq!((first.id(), first.attempt()), (x0, 2));
    first.reject("no")?;
    assert_eq!(ack_all(&mut consumer), [x1, x2, y1]);
    Ok(())
}

#[test]
fn a_thread_goes_on_when_the_event_whose_turn_it_is_was_removed_by_hand() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.ordered_by_thread(true).open()?;
    let [first, removed, last] = [0, 1, 2].map(|n| home.record("t", n));
    let delivery = consumer.drain().next().expect("one")?;
    assert_eq!(delivery.id(), first);
    // All three are known, and the second is next as soon as the first is settled.
    assert!(consumer.drain().next().is_none());
    let queue = home.path("consumers/a/queue");
    let name = home.list("consumers/a/queue").into_iter().find(|name| name.contains(&removed.to_string()));
    delivery.ack()?;
    assert_eq!(consumer.statistics().pending, 2);
    std::fs::remove_file(queue.join(name.expect("it is there")))?;
    // Which has it look into the queue before it takes the next.
    consumer.rewind(std::time::SystemTime::now() + Duration::from_secs(3600))?;
    assert_eq!(ack_all(&mut consumer), [last]);
    Ok(())
}

#[test]
fn without_a_thread_nothing_waits() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.ordered_by_thread(true).open()?;
    for n in 0..3 {
        home.record_payload(format!(r#"{{"hook_event_name":"Stop","tool_use_id":"{n}"}}"#).as_bytes());
    }
    let got: Vec<Delivery> = consumer.drain().collect::<Result<_, _>>()?;
    assert_eq!(got.len(), 3);
    Ok(())
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Ack,
    Retry,
    Drop,
    Reject,
    Keep,
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Ack),
        3 => Just(Deed::Retry),
        1 => Just(Deed::Drop),
        1 => Just(Deed::Reject),
        3 => Just(Deed::Keep),
        1 => Just(Deed::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done with deliveries, in whatever order: of each thread the events that were settled are its first
    /// ones, one after the other, and in the end there are none left.
    #[test]
    fn no_order_of_a_thread_is_ever_broken(
        threads in prop::collection::vec(0_usize..4, 1..40),
        deeds in prop::collection::vec(deed(), 0..120),
        ordered_all_along in any::<bool>(),
    ) {
        let home = Home::new();
        let open = || home.spool.consumer("a").expect("a good name").ordered_by_thread(true).open().expect("it is free");
        let mut consumer = open();
        let mut recorded: HashMap<String, usize> = HashMap::new();
        for (at, thread) in threads.iter().enumerate() {
            let thread = format!("t{thread}");
            let count = recorded.entry(thread.clone()).or_default();
            home.record(&thread, *count);
            *count += 1;
            if !ordered_all_along && at % 7 == 0 {
                // So that some arrive when others wait.
                let _ = consumer.drain().next();
            }
        }
        let mut settled: HashMap<ThreadId, usize> = HashMap::new();
        let mut kept: Vec<Delivery> = Vec::new();
        let mut deeds = deeds.into_iter();
        loop {
            let Some(delivery) = consumer.drain().next() else {
                // The delays end with the process.
                if kept.is_empty() && consumer.statistics().pending == 0 {
                    break;
                }
                kept.clear();
                drop(consumer);
                consumer = open();
                continue;
            };
            let delivery = delivery.expect("nothing is wrong with it");
            let thread = delivery.event().thread_id().expect("it has one").clone();
            let next = settled.entry(thread).or_default();
            prop_assert_eq!(number(delivery.event().payload()), *next);
            match deeds.next().unwrap_or(Deed::Ack) {
                Deed::Ack => { delivery.ack().expect("it can be"); *next += 1; }
                Deed::Reject => { delivery.reject("no").expect("it can be"); *next += 1; }
                Deed::Retry => delivery.retry(Duration::ZERO).expect("it can be"),
                Deed::Drop => drop(delivery),
                Deed::Keep => kept.push(delivery),
                Deed::Restart => { drop(delivery); kept.clear(); drop(consumer); consumer = open(); }
            }
        }
        let settled: HashMap<String, usize> = settled.into_iter().map(|(thread, n)| (thread.to_string(), n)).collect();
        prop_assert_eq!(settled, recorded);
    }
}

#[test]
fn what_does_not_match_is_settled_and_never_handed_out() -> Outcome {
    let home = Home::new();
    let payload = |kind: &str, thread: &str, cwd: &str| {
        let n = fastrand(kind, thread, cwd);
        let payload = format!(
            r#"{{"hook_event_name":"{kind}","session_id":"{thread}","cwd":"{cwd}","tool_use_id":"{n}"}}"#
        );
        home.record_payload(payload.as_bytes()).id
    };
    let builder = |name: &str| home.spool.consumer(name).expect("a good name");
    let mut by_kind = builder("kind").kinds([EventKind::Stop, EventKind::Interrupt]).open()?;
    let mut by_thread = builder("thread").thread(&ThreadId::new("x")?).open()?;
    let mut by_cwd = builder("cwd").cwd_under("/work").ordered_by_thread(true).max_attempts(3).open()?;
    let mut by_all =
        builder("all").kinds([EventKind::Stop]).thread(&ThreadId::new("x")?).cwd_under("/work").open()?;
    let a = payload("Stop", "x", "/work");
    let b = payload("Stop", "y", "/work/deep/er");
    let c = payload("Interrupt", "x", "/workshop");
    let d = payload("PreToolUse", "x", "/work");
    assert_eq!(ack_all(&mut by_kind), [a, b, c]);
    assert_eq!(ack_all(&mut by_thread), [a, c, d]);
    assert_eq!(ack_all(&mut by_cwd), [a, b, d]);
    assert_eq!(ack_all(&mut by_all), [a]);
    for (name, consumer) in [("kind", by_kind), ("thread", by_thread), ("cwd", by_cwd), ("all", by_all)] {
        assert_eq!(home.list(&format!("consumers/{name}/queue")), [""; 0], "{name}");
        let mut consumer = consumer;
        assert_eq!(consumer.statistics().settled, 4, "{name}");
    }
    Ok(())
}

/// Some number that is another for each.
fn fastrand(kind: &str, thread: &str, cwd: &str) -> usize {
    kind.len() * 10_000
        + thread.len() * 1_000
        + cwd.len()
        + thread.bytes().map(usize::from).sum::<usize>() * 100_000
}

#[test]
fn an_event_that_fails_again_and_again_is_dead_after_its_attempts_and_can_be_put_back() -> Outcome {
    let home = Home::new();
    let open = || home.spool.consumer("a").expect("a good name").max_attempts(3).open();
    let mut consumer = open()?;
    let (bad, good) = (home.record("x", 0), home.record("x", 1));
    let mut seen = Vec::new();
    for delivery in consumer.drain() {
        let delivery = delivery?;
        seen.push((delivery.id(), delivery.attempt()));
        if delivery.id() == bad { delivery.retry(Duration::ZERO)? } else { delivery.ack()? }
    }
    seen.sort_unstable_by_key(|(id, attempt)| (*id == good, *attempt));
    assert_eq!(seen, [(bad, 1), (bad, 2), (bad, 3), (good, 1)]);
    let [dead] = &consumer.dead()?[..] else { panic!("{:?}", consumer.dead()) };
    assert_eq!((dead.id(), dead.attempt(), dead.reason()), (bad, 3, "given up: max_attempts is 3"));
    assert_eq!(dead.event()?.id(), bad);
    assert!(dead.rejected_at().is_some_and(|at| at >= dead.captured_at()));
    assert_eq!(consumer.statistics().dead, 1);

    // Put back while the consumer is open, and by somebody else.
    for dead in home.spool.dead(consumer.name())? {
        assert!(dead.requeue()?);
    }
    assert_eq!(home.list("consumers/a/dead"), [""; 0]);
    let again = consumer.recv()?.expect("nobody stops it");
    assert_eq!((again.id(), again.attempt()), (bad, 1));
    Ok(again.ack()?)
}

/// Its reader ends without a word each time, as one does that the event kills.
#[test]
fn an_event_that_kills_its_reader_is_dead_after_its_attempts() -> Outcome {
    let home = Home::new();
    let open = || home.spool.consumer("a").expect("a good name").max_attempts(3).open();
    drop(open()?);
    let (deadly, good) = (home.record("x", 0), home.record("x", 1));
    for attempt in 1..=3 {
        let mut consumer = open()?;
        let delivery = consumer.drain().next().expect("one")?;
        assert_eq!((delivery.id(), delivery.attempt()), (deadly, attempt));
        // As the process would have left it: nothing is dropped. The lock goes with the descriptors.
        let name = home.list("consumers/a/queue").remove(0);
        assert!(name.ends_with(&format!(".{}.json", attempt + 1)), "{name}");
        delivery.retry(Duration::ZERO)?;
    }
    let mut consumer = open()?;
    assert_eq!(ack_all(&mut consumer), [good]);
    assert_eq!(consumer.dead()?.len(), 1);
    Ok(())
}

#[test]
fn a_batch_is_acknowledged_at_once() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    for n in 0..10 {
        home.record("t", n);
    }
    let batch: Vec<Delivery> = consumer.drain().take(7).collect::<Result<_, _>>()?;
    Delivery::ack_all(batch)?;
    assert_eq!(home.list("consumers/a/queue").len(), 3);
    Ok(())
}

#[test]
fn what_is_removed_from_the_queue_by_hand_does_not_hold_its_thread_up() -> Outcome {
    let home = Home::new();
    let mut consumer = home.spool.consumer("a")?.ordered_by_thread(true).open()?;
    home.record("t", 0);
    home.record("t", 1);
    consumer.drain().next().expect("one")?.retry(Duration::ZERO)?;
    for name in home.list("consumers/a/queue") {
        fs::remove_file(home.path("consumers/a/queue").join(name))?;
    }
    // It is due, and gone, when the queue is listed.
    consumer.statistics();
    assert!(consumer.recv_timeout(Duration::ZERO)?.is_none());
    let next = home.record("t", 2);
    assert_eq!(ack_all(&mut consumer), [next]);
    Ok(())
}

/// Whoever puts it back and whoever rejects it again may be two processes.
#[test]
fn an_event_that_is_put_back_while_it_is_rejected_is_never_lost() -> Outcome {
    const ROUNDS: usize = 500;
    let home = Home::new();
    let mut consumer = home.open("a");
    let id = home.record("t", 0);
    let name = consumer.name().clone();
    std::thread::scope(|scope| {
        let putting_back = scope.spawn(|| {
            let mut done = 0;
            while done < ROUNDS {
                for dead in home.spool.dead(&name).expect("it can be listed") {
                    done += usize::from(dead.requeue().expect("it can be put back"));
                }
            }
        });
        while !putting_back.is_finished() {
            for delivery in consumer.drain() {
                delivery.expect("nothing is wrong with it").reject("again").expect("it can be rejected");
            }
        }
    });
    let dead: Vec<_> = consumer.dead()?.iter().map(codex_spool::DeadEvent::id).collect();
    let waiting = ack_all(&mut consumer);
    assert_eq!([dead, waiting].concat(), [id]);
    Ok(())
}
