//! How soon a waiting consumer has an event, what waiting costs, and what a backlog costs those who wait behind it.
//! `cargo bench -p codex-hook-tests --bench waking [-- latency | idle SECONDS | pending EVENTS …]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use codex_hook_tests::released_hook_binary;
use codex_spool::{Capture, Consumer, EventId, Spool, Start};
use nix::time::{ClockId, clock_gettime};

const RUNS: usize = 1000;
const POLLER: Duration = Duration::from_millis(100);
const IDLE: u64 = 60;
const PENDING: [usize; 4] = [0, 10_000, 100_000, 1_000_000];
/// New events, of other threads than what is pending.
const NEW: usize = 2000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect::<Vec<_>>()[..] {
        ["idle-consumer", dir, seconds] => idle_consumer(dir.as_ref(), seconds.parse().expect("seconds")),
        ["blocked-consumer", dir] => blocked_consumer(dir.as_ref()),
        _ if !args.iter().any(|arg| arg == "--bench") => {
            println!("waking: not measured: run it with cargo bench");
        }
        ["latency"] => latency(),
        ["idle", seconds] => idle(seconds.parse().expect("seconds")),
        ["pending", pending @ ..] => {
            behind(&pending.iter().map(|n| n.parse().expect("events")).collect::<Vec<_>>())
        }
        _ => {
            latency();
            idle(IDLE);
            behind(&PENDING);
        }
    }
}

/// A spool on the disk of the target folder: the temporary directory may be in memory.
fn spool(durability: &str) -> (tempfile::TempDir, Spool) {
    let home =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written to");
    let dir = home.path().join("spool");
    drop(Spool::open(&dir).expect("a spool can be made in the target folder"));
    fs::write(dir.join("spool.toml"), format!("durability = \"{durability}\"\n")).expect("it can be written");
    let spool = Spool::open(&dir).expect("it is a spool now");
    (home, spool)
}

fn payload(thread: &str, number: usize) -> Vec<u8> {
    format!(
        r#"{{"session_id":"{thread}","turn_id":"019aa2f1-7b10-7c44-9f3a-5a1d2c3b4e5f","cwd":"/home/dev/project","hook_event_name":"PostToolUse","model":"gpt-5.5-codex","permission_mode":"default","tool_name":"Bash","tool_input":{{"command":"cargo test --workspace"}},"tool_response":"running 12 tests\n............\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.43s\n","tool_use_id":"call_{number:024}"}}"#
    )
    .into_bytes()
}

/// From the return of `hook event` until the consumer's program has the event: one that waits, and one that polls.
fn latency() {
    let (_home, spool) = spool("full");
    let hook = released_hook_binary();
    let builder = |name: &str| spool.consumer(name).expect("a good name").program("bench");
    let consumers = [builder("watch"), builder("poll").poll_interval(POLLER)].map(|builder| builder.open());
    println!("from the return of `hook event` to the consumer's program, in µs, {RUNS} events\n");
    println!("| consumer                  |     p50 |     p99 |     max | before it returned |");
    println!("|---------------------------|---------|---------|---------|--------------------|");
    let mut receivers = Vec::new();
    for consumer in consumers {
        let consumer = consumer.expect("nobody has it open");
        let stop = consumer.stop_handle();
        let (say, said) = mpsc::channel();
        receivers.push((said, stop, thread::spawn(move || receive(consumer, &say))));
    }
    let mut times = [Vec::new(), Vec::new()];
    let mut random = 7_u64;
    for run in 0..RUNS {
        // So that a poller is met at any point of its interval.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_micros(random >> 47));
        let returned = fire(&hook, spool.dir(), &payload("t", run));
        for ((said, ..), times) in receivers.iter().zip(&mut times) {
            let (_, had): (EventId, Instant) = said.recv().expect("it gets every event");
            let after = had.saturating_duration_since(returned);
            let before = if after.is_zero() { returned - had } else { Duration::ZERO };
            times.push(after.as_secs_f64() - before.as_secs_f64());
        }
    }
    for (what, mut times) in ["waiting: recv()", "polling: every 100 ms"].into_iter().zip(times) {
        times.sort_unstable_by(f64::total_cmp);
        let early = times.iter().filter(|time| **time < 0.0).count();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].max(0.0) * 1e6;
        println!("| {what:<25} | {:>7.0} | {:>7.0} | {:>7.0} | {early:>18} |", at(0.5), at(0.99), at(1.0));
    }
    for (_, stop, receiver) in receivers {
        stop.stop();
        receiver.join().expect("it does not panic");
    }
    println!();
}

fn receive(mut consumer: Consumer, say: &mpsc::Sender<(EventId, Instant)>) {
    for delivery in consumer.listen() {
        let had = Instant::now();
        let delivery = delivery.expect("no event is damaged");
        let _ = say.send((delivery.id(), had));
        delivery.ack().expect("it can be acknowledged");
    }
}

