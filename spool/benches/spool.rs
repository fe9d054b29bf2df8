//! How fast a spool takes events in and gives them out. `cargo bench -p codex-spool [-- EVENTS …]`
//!
//! Draining is measured in a process of its own, so that its peak of memory is its own too, right after a bare loop
//! that opens, reads and unlinks the same files in the same order, by the links of another consumer. Beyond some hundred
//! thousand events both may be as slow as the disk reads: that is what the ratio is for.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use codex_spool::{Capture, Spool, Start};

/// How many events are pending when they are drained.
const PENDING: [u64; 2] = [100_000, 1_000_000];
/// How long each way to record is measured.
const RECORDING: Duration = Duration::from_secs(2);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["drain", dir] => return drain(dir.as_ref()),
        ["subscribe", dir] => return subscribe(dir.as_ref()),
        ["journal", dir] => return journal(dir.as_ref()),
        ["bare", dir] => return bare(dir.as_ref()),
        _ if !args.iter().any(|arg| arg == "--bench") => {
            return println!("spool: not measured: run it with cargo bench");
        }
        _ => {}
    }
    let mut pending: Vec<u64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if pending.is_empty() {
        pending.extend(PENDING);
    }
    // In the target folder: the temporary directory may be in memory, where a sync is free.
    let scratch =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written to");

    println!(
        "| what                                    |    events | events/s | beside bare loop | peak MiB |"
    );
    println!(
        "|-----------------------------------------|-----------|----------|------------------|----------|"
    );
    for durability in ["process", "full"] {
        for consumers in [0, 1, 3] {
            let dir = scratch.path().join(format!("record-{durability}-{consumers}"));
            let spool = make(&dir, durability, consumers);
            let start = Instant::now();
            let mut events = 0;
            while start.elapsed() < RECORDING {
                record(&spool, events);
                events += 1;
            }
            let what = format!("record, {durability}, consumers: {consumers}");
            row(&what, events, events as f64 / start.elapsed().as_secs_f64(), None, None);
        }
    }
    for events in pending {
        let dir = scratch.path().join(format!("drain-{events}"));
        let spool = make(&dir, "process", 2);
        (0..events).for_each(|number| record(&spool, number));
        let bare = measure("bare", &dir).rate;
        row("bare loop: open, read, unlink", events, bare, Some(1.0), None);
        for what in ["drain", "journal", "subscribe"] {
            let Measured { rate, peak } = measure(what, &dir);
            let described = match what {
                "drain" => "drain: list, verify, acknowledge",
                "journal" => "journal: read in order",
                _ => "subscribe from the earliest",
            };
            row(described, events, rate, Some(rate / bare), peak);
        }
        fs::remove_dir_all(&dir).expect("the scratch folder can be removed");
    }
}

fn row(what: &str, events: u64, rate: f64, beside_bare: Option<f64>, peak: Option<f64>) {
    let ratio = beside_bare.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let peak = peak.map(|peak| format!("{peak:.1}")).unwrap_or_default();
    println!("| {what:<39} | {events:>9} | {rate:>8.0} | {ratio:>16} | {peak:>8} |");
}

/// A spool with that many consumers.
fn make(dir: &Path, durability: &str, consumers: usize) -> Spool {
    Spool::open(dir).expect("a spool can be made in the target folder");
    let settings = format!("durability = \"{durability}\"\n");
    fs::write(dir.join("spool.toml"), settings).expect("the spool can be written to");
    let spool = Spool::open(dir).expect("it is a spool now");
    for number in 0..consumers {
        let consumer = spool.consumer(&format!("consumer-{number}")).and_then(|builder| builder.open());
        drop(consumer.expect("a consumer can be made"));
    }
    spool
}

/// Records an event of the size and shape that Codex sends, of one of a hundred threads.
fn record(spool: &Spool, number: u64) {
    let thread = number % 100;
    let payload = format!(
        r#"{{"session_id":"019aa2f1-6c52-7a31-8d2e-0f4b6a1c{thread:04}","turn_id":"019aa2f1-7b10-7c44-9f3a-5a1d2c3b4e5f","transcript_path":"/home/dev/.codex/sessions/2026/11/21/rollout-2026-11-21T03-47-36-019aa2f1-6c52-7a31-8d2e-0f4b6a1c{thread:04}.jsonl","cwd":"/home/dev/project","hook_event_name":"PostToolUse","model":"gpt-5.5-codex","permission_mode":"default","tool_name":"Bash","tool_input":{{"command":"cargo test --workspace"}},"tool_response":"running 12 tests\n............\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.43s\n","tool_use_id":"call_{number:024}"}}"#
    );
    spool.record(payload.as_bytes(), &Capture::now()).expect("an event can be recorded");
}

/// What a process that did one thing says of itself.
struct Measured {
    /// Events a second.
    rate: f64,
    /// The most memory it ever had, in MiB; only Linux tells.
    peak: Option<f64>,
}

fn measure(what: &str, dir: &Path) -> Measured {
    let us = std::env::current_exe().expect("the benchmark knows its own path");
    let output = Command::new(us).arg(what).arg(dir).output().expect("the benchmark can start itself");
    assert!(
        output.status.success(),
        "{what}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8_lossy(&output.stdout);
    let mut figures = said.split_whitespace().map(|figure| figure.parse().expect("a figure"));
    Measured { rate: figures.next().expect("a rate"), peak: figures.next() }
}

/// Prints what [`Measured`] holds.
fn say(events: u64, time: Duration) {
    let rate = events as f64 / time.as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak = peak.and_then(|kilobytes| kilobytes.parse::<f64>().ok());
    println!("{rate} {}", peak.map(|kilobytes| (kilobytes / 1024.0).to_string()).unwrap_or_default());
}

fn drain(dir: &Path) {
    let start = Instant::now();
    let spool = Spool::open(dir).expect("the spool is there");
    let mut consumer =
        spool.consumer("consumer-0").and_then(|consumer| consumer.open()).expect("nobody has it open");
    let mut events = 0;
    for delivery in consumer.drain() {
        delivery.and_then(|delivery| delivery.ack()).expect("no event is damaged");
        events += 1;
    }
    say(events, start.elapsed());
}

fn journal(dir: &Path) {
    let start = Instant::now();
    let spool = Spool::open(dir).expect("the spool is there");
    let journal = spool.journal().expect("the journal can be listed");
    let mut events = 0;
    for event in journal {
        event.expect("no event is damaged");
        events += 1;
    }
    say(events, start.elapsed());
}

fn subscribe(dir: &Path) {
    let start = Instant::now();
    let spool = Spool::open(dir).expect("the spool is there");
    let consumer = spool.ephemeral_consumer().start(Start::Earliest).open().expect("a consumer can be made");
    let end = Instant::now();
    let events = fs::read_dir(dir.join("consumers").join(consumer.name().as_str()).join("queue"));
    let events = events.expect("a consumer has a queue").count();
    say(events as u64, end - start);
}

/// What any drain must do at least: learn the names, read each file, and unlink it.
fn bare(dir: &Path) {
    let start = Instant::now();
    let queue = dir.join("consumers/consumer-1/queue");
    let mut names: Vec<_> = fs::read_dir(&queue)
        .expect("the queue is there")
        .map(|name| name.expect("the queue can be listed").file_name())
        .collect();
    names.sort_unstable();
    let mut contents = Vec::new();
    for name in &names {
        let path = queue.join(name);
        contents.clear();
        File::open(&path).and_then(|mut file| file.read_to_end(&mut contents)).expect("the file can be read");
        fs::remove_file(&path).expect("the file can be removed");
    }
    say(names.len() as u64, start.elapsed());
}
