//! How fast the index of threads folds events, and what it costs in memory. `cargo bench -p codex-spool --bench threads
//! [-- THREADS EVENTS]`
//!
//! The events are of the size and shape that Codex sends: turns of two tool calls each, of all threads in turn. They are
//! read from a spool before they are applied; and once more, file by file, by an observer that starts. Each is a process
//! of its own. The memory is what the index takes, and for the observer the peak of its process.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use codex_spool::{Capture, Event, Observer, Spool, ThreadIndex};

const THREADS: u64 = 10_000;
const EVENTS: u64 = 1_000_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["rebuild", dir] => return rebuild(dir.as_ref()),
        ["apply", dir] => return apply(dir.as_ref()),
        _ if !args.iter().any(|arg| arg == "--bench") => {
            return println!("threads: not measured: run it with cargo bench");
        }
        _ => {}
    }
    let figures: Vec<u64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let (threads, events) =
        (figures.first().copied().unwrap_or(THREADS), figures.get(1).copied().unwrap_or(EVENTS));
    let scratch =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written to");
    let dir = scratch.path().join("spool");
    Spool::open(&dir).expect("a spool can be made in the target folder");
    fs::write(dir.join("spool.toml"), "durability = \"process\"\n").expect("the spool can be written to");
    let spool = Spool::open(&dir).expect("it is a spool now");
    let start = SystemTime::now() - Duration::from_micros(events);
    for number in 0..events {
        let at = start + Duration::from_micros(number);
        let capture = Capture::at(at).parent_pid(std::process::id()).tag("bench");
        spool
            .record(payload(number / threads, number % threads).as_bytes(), &capture)
            .expect("it is an event");
    }
    println!(
        "| what                          | threads |   events | seconds | of CPU |   events/s |    MiB |"
    );
    println!(
        "|-------------------------------|---------|----------|---------|--------|------------|--------|"
    );
    for what in ["apply", "rebuild"] {
        let described = match what {
            "apply" => "apply, events in memory",
            _ => "rebuild from the journal",
        };
        let us = std::env::current_exe().expect("the benchmark knows its own path");
        let output = Command::new(us).arg(what).arg(&dir).output().expect("the benchmark can start itself");
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        println!("| {described:<29} {}", String::from_utf8_lossy(&output.stdout).trim_end());
    }
}

/// The `step`th event of a thread.
fn payload(step: u64, thread: u64) -> String {
    const KINDS: [&str; 12] = [
        "UserPromptSubmit",
        "PreModelRequest",
        "PostModelRequest",
        "PreToolUse",
        "PermissionRequest",
        "PostToolUse",
        "PreModelRequest",
        "PostModelRequest",
        "PreToolUse",
        "PostToolUse",
        "PreModelRequest",
        "Stop",
    ];
    let (turn, kind) = (step / 12, KINDS[(step % 12) as usize]);
    let tool = turn * 2 + u64::from(step % 12 >= 8);
    let input = r#""tool_name":"Bash","tool_input":{"command":"cargo test --workspace --locked"}"#;
    let rest = match kind {
        "UserPromptSubmit" => r#""prompt":"Please make the tests of the parser pass, and say what was wrong.""#.to_owned(),
        "PreToolUse" => format!(r#"{input},"tool_use_id":"call_{tool:024}""#),
        "PermissionRequest" => input.to_owned(),
        "PostToolUse" => format!(
            r#"{input},"tool_response":"running 12 tests\n............\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.43s\n","tool_use_id":"call_{tool:024}""#
        ),
        "PostModelRequest" => r#""status":"completed","error":null,"token_usage":{"input_tokens":12000,"output_tokens":300}"#.to_owned(),
        "Stop" => r#""stop_hook_active":false,"last_assistant_message":"The parser took a tab for the end of a line.""#.to_owned(),
        _ => r#""permission_mode":"default""#.to_owned(),
    };
    format!(
        r#"{{"session_id":"019aa2f1-6c52-7a31-8d2e-0f4b{thread:08}","turn_id":"019aa2f1-7b10-7c44-{turn:04}-{thread:012}","transcript_path":"/home/dev/.codex/sessions/2026/11/21/rollout-2026-11-21T03-47-36-019aa2f1-6c52-7a31-8d2e-0f4b{thread:08}.jsonl","cwd":"/home/dev/project","hook_event_name":"{kind}","model":"gpt-5.5-codex","permission_mode":"default","n":{step},{rest}}}"#
    )
}

fn apply(dir: &Path) {
    let spool = Spool::open(dir).expect("the spool is there");
    let events: Vec<Event> =
        spool.journal().and_then(|journal| journal.collect()).expect("no event is damaged");
    let (before, cpu, start) = (status("VmRSS:"), cpu_seconds(), Instant::now());
    let mut index = ThreadIndex::new();
    for event in &events {
        std::hint::black_box(index.apply(event));
    }
    let time = start.elapsed();
    let cpu = cpu_seconds().zip(cpu).map(|(after, before)| after - before);
    let memory = status("VmRSS:").zip(before).map(|(after, before)| after - before);
    say(index.len(), events.len(), time, cpu, memory);
}

fn rebuild(dir: &Path) {
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let spool = Spool::open(dir).expect("the spool is there");
    let consumer = spool.ephemeral_consumer().open().expect("a consumer can be made");
    let observer = Observer::new(consumer).expect("no event is damaged");
    let time = start.elapsed();
    let cpu = cpu_seconds().zip(cpu).map(|(after, before)| after - before);
    let events = spool.report().events;
    let memory = status("VmHWM:");
    say(observer.index().len(), usize::try_from(events).expect("it is small"), time, cpu, memory);
}

fn say(threads: usize, events: usize, time: Duration, cpu: Option<f64>, memory: Option<f64>) {
    let memory = memory.map(|mib| format!("{mib:.1}")).unwrap_or_default();
    let cpu = cpu.map(|seconds| format!("{seconds:.2}")).unwrap_or_default();
    let (seconds, rate) = (time.as_secs_f64(), events as f64 / time.as_secs_f64());
    println!("| {threads:>7} | {events:>8} | {seconds:>7.2} | {cpu:>6} | {rate:>10.0} | {memory:>6} |");
}

/// Memory in MiB; only Linux tells.
fn status(field: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))?;
    Some(kilobytes.parse::<f64>().ok()? / 1024.0)
}

/// What this process has computed so far: other programs may run at the same time. Only Linux tells.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().ok());
    // A hundred a second, on every system of today.
    Some(ticks.sum::<Option<f64>>()? / 100.0)
}
