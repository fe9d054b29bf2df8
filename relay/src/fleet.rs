//! What the stream holds, for people: `hook-relay tail` and `hook-relay threads`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use codex_hook::show;
use codex_spool::{Event, Status, Thread, ThreadIndex};
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::error::Error;
use crate::say::{Trouble, say};
use crate::server::{Connection, Server, pause};
use crate::stream::{find, full};
use crate::subject::{Host, filter, host_of};

/// How soon a message comes that is there; else it is looked whether it is.
const SOON: Duration = Duration::from_secs(30);

/// Print the events of every host
#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    of: Of,
    /// Print each event as JSON: {"host","sequence","record"}
    #[arg(long)]
    json: bool,
    /// Begin with what is that old: 2h, 7d [default: with what comes; with --no-follow with all there is]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// End when there is no more
    #[arg(long)]
    no_follow: bool,
    /// Only events of this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only events of this thread
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
}

/// Print what every thread of every host is doing, as far as events tell
#[derive(Debug, clap::Args)]
pub(crate) struct Threads {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    of: Of,
    /// Print them as JSON, each with its host
    #[arg(long)]
    json: bool,
    /// With those that have ended
    #[arg(long)]
    all: bool,
    /// Read only events that are not older: 2h, 7d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "7d")]
    since: Duration,
}

/// Which part of the fleet is meant.
#[derive(Debug, clap::Args)]
struct Of {
    /// The stream that holds the events
    #[arg(long, value_name = "NAME", default_value = "CODEX")]
    stream: String,
    /// Only events of this host
    #[arg(long, value_name = "NAME")]
    host: Option<Host>,
}

