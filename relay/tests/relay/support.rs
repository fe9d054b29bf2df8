//! A relay under test, and what came to be in its stream.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use codex_hook_tests::NatsServer;
use codex_spool::{Capture, Event, Spool};
use futures_util::StreamExt;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A `hook-relay` that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    process: Child,
    said: mpsc::Receiver<String>,
}

impl Relay {
    pub(crate) fn start(spool: &Path, url: &str, args: &[&str]) -> Self {
        let mut process = command(&["run"], url)
            .arg("--spool-dir")
            .arg(spool)
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the relay can be started");
        let stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| drop(say.send(line)))
        });
        Self { process, said }
    }

    /// Waits until it says a line that contains this.
    pub(crate) fn says(&self, what: &str) -> String {
        self.lines_until(what).pop().expect("the last is the one")
    }

    /// All that it says up to a line that contains this.
    pub(crate) fn lines_until(&self, what: &str) -> Vec<String> {
        let mut heard: Vec<String> = Vec::new();
        while !heard.last().is_some_and(|line| line.contains(what)) {
            let line = self.said.recv_timeout(PATIENCE);
            heard.push(line.unwrap_or_else(|_| panic!("it never says {what:?}: {heard:?}")));
        }
        heard
    }

    /// Tells it to end (SIGTERM), and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill can be started");
        assert!(told.success());
        self.process.wait().expect("it can be waited for")
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("the relay can be killed");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `hook-relay` with a command, at a server.
pub(crate) fn command(args: &[&str], url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hook-relay"));
    command.args(args).args(["--server", url]).env_remove("NATS_URL").stdin(Stdio::null());
    command
}

/// The standard output of a command that ends well.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program can be started");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).expect("it is text")
}

/// The line on standard error of a command that fails.
pub(crate) fn failure(command: &mut Command) -> String {
    let output = command.output().expect("the program can be started");
    let stderr = String::from_utf8(output.stderr).expect("it is text");
    assert_eq!(output.status.code(), Some(1), "{command:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// A spool in which nothing is synced.
pub(crate) fn spool(dir: &Path) -> Spool {
    let path = dir.join("spool");
    Spool::open(&path).expect("a spool can be made");
    std::fs::write(path.join("spool.toml"), "durability = \"process\"\n").expect("it can be written to");
    Spool::open(&path).expect("it is a spool")
}

/// Records the `number`th event of so many threads.
pub(crate) fn record(spool: &Spool, number: usize, threads: usize) {
    spool.record(payload(number, threads).as_bytes(), &Capture::now()).expect("it is an event");
}

/// The payload of that event.
pub(crate) fn payload(number: usize, threads: usize) -> String {
    let (thread, n) = (number % threads, number / threads);
    format!(
        r#"{{"hook_event_name":"PostToolUse","session_id":"thread-{thread}","turn_id":"t","cwd":"/w","tool_use_id":"call-{n}","n":{n},"tool_response":"ok"}}"#
    )
}

/// Waits until the relay has settled all there is.
pub(crate) fn wait_until_settled(spool: &Spool) {
    let queue = spool.dir().join("consumers/relay/queue");
    let is_empty = || std::fs::read_dir(&queue).expect("it is there").next().is_none();
    let patience = Instant::now() + PATIENCE;
    while !is_empty() {
        assert!(Instant::now() < patience, "the relay settles nothing");
        std::thread::yield_now();
    }
}

/// Waits until so many events are in the stream.
pub(crate) fn wait_for(server: &NatsServer, number: usize) {
    ask(server, async |client| {
        let mut published = client.subscribe("codex.>").await.expect("the server lets us");
        let jetstream = async_nats::jetstream::new(client);
        loop {
            match jetstream.get_stream("CODEX").await {
                Ok(stream) if stream.cached_info().state.messages >= number as u64 => return,
                // A subscriber may have the last one sooner than the stream.
                Ok(_) => drop(tokio::time::timeout(Duration::from_millis(50), published.next()).await),
                // There is none yet, or a cluster that has lost its leader has no other yet.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
}

/// Runs what is asked of a server.
pub(crate) fn ask<T>(server: &NatsServer, asked: impl AsyncFnOnce(async_nats::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let client = async_nats::connect(server.url()).await.expect("the server is there");
        tokio::time::timeout(PATIENCE, asked(client)).await.expect("the server answers in time")
    })
}

/// All events of the stream CODEX, in its order.
pub(crate) fn events(server: &NatsServer) -> Vec<Event> {
    let events = messages(server).into_iter();
    events.map(|message| Event::from_record(message.payload.to_vec()).expect("a record")).collect()
}

/// All messages of the stream CODEX, in its order.
pub(crate) fn messages(server: &NatsServer) -> Vec<Message> {
    ask(server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        let config = OrderedConfig { deliver_policy: DeliverPolicy::All, ..OrderedConfig::default() };
        // A cluster that has lost its leader takes a while to have another.
        let consumer = loop {
            let Ok(stream) = jetstream.get_stream("CODEX").await else { continue };
            if let Ok(consumer) = stream.create_consumer(config.clone()).await {
                break consumer;
            }
        };
        let mut left = consumer.cached_info().num_pending;
        let mut messages = consumer.messages().await.expect("it can be read");
        let mut all = Vec::new();
        while left > 0 {
            let message = messages.next().await.expect("there is more").expect("it can be read");
            left = message.info().expect("it is of a stream").pending;
            all.push(message);
        }
        all
    })
}

/// Each event of so many threads is there once, and in order.
pub(crate) fn assert_exactly_once(events: &[Event], number: usize, threads: usize) {
    let ids: HashSet<_> = events.iter().map(Event::id).collect();
    let mut next = vec![0; threads];
    for event in events {
        let thread = event.thread_id().expect("it has one").as_str();
        let thread: usize = thread.trim_start_matches("thread-").parse().expect("a number");
        let payload: serde_json::Value = serde_json::from_str(event.payload()).expect("JSON");
        let n = payload["n"].as_u64().expect("a number") as usize;
        assert_eq!(n, next[thread], "thread {thread}: out of order, twice or missing");
        next[thread] += 1;
    }
    assert_eq!((events.len(), ids.len()), (number, number));
}