/// Runs `hook event`, and tells when it had returned.
fn fire(hook: &Path, dir: &Path, payload: &[u8]) -> Instant {
    let mut command = Command::new(hook);
    command.args(["event", "--spool-dir"]).arg(dir).stdin(Stdio::piped());
    let mut event = command.spawn().expect("it can be started");
    event.stdin.take().expect("it is piped").write_all(payload).expect("it reads");
    assert!(event.wait().expect("it is ours").success());
    Instant::now()
}

/// What a consumer costs while nothing happens.
fn idle(seconds: u64) {
    let (_home, spool) = spool("full");
    let mut child = us(&["idle-consumer", &spool.dir().to_string_lossy(), &seconds.to_string()]);
    let (share, _) = figures(&mut child);
    child.wait().expect("it is ours");
    println!("an idle consumer takes {:.4} % of a processor ({seconds} s)\n", share * 100.0);
}

fn idle_consumer(dir: &Path, seconds: u64) {
    let spool = Spool::open(dir).expect("the spool is there");
    let mut consumer = spool.consumer("idle").and_then(|builder| builder.open()).expect("it can be made");
    let got = consumer.recv_timeout(Duration::ZERO).expect("it can wait");
    assert!(got.is_none());
    let (start, cpu) = (Instant::now(), cpu());
    assert!(consumer.recv_timeout(Duration::from_secs(seconds)).expect("it can wait").is_none());
    println!("{} 0", (self::cpu() - cpu).as_secs_f64() / start.elapsed().as_secs_f64());
}

/// What is pending is of one thread, the first event of which is not settled: a consumer that keeps threads in order has
/// to find the events of others behind it, and those that come.
fn behind(pending: &[usize]) {
    println!("events of other threads, behind a backlog of one thread whose first event is not settled\n");
    println!("|   backlog | open, first delivery | first of another thread | CPU per new event | peak MiB |");
    println!("|-----------|----------------------|-------------------------|-------------------|----------|");
    for &pending in pending {
        let (_home, spool) = spool("process");
        drop(spool.consumer("blocked").and_then(|builder| builder.open()).expect("it can be made"));
        let record = |thread: &str, number: usize| {
            spool.record(&payload(thread, number), &Capture::now()).expect("an event can be recorded");
        };
        (0..=pending).for_each(|number| record("blocked", number));
        record("other", 0);
        let mut child = us(&["blocked-consumer", &spool.dir().to_string_lossy()]);
        let (first, other) = figures(&mut child);
        let mut go = child.stdin.take().expect("it is piped");
        for number in 1..=NEW {
            record("other", number);
            // One at a time, as they come in life: the consumer sleeps in between.
            if number == NEW {
                writeln!(go).expect("it reads");
            }
        }
        let (cpu, peak) = figures(&mut child);
        child.wait().expect("it is ours");
        println!(
            "| {pending:>9} | {:>17.0} ms | {:>20.0} ms | {:>14.0} µs | {peak:>8.1} |",
            first * 1e3,
            other * 1e3,
            cpu * 1e6
        );
    }
}

fn blocked_consumer(dir: &Path) {
    let start = Instant::now();
    let spool = Spool::open(dir).expect("the spool is there");
    let builder =
        spool.consumer("blocked").expect("a good name").start(Start::Earliest).ordered_by_thread(true);
    let mut consumer = builder.open().expect("nobody has it open");
    let mut next = || consumer.recv().expect("no event is damaged").expect("nobody stops it");
    let blocking = next();
    let first = start.elapsed();
    let other = next();
    assert_eq!(other.event().thread_id().map(|thread| thread.as_str()), Some("other"));
    other.ack().expect("it can be acknowledged");
    println!("{} {}", first.as_secs_f64(), start.elapsed().as_secs_f64());
    let cpu = cpu();
    for _ in 0..NEW {
        next().ack().expect("it can be acknowledged");
    }
    let spent = (self::cpu() - cpu).as_secs_f64() / NEW as f64;
    stdin().read_line(&mut String::new()).expect("it can be read");
    println!("{spent} {}", peak());
    drop(blocking);
}

fn us(args: &[&str]) -> Child {
    let us = std::env::current_exe().expect("the benchmark knows its own path");
    let mut command = Command::new(us);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("the benchmark can start itself")
}

/// The two figures of the next line that the child says.
fn figures(child: &mut Child) -> (f64, f64) {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().expect("it is piped"))
        .read_line(&mut line)
        .expect("it is text");
    let mut figures = line.split_whitespace().map(|figure| figure.parse().expect("a figure"));
    (figures.next().expect("a figure"), figures.next().expect("a figure"))
}

/// The time that this process has had on a processor.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every Linux has it").into()
}

/// The most memory that this process ever had, in MiB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    peak.and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