/// Prints events as they come.
///
/// # Errors
/// When the server or the stream is not there, or nobody takes what is printed.
pub(crate) async fn tail(args: Tail) -> Result<(), Error> {
    let connection = args.server.connect().await?;
    let filter = filter(args.of.host.as_ref(), args.kind.as_deref(), args.thread.as_deref());
    let color = is_colored();
    let mut out = std::io::stdout();
    let mut reader = Reader::open(&connection, &args.of.stream, filter, args.since, !args.no_follow).await?;
    while let Some(message) = reader.next().await {
        let Some(Told { host, sequence, event }) = told(&message) else { continue };
        let written = match args.json {
            true => {
                let record = event.record().trim_end();
                let line = format!(r#"{{"host":"{host}","sequence":{sequence},"record":{record}}}"#);
                writeln!(out, "{}", if out.is_terminal() { show::json(&line) } else { line })
            }
            false => write!(out, "{host:<12}  {}", show::event(&event, color)),
        };
        if !is_taken(written)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Prints what every thread is doing.
///
/// # Errors
/// As [`tail`].
pub(crate) async fn threads(args: Threads) -> Result<(), Error> {
    let connection = args.server.connect().await?;
    let filter = filter(args.of.host.as_ref(), None, None);
    let mut reader = Reader::open(&connection, &args.of.stream, filter, Some(args.since), false).await?;
    let mut hosts = BTreeMap::<Host, ThreadIndex>::new();
    while let Some(message) = reader.next().await {
        if let Some(Told { host, event, .. }) = told(&message) {
            hosts.entry(host).or_default().apply(&event);
        }
    }
    // The processes and transcripts of other hosts cannot be looked at.
    let wanted = |thread: &Thread| args.all || thread.status != Status::Ended;
    let hosts = hosts.into_iter().map(|(host, index)| {
        let threads: Vec<Thread> = index.threads().into_iter().filter(wanted).collect();
        (host, threads)
    });
    let hosts: Vec<(Host, Vec<Thread>)> = hosts.filter(|(_, threads)| !threads.is_empty()).collect();
    let mut out = std::io::stdout();
    let text = if args.json { json(&hosts) } else { table(&hosts) };
    let text = if args.json && out.is_terminal() { show::json(&text) } else { text };
    is_taken(out.write_all(text.as_bytes())).map(|_| ())
}

/// An event of the fleet.
struct Told {
    host: Host,
    sequence: u64,
    event: Event,
}

/// The messages of a stream, in order.
struct Reader<'a> {
    connection: &'a Connection,
    stream: &'a str,
    filter: String,
    /// Whether it waits for those that come.
    follow: bool,
    /// From where to read on.
    from: DeliverPolicy,
    messages: Ordered,
    /// How many there are so far that have not been read.
    left: u64,
    changes: watch::Receiver<bool>,
}

impl<'a> Reader<'a> {
    async fn open(
        connection: &'a Connection,
        stream: &'a str,
        filter: String,
        since: Option<Duration>,
        follow: bool,
    ) -> Result<Self, Error> {
        let newest = find(connection, stream, None).await?.state.last_sequence;
        let start = since.and_then(|age| SystemTime::now().checked_sub(age));
        let from = match (since, start.filter(|start| *start > SystemTime::UNIX_EPOCH)) {
            (Some(_), Some(start)) => DeliverPolicy::ByStartTime { start_time: start.into() },
            // Not "new": so that what comes while the connection is lost is not passed over.
            (None, _) if follow => DeliverPolicy::ByStartSequence { start_sequence: newest + 1 },
            _ => DeliverPolicy::All,
        };
        let (messages, left) = subscribe(connection, stream, &filter, from).await?;
        let changes = connection.changes();
        Ok(Self { connection, stream, filter, follow, from, messages, left, changes })
    }

    /// The next one; waits for it. `None`: there is no more, and it is not to wait.
    async fn next(&mut self) -> Option<Message> {
        let trouble = Trouble::default();
        while self.left > 0 || self.follow {
            // One that is known to be there may have been removed meanwhile.
            let soon = if self.left > 0 { SOON } else { Duration::MAX };
            let next = tokio::select! {
                next = tokio::time::timeout(soon, self.messages.next()) => next.unwrap_or_default(),
                // The client would notice at the second heartbeat that is missing.
                _ = self.changes.changed() => {
                    self.begin_again(&trouble).await;
                    continue;
                }
            };
            match next {
                Some(Ok(message)) => {
                    if let Ok(info) = message.info() {
                        self.from =
                            DeliverPolicy::ByStartSequence { start_sequence: info.stream_sequence + 1 };
                        self.left = info.pending;
                    }
                    trouble.is_over("the stream is read again");
                    return Some(message);
                }
                // The server, or its leader, is another one, and knows no more of who reads.
                Some(Err(error)) => {
                    trouble.is(format!("reading the stream: {}; it is tried again", full(&error)))
                }
                None => trouble.is("reading the stream: nothing more came; it is tried again".to_owned()),
            }
            self.begin_again(&trouble).await;
        }
        None
    }

    /// Goes on behind the last that was read, as soon as the server lets it.
    async fn begin_again(&mut self, trouble: &Trouble) {
        for attempt in 0.. {
            self.connection.connected().await;
            self.changes.mark_unchanged();
            match subscribe(self.connection, self.stream, &self.filter, self.from).await {
                Ok((messages, left)) => {
                    (self.messages, self.left) = (messages, left);
                    return;
                }
                Err(error) => trouble.is(format!("{error}; it is tried again")),
            }
            tokio::time::sleep(pause(attempt)).await;
        }
    }
}

async fn subscribe(
    connection: &Connection,
    stream: &str,
    filter: &str,
    policy: DeliverPolicy,
) -> Result<(Ordered, u64), Error> {
    let refused = |error: &dyn std::fmt::Display| connection.refused(format!("read stream {stream}"), error);
    let config = OrderedConfig {
        filter_subject: filter.to_owned(),
        deliver_policy: policy,
        ..OrderedConfig::default()
    };
    let handle = connection.jetstream.get_stream_no_info(stream).await.map_err(|error| refused(&error))?;
    let consumer = handle.create_consumer(config).await.map_err(|error| refused(&full(&error)))?;
    let left = consumer.cached_info().num_pending;
    let messages = consumer.messages().await.map_err(|error| refused(&full(&error)))?;
    Ok((messages, left))
}

/// The event in a message. `None`: it is none, which is said.
fn told(message: &Message) -> Option<Told> {
    let sequence = message.info().ok()?.stream_sequence;
    match (host_of(&message.subject), Event::from_record(message.payload.to_vec())) {
        (Some(host), Ok(event)) => Some(Told { host, sequence, event }),
        (_, read) => {
            let why =
                read.err().map_or_else(|| "its subject names no host".to_owned(), |error| error.to_string());
            say(&format!("message {sequence} of the stream is no event: {why}"));
            None
        }
    }
}

fn table(hosts: &[(Host, Vec<Thread>)]) -> String {
    if hosts.is_empty() {
        return "no threads that have not ended\n".to_owned();
    }
    let now = SystemTime::now();
    let of_host = |(host, threads): &(Host, Vec<Thread>)| {
        let lines = show::threads(threads, now, None, is_colored());
        format!("{host}\n{}\n", lines.into_iter().map(|line| format!("  {line}\n")).collect::<String>())
    };
    hosts.iter().map(of_host).collect::<Vec<_>>().concat()
}

fn json(hosts: &[(Host, Vec<Thread>)]) -> String {
    let threads = hosts.iter().flat_map(|(host, threads)| {
        threads.iter().map(move |thread| {
            let mut thread =
                serde_json::to_value(thread).expect("a thread has no maps, and its keys are strings");
            thread["host"] = host.as_str().into();
            thread
        })
    });
    format!("{}\n", serde_json::Value::Array(threads.collect()))
}

fn is_colored() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether somebody takes what is printed; a closed pipe is a normal end.
fn is_taken(written: std::io::Result<()>) -> Result<bool, Error> {
    match written.and_then(|()| std::io::stdout().flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Output(error)),
    }
}
