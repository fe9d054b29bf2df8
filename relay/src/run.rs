//! `hook-relay run`: from the spool into the stream.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use codex_spool::{Consumer, ConsumerName, Delivery, EventKind, Spool, Start};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::identity;
use crate::message::{Policy, Unfit};
use crate::publisher::Publisher;
use crate::say::{Trouble, say};
use crate::server::{Connection, Server, pause};
use crate::stream::{self, NewStream};
use crate::subject::Host;

/// How long what is on its way has to arrive when the relay is told to end.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

/// Publish what is in the spool and what comes, until it is told to end
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    source: Source,
    /// The stream that takes the events
    #[arg(long, value_name = "NAME", default_value = "CODEX")]
    stream: String,
    #[command(flatten)]
    new: NewStream,
    /// Only events of these kinds, separated by commas; the others are settled, and not published later either
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<EventKind>,
    /// How much of an event leaves this host
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    payload: Policy,
    /// How many events may be on their way at a time, each of another thread
    #[arg(long, value_name = "N", default_value_t = 512)]
    window: usize,
}

/// A kind that this version knows: what is left out is settled, so a slip must not leave out all.
fn kind(name: &str) -> Result<EventKind, String> {
    match EventKind::from(name.trim()) {
        EventKind::Other(_) => {
            let known: Vec<&str> = EventKind::KNOWN.iter().map(EventKind::as_str).collect();
            Err(format!("no kind of event: there are {}", known.join(", ")))
        }
        kind => Ok(kind),
    }
}

/// What is relayed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
    /// The spool directory [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// The consumer of the spool that this relay is
    #[arg(long, value_name = "NAME", default_value = "relay")]
    pub(crate) consumer: ConsumerName,
    /// How this host is called in subjects and ids; chosen once [default: what the system calls it]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<Host>,
}

impl Source {
    /// Opens the spool.
    ///
    /// # Errors
    /// When there is none and none can be made.
    pub(crate) fn open(&self) -> Result<Spool, Error> {
        Ok(match &self.spool_dir {
            Some(dir) => Spool::open(dir)?,
            None => Spool::open_default()?,
        })
    }
}

/// Relays until the process is told to end.
///
/// # Errors
/// When the spool, the stream or the server is not what it must be. A server that is only away is waited for.
pub(crate) async fn run(args: Args) -> Result<(), Error> {
    let spool = args.source.open()?;
    let asked = args.source.host.as_ref();
    let host = identity::known(spool.dir(), asked)?.map_or_else(|| identity::choose(asked), Ok)?;
    // Before anything else: from now on nothing is missed, whether there is a server or not.
    let consumer = spool
        .consumer(args.source.consumer.as_str())?
        .start(Start::Earliest)
        .kinds(args.kinds.iter().cloned())
        .ordered_by_thread(true)
        .max_in_flight(args.window)
        .open()?;
    let end = told_to_end()?;
    tokio::pin!(end);
    let publisher = tokio::select! {
        publisher = begin(&args, &spool, &host) => Arc::new(publisher?),
        () = &mut end => return Ok(()),
    };
    let stop = consumer.stop_handle();
    let relayed = relay(consumer, Arc::clone(&publisher));
    tokio::pin!(relayed);
    tokio::select! {
        ended = &mut relayed => return ended,
        () = &mut end => stop.stop(),
    }
    match tokio::time::timeout(LAST_MOMENTS, relayed).await {
        Ok(ended) => {
            ended?;
            publisher.flush().await;
        }
        Err(_) => say("ending with events on their way; they are looked up when the relay runs again"),
    }
    Ok(())
}

/// Connects and finds the stream or makes it, however long it takes until the server can.
async fn begin(args: &Args, spool: &Spool, host: &Host) -> Result<Publisher, Error> {
    let (trouble, mut connection) = (Trouble::default(), None);
    for attempt in 0.. {
        match try_to_begin(args, spool, host, &mut connection).await {
            // One that has just come up, or a cluster that is about to choose its leader, refuses for a while.
            Err(error @ (Error::Away { .. } | Error::JetStream { .. })) => {
                trouble.is(format!("{error}; the events wait in the spool, and it is tried again"));
            }
            begun => return begun,
        }
        tokio::time::sleep(pause(attempt)).await;
    }
    unreachable!("there is always another attempt")
}

/// The connection, once there is one, is kept for the next try.
async fn try_to_begin(
    args: &Args,
    spool: &Spool,
    host: &Host,
    connection: &mut Option<Connection>,
) -> Result<Publisher, Error> {
    let connection = match connection {
        Some(kept) => kept.clone(),
        None => connection.insert(args.server.connect().await?).clone(),
    };
    let info = stream::find(&connection, &args.stream, Some(&args.new)).await?;
    stream::takes(&info.config, host, &args.kinds)?;
    let (server, stream) = (connection.address.clone(), &args.stream);
    let publisher = Publisher::new(connection, stream, host.clone(), args.payload).await?;
    for warning in stream::warnings(&info.config) {
        say(&format!("stream {stream}: {warning}"));
    }
    // From now on messages have its name.
    identity::keep(spool.dir(), host)?;
    say(&format!("relaying as host {host} into stream {stream} at {server}"));
    Ok(publisher)
}

/// Publishes what the consumer hands out, as much at once as it hands out: one thread reads the spool and makes the
/// messages, this one speaks to the server, a third settles.
async fn relay(mut consumer: Consumer, publisher: Arc<Publisher>) -> Result<(), Error> {
    let (give, mut take) = mpsc::unbounded_channel();
    let maker = Arc::clone(&publisher);
    spawn("read", move || {
        for delivery in consumer.listen() {
            let made = delivery.map(|delivery| (maker.message(delivery.event()), delivery));
            // Nobody takes it: the relay has ended.
            if give.send(made).is_err() {
                return;
            }
        }
    })?;
    let (settled, to_settle) = std::sync::mpsc::channel();
    let settling = spawn("settle", move || to_settle.into_iter().for_each(settle))?;
    let deliveries = futures_util::stream::poll_fn(|context| take.poll_recv(context));
    let published = deliveries.map(|made| async {
        match made {
            Ok((message, delivery)) => {
                let published = publisher.publish(delivery.event(), message).await;
                // Where it has panicked, the event is retried.
                let _ = settled.send((published, delivery));
                Ok(())
            }
            Err(error @ codex_spool::Error::NoConsumer { .. }) => Err(Error::from(error)),
            // It is about one event, or will pass.
            Err(error) => {
                say(&error.to_string());
                Ok(())
            }
        }
    });
    // No more at once than the consumer hands out.
    published.buffer_unordered(usize::MAX).try_for_each(|()| std::future::ready(Ok(()))).await?;
    drop(settled);
    // What it could have panicked of has been printed.
    let _ = tokio::task::spawn_blocking(|| settling.join()).await;
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::Start)
}

fn settle((published, delivery): (Result<(), Unfit>, Delivery)) {
    let settled = match published {
        Ok(()) => delivery.ack(),
        Err(unfit) => {
            say(&format!("event {} is {unfit}: it is in the dead/ of this consumer", delivery.id()));
            delivery.reject(&unfit.to_string())
        }
    };
    // It comes again then, and is found in the stream.
    if let Err(error) = settled {
        say(&error.to_string());
    }
}

/// Returns when the process is told to end.
fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupted = signal(SignalKind::interrupt()).map_err(Error::Start)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(Error::Start)?;
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where it cannot be told it does not end by being told.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
