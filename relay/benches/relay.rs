//! How fast a relay, as it is released, publishes to a server on the same machine, what it takes in memory, and how soon a
//! subscriber has an event. `cargo bench -p codex-spool-nats [-- rate EVENTS THREADS RUNS | latency RUNS]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_hook_tests::{NatsServer, released_hook_binary, released_relay_binary};
use codex_spool::{Capture, Spool};
use futures_util::StreamExt;
use tokio::runtime::Runtime;

/// How many events wait when the relay starts, of how many threads, and how often that is measured.
const WAITING: [(usize, usize, usize); 5] =
    [(10_000, 1_000, 5), (100_000, 1_000, 5), (1_000_000, 1_000, 1), (100_000, 100, 3), (10_000, 1, 3)];
const RUNS: usize = 500;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse().expect("a number");
    match &args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect::<Vec<_>>()[..] {
        _ if !args.iter().any(|arg| arg == "--bench") => {
            println!("relay: not measured: run it with cargo bench")
        }
        ["rate", waiting, threads, runs] => rate(&[(number(waiting), number(threads), number(runs))]),
        ["latency", runs] => latency(number(runs)),
        _ => {
            latency(RUNS);
            rate(&WAITING);
        }
    }
}

/// The server has been away, and so many events wait. Of several runs the median.
fn rate(waiting: &[(usize, usize, usize)]) {
    println!("| waiting | threads | events/s | CPU of the relay, us an event | of the server | peak MiB |");
    println!("|--------:|--------:|---------:|------------------------------:|--------------:|---------:|");
    let program = released_relay_binary();
    for &(number, threads, runs) in waiting {
        let mut measured: Vec<_> = (0..runs).map(|_| publish(&program, number, threads)).collect();
        measured.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (rate, relay, server, peak) = measured[runs / 2];
        println!(
            "| {number:>7} | {threads:>7} | {rate:>8.0} | {relay:>29.1} | {server:>13.1} | {peak:>8.1} |"
        );
    }
}

/// Events a second, the CPU of relay and server in microseconds an event, and the relay's peak of memory in MiB.
fn publish(program: &Path, number: usize, threads: usize) -> (f64, f64, f64, f64) {
    let dir = scratch();
    let spool = spool(dir.path());
    // A relay has run here before.
    spool.consumer("relay").and_then(|consumer| consumer.open()).expect("it can be made");
    (0..number).for_each(|number| record(&spool, number, threads));
    let server = NatsServer::start();
    let runtime = runtime();
    let client = runtime.block_on(async_nats::connect(server.url())).expect("the server is there");
    let begun = Instant::now();
    let relay = Relay::start(program, spool.dir(), &server.url());
    runtime.block_on(async {
        let jetstream = async_nats::jetstream::new(client);
        let messages = async || match jetstream.get_stream("CODEX").await {
            Ok(stream) => stream.cached_info().state.messages,
            Err(_) => 0,
        };
        while messages().await < number as u64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = |pid: u32| cpu_seconds(pid) * 1e6 / number as f64;
    (number as f64 / seconds, cpu(relay.0.id()), cpu(server.pid()), peak(relay.0.id()))
}

fn latency(runs: usize) {
    let dir = scratch();
    let spool = spool(dir.path());
    let server = NatsServer::start();
    let _relay = Relay::start(&released_relay_binary(), spool.dir(), &server.url());
    let runtime = runtime();
    let client = runtime.block_on(async_nats::connect(server.url())).expect("the server is there");
    let mut published = runtime.block_on(client.subscribe("codex.>")).expect("the server lets us");
    let hook = released_hook_binary();
    let mut times: Vec<(Duration, Duration)> = Vec::with_capacity(runs);
    for run in 0..runs {
        let begun = Instant::now();
        let mut hook = Command::new(&hook)
            .args(["event", "--spool-dir"])
            .arg(spool.dir())
            .stdin(Stdio::piped())
            .spawn()
            .expect("hook can be started");
        hook.stdin.take().expect("it is piped").write_all(payload(run, 1_000).as_bytes()).expect("it reads");
        assert!(hook.wait().expect("it ends").success());
        let returned = begun.elapsed();
        runtime.block_on(published.next()).expect("it is published");
        times.push((returned, begun.elapsed()));
    }
    let mut after: Vec<Duration> =
        times.iter().map(|(returned, there)| there.saturating_sub(*returned)).collect();
    let mut whole: Vec<Duration> = times.into_iter().map(|(_, there)| there).collect();
    println!("from `hook event` to a subscriber, {runs} events one after the other, in ms\n");
    println!("| from                           |   p50 |   p99 |   max |");
    println!("|--------------------------------|------:|------:|------:|");
    for (what, times) in [("the start of `hook event`", &mut whole), ("its return", &mut after)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        println!("| {what:<30} | {:>5.2} | {:>5.2} | {:>5.2} |", at(0.5), at(0.99), at(1.0));
    }
    println!();
}

struct Relay(Child);

impl Relay {
    /// Returns when it is connected.
    fn start(program: &Path, spool: &Path, url: &str) -> Self {
        let mut process = Command::new(program)
            .args(["run", "--create", "--host", "bench", "--server", url, "--spool-dir"])
            .arg(spool)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the relay can be started");
        let mut said = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let is_ready =
            |line: std::io::Result<String>| line.is_ok_and(|line| line.contains("relaying as host"));
        assert!(said.any(is_ready), "the relay does not start");
        Self(process)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On the disk of the target folder: the temporary directory may be in memory.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written to")
}

fn spool(dir: &Path) -> Spool {
    let path = dir.join("spool");
    drop(Spool::open(&path).expect("a spool can be made"));
    fs::write(path.join("spool.toml"), "durability = \"process\"\n").expect("it can be written to");
    Spool::open(&path).expect("it is a spool")
}

fn record(spool: &Spool, number: usize, threads: usize) {
    spool.record(payload(number, threads).as_bytes(), &Capture::now()).expect("it is an event");
}

fn payload(number: usize, threads: usize) -> String {
    let (thread, call) = (number % threads, number / threads);
    format!(
        r#"{{"session_id":"019aa2f1-6c52-7a31-8d2e-0f4b{thread:08}","turn_id":"019aa2f1-7b10-7c44-9f3a-5a1d2c3b4e5f","cwd":"/home/dev/project","hook_event_name":"PostToolUse","model":"gpt-5.5-codex","permission_mode":"default","tool_name":"Bash","tool_input":{{"command":"cargo test --workspace"}},"tool_response":"running 12 tests\n............\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.43s\n","tool_use_id":"call_{call:024}"}}"#
    )
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Only Linux tells; 0 elsewhere.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, fields)| fields).unwrap_or_default();
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn peak(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
