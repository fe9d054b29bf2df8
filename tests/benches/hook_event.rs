//! What a firing of `hook event` costs, as a whole process: beside `cat >/dev/null`, which any hook costs at least,
//! and beside a program of Rust that does nothing. `cargo bench -p codex-hook-tests [-- RUNS]`
//!
//! The programs take turns, run by run, so that whatever else the machine does meets them all alike. Each run gets a
//! new event, in a pipe that holds it whole before the process starts. A time is the wall clock from before the
//! process is started until it has been reaped.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs;
use std::io::{Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codex_hook_tests::{released_hook_binary, released_no_op_binary};
use codex_spool::{Capture, Consumer, Spool};

const RUNS: usize = 1000;
const WARM_UP: usize = 20;
const CONSUMERS: [usize; 3] = [0, 1, 3];
const PENDING: [usize; 2] = [0, 100_000];

fn main() {
    let mut args = std::env::args().skip(1);
    let mut runs = RUNS;
    let mut bench = false;
    for arg in &mut args {
        match arg.parse() {
            Ok(number) => runs = number,
            Err(_) => bench |= arg == "--bench",
        }
    }
    if !bench {
        return println!("hook_event: not measured: run it with cargo bench");
    }
    let hook = released_hook_binary();
    let no_op = released_no_op_binary();
    // In the target folder: the temporary directory may be in memory, where a sync is free.
    let scratch =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written to");
    let mut events = Events::default();
    println!("hook event, a process each: wall clock in µs, {runs} runs of each in turn\n");
    masking(&hook, &no_op, &scratch.path().join("masking"), runs, &mut events);
    let mut spools = Vec::new();
    for pending in PENDING {
        for consumers in CONSUMERS {
            let dir = scratch.path().join(format!("{consumers}-{pending}"));
            spools.push(Prepared::new(dir, consumers, pending, &mut events));
        }
    }

    println!(
        "| durability | consumers | pending |   p50 |   p99 | p50 / cat | p50 / no-op | p50 / none pending |"
    );
    println!(
        "|------------|-----------|---------|-------|-------|-----------|-------------|--------------------|"
    );
    for durability in ["process", "full"] {
        let mut programs = vec![Program::new("cat", "/bin/cat".as_ref()), Program::new("no-op", &no_op)];
        for spool in &spools {
            spool.set_durability(durability);
            programs.push(Program::hook(&hook, spool));
        }
        for round in 0..WARM_UP + runs {
            for turn in 0..programs.len() {
                let place = (round + turn) % programs.len();
                let time = programs[place].run(&events.next());
                if round >= WARM_UP {
                    programs[place].times.push(time);
                }
            }
            spools.iter_mut().for_each(Prepared::settle);
        }
        report(durability, &mut programs);
    }
}

/// What `[redact]` adds, where nothing is found.
fn masking(hook: &Path, no_op: &Path, dir: &Path, runs: usize, events: &mut Events) {
    const PRESETS: &str = r#"["anthropic","aws","bearer","github","google","jwt","openai","password","private-key","slack","stripe"]"#;
    let asked = [
        ("nothing", String::new()),
        ("presets", format!("[redact]\npresets = {PRESETS}\n")),
        ("pattern", "[redact]\npatterns = ['ACME-[0-9]{8}']\n".to_owned()),
        ("pointer", "[redact]\npointers = [\"/prompt\"]\n".to_owned()),
    ];
    let mut programs = vec![Program::new("cat", "/bin/cat".as_ref()), Program::new("no-op", no_op)];
    for (name, redact) in &asked {
        let spool = Prepared::new(dir.join(name), 0, 0, events);
        let settings = format!("durability = \"process\"\n{redact}");
        fs::write(spool.dir.join("spool.toml"), settings).expect("the spool can be written to");
        programs.push(Program { name, spool: None, ..Program::hook(hook, &spool) });
    }
    for round in 0..WARM_UP + runs {
        for turn in 0..programs.len() {
            let place = (round + turn) % programs.len();
            let time = programs[place].run(&events.next());
            if round >= WARM_UP {
                programs[place].times.push(time);
            }
        }
    }
    programs.iter_mut().for_each(|program| program.times.sort_unstable());
    let cat = programs[0].quantile(0.5);
    println!("| masked  |   p50 |   p99 | p50 / cat |\n|---------|-------|-------|-----------|");
    for program in &programs {
        let (p50, p99) = (program.quantile(0.5), program.quantile(0.99));
        println!("| {:<7} | {p50:>5.0} | {p99:>5.0} | {:>9.2} |", program.name, p50 / cat);
    }
    println!();
}

fn report(durability: &str, programs: &mut [Program]) {
    programs.iter_mut().for_each(|program| program.times.sort_unstable());
    let median = |place: usize| programs[place].quantile(0.5);
    let (cat, no_op) = (median(0), median(1));
    for program in programs.iter() {
        let (p50, p99) = (program.quantile(0.5), program.quantile(0.99));
        let (name, consumers, pending, none_pending) = match program.spool {
            None => (program.name.to_owned(), String::new(), String::new(), String::new()),
            Some((consumers, pending)) => {
                let none = programs.iter().find(|other| other.spool == Some((consumers, 0)));
                let none = none.map(|none| p50 / none.quantile(0.5)).filter(|_| pending > 0);
                let none = none.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
                (durability.to_owned(), consumers.to_string(), pending.to_string(), none)
            }
        };
        println!(
            "| {name:<10} | {consumers:>9} | {pending:>7} | {p50:>5.0} | {p99:>5.0} | {:>9.2} | {:>11.2} | {none_pending:>18} |",
            p50 / cat,
            p50 / no_op,
        );
    }
}

/// A spool with consumers and what they have pending.
struct Prepared {
    dir: PathBuf,
    consumers: usize,
    pending: usize,
    /// Open where nothing is to be pending: they settle what the runs before left.
    settling: Vec<Consumer>,
}

impl Prepared {
    fn new(dir: PathBuf, consumers: usize, pending: usize, events: &mut Events) -> Self {
        let mut prepared = Self { dir, consumers, pending, settling: Vec::new() };
        Spool::open(&prepared.dir).expect("a spool can be made in the target folder");
        prepared.set_durability("process");
        let spool = Spool::open(&prepared.dir).expect("it is a spool now");
        for number in 0..consumers {
            let consumer = spool.consumer(&format!("consumer-{number}")).and_then(|builder| builder.open());
            prepared.settling.push(consumer.expect("a consumer can be made"));
        }
        if pending > 0 {
            prepared.settling.clear();
        }
        for _ in 0..pending {
            spool.record(events.next().as_bytes(), &Capture::now()).expect("an event can be recorded");
        }
        prepared
    }

    fn set_durability(&self, durability: &str) {
        let settings = format!("durability = \"{durability}\"\n");
        fs::write(self.dir.join("spool.toml"), settings).expect("the spool can be written to");
    }

    fn settle(&mut self) {
        for consumer in &mut self.settling {
            for delivery in consumer.drain() {
                delivery.and_then(|delivery| delivery.ack()).expect("an event can be drained");
            }
        }
    }
}

/// A program to be measured.
struct Program {
    name: &'static str,
    command: Command,
    /// Of `hook`: how many consumers the spool has, and how much each has pending.
    spool: Option<(usize, usize)>,
    times: Vec<Duration>,
}

impl Program {
    fn new(name: &'static str, program: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().stdout(Stdio::null()).stderr(Stdio::inherit());
        Self { name, command, spool: None, times: Vec::new() }
    }

    fn hook(program: &Path, spool: &Prepared) -> Self {
        let mut hook = Self::new("hook", program);
        hook.command.arg("event").env("CODEX_HOOK_SPOOL_DIR", &spool.dir);
        Self { spool: Some((spool.consumers, spool.pending)), ..hook }
    }

    fn run(&mut self, event: &str) -> Duration {
        let (reader, mut writer) = pipe().expect("a pipe can be made");
        writer.write_all(event.as_bytes()).expect("a pipe holds an event");
        drop(writer);
        self.command.stdin(reader);
        let start = Instant::now();
        let status = self.command.status();
        let time = start.elapsed();
        let status = status.expect("the program can be started");
        assert!(status.success(), "{}: {status}", self.name);
        time
    }

    /// In microseconds; the times are sorted.
    fn quantile(&self, quantile: f64) -> f64 {
        let place = (self.times.len() as f64 * quantile) as usize;
        self.times[place.min(self.times.len() - 1)].as_secs_f64() * 1e6
    }
}

/// Events of the size and shape that Codex sends, each another one.
#[derive(Default)]
struct Events(u64);

impl Events {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!(
            r#"{{"session_id":"019aa2f1-6c52-7a31-8d2e-0f4b6a1c9e77","turn_id":"019aa2f1-7b10-7c44-9f3a-5a1d2c3b4e5f","transcript_path":"/home/dev/.codex/sessions/2026/11/21/rollout-2026-11-21T03-47-36-019aa2f1-6c52-7a31-8d2e-0f4b6a1c9e77.jsonl","cwd":"/home/dev/project","hook_event_name":"PostToolUse","model":"gpt-5.5-codex","permission_mode":"default","tool_name":"Bash","tool_input":{{"command":"cargo test --workspace"}},"tool_response":"running 12 tests\n............\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.43s\n","tool_use_id":"call_{:024}"}}"#,
            self.0
        )
    }
}
