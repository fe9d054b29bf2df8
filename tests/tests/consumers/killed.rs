//! Consumers that are killed and started again, at random, while many write.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use codex_spool::Spool;

const WRITERS: usize = 16;
const THREADS: usize = 5;
const EVENTS: usize = 100_000;

/// What one consumer has said of what it has taken.
#[derive(Default)]
struct Taken {
    /// Of each thread, how many events: they have to come one after the other.
    next: HashMap<String, usize>,
    distinct: usize,
    again: usize,
    kills: usize,
}

impl Taken {
    /// What a consumer says again, it had said last before it was killed, and not acknowledged yet.
    fn take(&mut self, line: &str, last_of_killed: &mut Option<String>) {
        let (thread, number) = line.split_once(' ').expect("a thread and a number");
        let number: usize = number.parse().expect("a number");
        let next = self.next.entry(thread.to_owned()).or_default();
        if number == *next {
            *next += 1;
            self.distinct += 1;
        } else {
            assert_eq!(last_of_killed.as_deref(), Some(line), "{next} of its thread was due");
            *last_of_killed = None;
            self.again += 1;
        }
    }
}

/// Kills the consumer after some hundred to some thousand events, again and again, until it has had them all.
fn consume(dir: &Path, name: &str, settle: &str, mut random: u64) -> Taken {
    let mut taken = Taken::default();
    let mut last_of_killed = None;
    while taken.distinct < EVENTS {
        let mut consumer = start(dir, name, settle);
        let mut lines = BufReader::new(consumer.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it opens at once, whoever was killed before").expect("it is text");
        assert_eq!(first, "open");
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut left = 200 + (random >> 33) % 5_000;
        let mut last = None;
        for line in lines {
            let line = line.expect("it is text");
            taken.take(&line, &mut last_of_killed);
            last = Some(line);
            left = left.saturating_sub(1);
            if left == 0 || taken.distinct == EVENTS {
                // What it has said until it is dead is read to the end.
                consumer.kill().expect("it runs");
            }
        }
        last_of_killed = last.or(last_of_killed);
        taken.kills += 1;
        consumer.wait().expect("it is ours");
    }
    taken
}

fn start(dir: &Path, name: &str, settle: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_listening-consumer"));
    command.arg(dir).args([name, settle]).stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().expect("it can be started")
}

#[test]
fn each_of_four_gets_every_event_of_sixteen_writers_in_order_whoever_is_killed() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let dir = home.path().join("spool");
    drop(Spool::open(&dir).expect("a spool can be made"));
    std::fs::write(dir.join("spool.toml"), "durability = \"process\"\n").expect("it can be written");
    let consumers = [("plain", "ack"), ("second", "ack"), ("ordered", "retry"), ("fourth", "retry")];
    let spool = Spool::open(&dir).expect("it is a spool");
    for (name, _) in consumers {
        drop(spool.consumer(name).and_then(|consumer| consumer.open()).expect("it can be made"));
    }
    let taken = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut command = Command::new(env!("CARGO_BIN_EXE_recording-writer"));
            let (threads, events) = (THREADS.to_string(), (EVENTS / WRITERS).to_string());
            command.arg(&dir).args([writer.to_string(), threads, events]);
            scope.spawn(move || assert!(command.status().expect("it can be started").success()));
        }
        let consuming = consumers.map(|(name, settle)| {
            let dir = &dir;
            scope.spawn(move || consume(dir, name, settle, name.len() as u64))
        });
        consuming.map(|consumer| consumer.join().expect("its order is kept"))
    });
    for ((name, _), taken) in consumers.iter().zip(taken) {
        let Taken { distinct, again, kills, .. } = taken;
        println!("{name}: {distinct} events, {kills} kills, {again} events twice");
        assert_eq!(distinct, EVENTS);
        assert!(again <= kills, "{name}: {again} events came twice, with {kills} kills");
        assert!(kills > 10, "{name} was killed {kills} times");
    }
}
