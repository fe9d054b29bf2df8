//! `hook-relay check`: whether all is as a relay needs it.

use std::io::Write;

use async_nats::jetstream::stream::{Config, DiscardPolicy};

use crate::error::Error;
use crate::identity;
use crate::run::Source;
use crate::server::{Connection, Server};
use crate::stream::{find, takes, warnings};

/// Tell whether server, stream and spool are as a relay needs them, and publish nothing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    source: Source,
    /// The stream that takes the events
    #[arg(long, value_name = "NAME", default_value = "CODEX")]
    stream: String,
}

/// Prints what there is.
///
/// # Errors
/// The first that a relay would end with.
pub(crate) async fn check(args: Args) -> Result<(), Error> {
    let spool = args.source.open()?;
    let report = spool.report();
    let waiting = report.consumers.iter().find(|consumer| consumer.name == args.source.consumer);
    line("spool", &format!("{}, {} events", spool.dir().display(), report.events))?;
    let waiting = match waiting {
        Some(consumer) => format!(
            "{} events for consumer {}{}, {} in its dead/",
            consumer.pending,
            consumer.name,
            if consumer.running { " (which runs)" } else { "" },
            consumer.dead
        ),
        None => format!(
            "consumer {} is not there yet: its first run begins with the earliest event",
            args.source.consumer
        ),
    };
    line("waiting", &waiting)?;
    let connection = args.server.connect().await?;
    line("server", &server(&connection))?;
    let info = find(&connection, &args.stream, None).await?;
    line("stream", &stream(&info.config, info.state.messages, info.state.bytes))?;
    for warning in warnings(&info.config) {
        line("warning", &warning)?;
    }
    let host = match identity::known(spool.dir(), args.source.host.as_ref())? {
        Some(host) => {
            line("host", &format!("{host}, for good"))?;
            host
        }
        None => {
            let host = identity::choose(args.source.host.as_ref())?;
            line("host", &format!("{host}, unless the first run is given another with --host"))?;
            host
        }
    };
    takes(&info.config, &host, &[])
}

fn server(connection: &Connection) -> String {
    let info = connection.client.server_info();
    let cluster = info.cluster.as_ref().map(|name| format!(", cluster {name}")).unwrap_or_default();
    let (address, version, max) = (&connection.address, &info.version, info.max_payload);
    format!("{address}, version {version}{cluster}, messages up to {max} bytes")
}

fn stream(config: &Config, messages: u64, bytes: u64) -> String {
    let or_any =
        |limit: i64, unit: &str| if limit < 0 { format!("any {unit}") } else { format!("{limit} {unit}") };
    let age = match config.max_age.is_zero() {
        true => "for ever".to_owned(),
        false => format!("for {}", humantime::format_duration(config.max_age)),
    };
    let full = match config.discard {
        DiscardPolicy::Old => "forgets its oldest when full",
        DiscardPolicy::New => "refuses new ones when full",
    };
    format!(
        "{}: {}, {} replicas, keeps {}, {} {age}, {full}, knows duplicates for {}; holds {messages} messages, {bytes} bytes",
        config.name,
        config.subjects.join(", "),
        config.num_replicas,
        or_any(config.max_messages, "messages"),
        or_any(config.max_bytes, "bytes"),
        humantime::format_duration(config.duplicate_window),
    )
}

fn line(what: &str, text: &str) -> Result<(), Error> {
    match writeln!(std::io::stdout(), "{what:<9}{text}") {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::Output),
    }
}
