//! What is published of an event.

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_nats::header::{HeaderMap, NATS_MESSAGE_ID};
use codex_spool::{Event, Redact};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::subject::{Host, subject, thread_subjects};

/// How much of an event leaves the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Policy {
    /// All of it.
    #[default]
    Full,
    /// Without what tools printed.
    NoOutput,
    /// Only which thread, turn, tool and model it is about, and where it works; no text that anybody wrote.
    Metadata,
}

/// The keys of a payload that are no text of anybody's.
const METADATA: [&str; 19] = [
    "hook_event_name",
    "session_id",
    "turn_id",
    "agent_id",
    "agent_type",
    "parent_session_id",
    "transcript_path",
    "agent_transcript_path",
    "cwd",
    "model",
    "permission_mode",
    "source",
    "reason",
    "trigger",
    "status",
    "tool_name",
    "tool_use_id",
    "stop_hook_active",
    "token_usage",
];

/// The length of a day in a time: `2026-11-21`.
const DAY: usize = 10;

/// Headers of a message, beside `Nats-Msg-Id`.
pub(crate) const EVENT: &str = "Codex-Event";
/// See [`EVENT`].
pub(crate) const CAPTURED_AT: &str = "Codex-Captured-At";
/// There where a later event of the thread was published before.
pub(crate) const LATE: &str = "Codex-Late";

/// Why an event has no message. The text is the reason of its rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// However much is cut.
    #[error("larger than the NATS server takes, whatever is cut")]
    TooLarge,
    /// So nothing of it can be left out.
    #[error("of no use to a relay that leaves things out, since the keys of its payload cannot be read")]
    Unreadable,
}

/// A message about to be published.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Where to.
    pub(crate) subject: String,
    /// All subjects of its thread.
    pub(crate) thread: String,
    /// The id, the kind, thread, turn, folder, tag and time.
    pub(crate) headers: HeaderMap,
    /// The record.
    pub(crate) body: String,
}

impl Message {
    /// The message of an event that has, headers and all, at most `limit` bytes. Where the event is larger, its longest
    /// strings are cut; where that is not enough, it keeps no more than the metadata.
    ///
    /// # Errors
    /// When even that is too much, or it cannot be told what is metadata.
    pub(crate) fn of(event: &Event, host: &Host, policy: Policy, limit: usize) -> Result<Self, Unfit> {
        let headers = headers(event, host);
        let room = limit.checked_sub(length(&headers)).ok_or(Unfit::TooLarge)?;
        let told = policy.apply(event)?;
        let fits = |event: &Event| event.record().len() <= room;
        let told = if fits(&told) { told } else { Cow::Owned(told.cut(room)) };
        let told = if fits(&told) { told } else { Cow::Owned(Policy::Metadata.apply(event)?.cut(room)) };
        if !fits(&told) {
            return Err(Unfit::TooLarge);
        }
        Ok(Self {
            subject: subject(host, event),
            thread: thread_subjects(host, event),
            headers,
            body: told.record().to_owned(),
        })
    }
}

impl Policy {
    fn apply(self, event: &Event) -> Result<Cow<'_, Event>, Unfit> {
        let masked = |keys: &[String]| {
            let pointers = keys.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")));
            let redact = pointers.fold(Redact::default(), |redact, pointer| {
                redact.and_pointer(&pointer).expect("what is escaped so is a pointer")
            });
            Cow::Owned(event.masked(&redact))
        };
        Ok(match self {
            Self::Full => Cow::Borrowed(event),
            Self::NoOutput => masked(&["tool_response".to_owned()]),
            Self::Metadata => masked(&others(event)?),
        })
    }
}

/// The keys of the payload that are no metadata. However deep or odd their values are, the spool has taken them.
fn others(event: &Event) -> Result<Vec<String>, Unfit> {
    let values: BTreeMap<String, &RawValue> =
        serde_json::from_str(event.payload()).map_err(|_| Unfit::Unreadable)?;
    // Whatever may be inside of one that should be a plain value.
    let is_plain = |value: &RawValue| !value.get().starts_with(['{', '[']);
    let is_metadata = |key: &str, value| METADATA.contains(&key) && (key == "token_usage" || is_plain(value));
    Ok(values.into_iter().filter(|(key, value)| !is_metadata(key, value)).map(|(key, _)| key).collect())
}

/// What is told of a payload in headers; the rest is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    turn_id: Value,
    cwd: Value,
}

