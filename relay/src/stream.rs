//! The stream that takes the events of the fleet.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamErrorKind, RequestErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use codex_spool::EventKind;

use crate::error::Error;
use crate::server::Connection;
use crate::subject::{Host, filter};

/// What a server says that has no JetStream, or none for this account. One that says otherwise may have it in a moment.
const WITHOUT: [ErrorCode; 2] =
    [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT];

/// What all hosts publish below.
const SUBJECTS: &str = "codex.>";

/// A stream that is made where there is none.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NewStream {
    /// Make the stream if there is none, with subjects codex.> and in files
    #[arg(long)]
    create: bool,
    /// On how many servers each event is kept
    #[arg(long, value_name = "N", default_value_t = 1, requires = "create")]
    replicas: usize,
    /// How long an event is kept
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = humantime::parse_duration, requires = "create")]
    max_age: Duration,
    /// How large the stream may become, in bytes; -1: as large as the server lets it
    #[arg(long, value_name = "BYTES", default_value_t = -1, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..), requires = "create")]
    max_bytes: i64,
    /// What a full stream does: forget its oldest events, or refuse new ones
    #[arg(long, value_name = "WHICH", default_value = "old", requires = "create")]
    discard: Discard,
    /// For how long the server itself knows an event that comes twice
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = humantime::parse_duration, requires = "create")]
    duplicate_window: Duration,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Discard {
    Old,
    New,
}

impl NewStream {
    fn config(&self, name: &str) -> Config {
        Config {
            name: name.to_owned(),
            description: Some("Lifecycle events of OpenAI's Codex CLI, relayed by hook-relay".to_owned()),
            subjects: vec![SUBJECTS.to_owned()],
            storage: StorageType::File,
            num_replicas: self.replicas,
            max_age: self.max_age,
            max_bytes: self.max_bytes,
            discard: match self.discard {
                Discard::Old => DiscardPolicy::Old,
                Discard::New => DiscardPolicy::New,
            },
            duplicate_window: self.duplicate_window.min(self.max_age),
            allow_direct: true,
            ..Config::default()
        }
    }
}

/// The stream's configuration; it is made first where there is none and `new` says so.
///
/// # Errors
/// When there is none, or the server refuses.
pub(crate) async fn find(
    connection: &Connection,
    name: &str,
    new: Option<&NewStream>,
) -> Result<Info, Error> {
    let what = || format!("look at stream {name}");
    let missing = match connection.jetstream.get_stream(name).await {
        Ok(stream) => return Ok(stream.cached_info().clone()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(refused) if refused.code() == 404 => {
                Error::NoStream { stream: name.to_owned(), server: connection.address.clone() }
            }
            GetStreamErrorKind::Request if is_without_jetstream(&error) => {
                Error::NoJetStream { server: connection.address.clone() }
            }
            GetStreamErrorKind::JetStream(refused) if WITHOUT.contains(&refused.error_code()) => {
                Error::NoJetStream { server: connection.address.clone() }
            }
            _ => return Err(connection.refused(what(), &full(&error))),
        },
    };
    match new.filter(|new| new.create) {
        Some(new) if matches!(missing, Error::NoStream { .. }) => {
            let made = connection.jetstream.create_stream(new.config(name)).await;
            let stream =
                made.map_err(|error| connection.refused(format!("create stream {name}"), &full(&error)))?;
            Ok(stream.cached_info().clone())
        }
        _ => Err(missing),
    }
}

/// Whether it takes what a host publishes of these kinds of events, or of all there are where none is named.
///
/// # Errors
/// [`Error::Subjects`] where it does not.
pub(crate) fn takes(config: &Config, host: &Host, kinds: &[EventKind]) -> Result<(), Error> {
    let all = EventKind::KNOWN.iter().cloned().chain([EventKind::from("of-a-later-Codex")]);
    let kinds: Vec<EventKind> = if kinds.is_empty() { all.collect() } else { kinds.to_vec() };
    let is_taken = |kind: &EventKind| {
        let subject = filter(Some(host), Some(kind.as_str()), Some("thread"));
        config.subjects.iter().any(|pattern| matches(pattern, &subject))
    };
    match kinds.iter().find(|kind| !is_taken(kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::Subjects {
            stream: config.name.clone(),
            subject: filter(Some(host), Some(kind.as_str()), None),
            subjects: config.subjects.join(", "),
        }),
    }
}

/// What a reader of the configuration should know.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.retention != RetentionPolicy::Limits {
        warnings.push(
            "it removes what was consumed, so that nobody can look up whether an event was published: after an unclean end some may be twice"
                .to_owned(),
        );
    }
    if config.duplicate_window < Duration::from_secs(1) {
        warnings.push(format!(
            "its duplicate window is {}: what is on its way when a connection is lost may be twice",
            humantime::format_duration(config.duplicate_window)
        ));
    }
    if config.no_ack {
        warnings.push("it acknowledges nothing, so that no event would ever be published".to_owned());
    }
    warnings
}

fn matches(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(token), Some(other)) if token == other => {}
            _ => return false,
        }
    }
}

fn is_without_jetstream(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(request) = error.downcast_ref::<async_nats::jetstream::context::RequestError>()
            && request.kind() == RequestErrorKind::NoResponders
        {
            return true;
        }
        source = error.source();
    }
    false
}

/// An error with all that is behind it.
pub(crate) fn full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_of_subjects_are_those_of_nats() {
        for (pattern, is_match) in [
            ("codex.>", true),
            ("codex.*.*.*", true),
            (">", true),
            ("codex.*.*", false),
            ("codex.b.>", false),
        ] {
            assert_eq!(matches(pattern, "codex.a.Stop.t"), is_match, "{pattern}");
        }
        assert!(!matches("codex.a.>", "codex.a"));
    }
}
