//! Of two events of a thread, one whose recording had ended before the other was captured is delivered first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use codex_spool::{Consumer, ThreadId};

use crate::support::{Home, number};

/// Threads of Codex; each counts its events. Whoever records one holds the count from before it is captured until it is
/// recorded, so the numbers of a thread are the order that is promised.
struct Threads(Vec<Mutex<usize>>);

impl Threads {
    fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Mutex::new(0)).collect())
    }

    fn record(&self, home: &Home, thread: usize) {
        let thread = thread % self.0.len();
        let mut count = self.0[thread].lock().unwrap_or_else(PoisonError::into_inner);
        home.record(&format!("thread-{thread}"), *count);
        *count += 1;
    }

    /// `writers` at once record `events` each, over all threads.
    fn write(&self, home: &Home, writers: usize, events: usize) {
        thread::scope(|scope| {
            for writer in 0..writers {
                scope.spawn(move || {
                    for n in 0..events {
                        self.record(home, n * (writer + 1) + writer);
                    }
                });
            }
        });
    }
}

/// What a consumer has got of each thread.
#[derive(Default)]
struct Checker {
    next: HashMap<ThreadId, usize>,
    delivered: usize,
}

impl Checker {
    #[track_caller]
    fn drain(&mut self, consumer: &mut Consumer) {
        for delivery in consumer.drain() {
            let delivery = delivery.expect("nothing is wrong with it");
            let thread = delivery.event().thread_id().expect("it has one").clone();
            let number = number(delivery.event().payload());
            let next = self.next.entry(thread).or_default();
            assert_eq!(number, *next, "an event of {} before an earlier one", delivery.event().payload());
            assert!(!delivery.is_late());
            *next += 1;
            self.delivered += 1;
            delivery.ack().expect("it can be acknowledged");
        }
    }

    /// Drains in a loop until `total` were delivered, while `threads` are written.
    fn drain_while_written(
        &mut self,
        home: &Home,
        consumer: &mut Consumer,
        threads: &Threads,
        writers: usize,
        events: usize,
    ) {
        let total = self.delivered + pending(home) + writers * events;
        thread::scope(|scope| {
            scope.spawn(|| threads.write(home, writers, events));
            while self.delivered < total {
                self.drain(consumer);
            }
        });
    }
}

fn pending(home: &Home) -> usize {
    home.list("consumers/a/queue").len()
}

#[test]
fn with_20_000_pending_and_writers_adding() {
    let home = Home::new();
    drop(home.open("a"));
    let threads = Threads::new(5);
    threads.write(&home, 2, 10_000);
    let mut consumer = home.open("a");
    let mut checker = Checker::default();
    checker.drain_while_written(&home, &mut consumer, &threads, 2, 2_000);
    assert_eq!(checker.delivered, 24_000);
}

/// The queue is short all the time, so nearly each listing races with a writer.
#[test]
fn in_many_short_rounds() {
    let home = Home::new();
    let mut consumer = home.open("a");
    let threads = Threads::new(2);
    let mut checker = Checker::default();
    for _ in 0..100 {
        checker.drain_while_written(&home, &mut consumer, &threads, 4, 25);
    }
    assert_eq!(checker.delivered, 10_000);
}