fn headers(event: &Event, host: &Host) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // To the nanosecond: the order of texts is that of times.
    let captured_at = humantime::format_rfc3339_nanos(event.captured_at()).to_string();
    // By it JetStream and the relay know the message. The id of an event is one of its day: what comes to the same another
    // day is another event.
    headers.insert(NATS_MESSAGE_ID, &*format!("{host}-{}-{}", event.id(), &captured_at[..DAY]));
    headers.insert("Codex-Host", host.as_str());
    headers.insert(EVENT, &*plain(event.kind().as_str()));
    headers.insert(CAPTURED_AT, &*captured_at);
    let about: About = serde_json::from_str(event.payload()).unwrap_or_default();
    let more = [
        ("Codex-Thread", event.thread_id().map(|thread| thread.as_str())),
        ("Codex-Turn", about.turn_id.as_str()),
        ("Codex-Cwd", about.cwd.as_str()),
        ("Codex-Tag", event.tag()),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            headers.insert(name, &*plain(value));
        }
    }
    headers
}

/// A value of a header: one line, and not a long one.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1024).collect()
}

/// How many bytes headers take on the wire.
fn length(headers: &HeaderMap) -> usize {
    const VERSION: usize = "NATS/1.0\r\n".len();
    let lines = headers.iter().flat_map(|(name, values)| {
        let name: &str = name.as_ref();
        values.iter().map(move |value| name.len() + value.as_str().len() + ": \r\n".len())
    });
    // And the mark of one that is late.
    VERSION + lines.sum::<usize>() + LATE.len() + ": true\r\n".len() + "\r\n".len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codex_spool::Capture;
    use codex_spool::testing::TestSpool;

    fn event(payload: &str) -> Event {
        let spool = TestSpool::new();
        spool.record(payload.as_bytes(), &Capture::now()).expect("it is an event");
        spool.journal().and_then(|mut journal| journal.next().expect("one event")).expect("it is sound")
    }

    fn host() -> Host {
        "web-1".parse().expect("a host")
    }

    fn message(event: &Event, policy: Policy, limit: usize) -> Option<Event> {
        let message = Message::of(event, &host(), policy, limit).ok()?;
        assert!(length(&message.headers) + message.body.len() <= limit);
        Some(Event::from_record(message.body).expect("a record"))
    }

    const ANSWER: &str = r#"{"hook_event_name":"PostToolUse","session_id":"a","cwd":"/w","tool_input":{"command":"ls"},"tool_response":"secret","unheard":"of"}"#;

    #[test]
    fn a_policy_says_how_much_leaves_the_host() {
        let nested = event(r#"{"hook_event_name":"SessionStart","session_id":"a","source":{"a":"secret"}}"#);
        let told = message(&nested, Policy::Metadata, 1 << 20).expect("it fits");
        assert!(!told.payload().contains("secret"), "{}", told.payload());
        let event = event(ANSWER);
        let payload = |policy| message(&event, policy, 1 << 20).expect("it fits").payload().to_owned();
        assert_eq!(payload(Policy::Full), ANSWER);
        assert_eq!(payload(Policy::NoOutput), ANSWER.replace("secret", "[redacted]"));
        let metadata = payload(Policy::Metadata);
        assert!(metadata.contains(r#""cwd":"/w""#), "{metadata}");
        for text in ["secret", "ls", "\"of\""] {
            assert!(!metadata.contains(text), "{metadata}");
        }
    }

    #[test]
    fn no_payload_is_so_odd_that_its_text_leaves_the_host() {
        let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
        for odd in [&*deep, "1e999", r#""\ud800""#] {
            let told = format!(
                r#"{{"hook_event_name":"PreToolUse","session_id":"a","tool_input":{odd},"tool_response":"secret"}}"#
            );
            let told = message(&event(&told), Policy::Metadata, 1 << 20).expect("it fits");
            let masked: Vec<&str> = told.redacted().iter().map(|one| &*one.pointer).collect();
            assert_eq!(masked, ["/tool_input", "/tool_response"], "{}", told.payload());
            assert!(
                !told.payload().contains(odd) && !told.payload().contains("secret"),
                "{}",
                told.payload()
            );
        }
    }

    #[test]
    fn what_is_too_large_is_cut_and_says_so() {
        let long = "x".repeat(100_000);
        let many: Vec<String> = (0..2000).map(|number| format!("\"{number}\"")).collect();
        let prompt =
            event(&format!(r#"{{"hook_event_name":"UserPromptSubmit","session_id":"a","prompt":"{long}"}}"#));
        let told = message(&prompt, Policy::Full, 10_000).expect("it can be cut");
        assert_eq!((told.id(), told.truncated()[0].bytes), (prompt.id(), 100_000));
        let list = event(&format!(
            r#"{{"hook_event_name":"UserPromptSubmit","session_id":"a","prompt":[{}]}}"#,
            many.join(",")
        ));
        let told = message(&list, Policy::Full, 5_000).expect("its metadata fit");
        assert_eq!(told.redacted()[0].pointer, "/prompt");
        assert!(message(&list, Policy::Full, 300).is_none());
    }
}
