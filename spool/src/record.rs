//! The record: one line of JSON that holds an event, and the check by which a damaged one is known.

use std::borrow::Cow;
use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Redaction;
use crate::time::Moment;
use crate::truncate::Truncation;
use crate::{EventId, ThreadId};

const FORMAT: u32 = 1;
/// The length of `,"check":"<32 hex>"}\n`.
const TAIL: usize = 45;
/// No record is shorter, in bytes.
pub(crate) const SHORTEST: u64 = TAIL as u64;

/// What goes into a record, but for the check.
pub(crate) struct Record<'a> {
    pub(crate) id: EventId,
    pub(crate) event: &'a str,
    pub(crate) captured_at: Moment,
    pub(crate) thread: Option<&'a ThreadId>,
    pub(crate) position: Option<u64>,
    pub(crate) parent_pid: u32,
    pub(crate) tag: Option<&'a str>,
    pub(crate) truncated: &'a [Truncation],
    pub(crate) redacted: &'a [Redaction],
    pub(crate) payload: &'a str,
}

impl Record<'_> {
    /// The line as it goes to disk.
    pub(crate) fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Head<'a> {
            format: u32,
            id: EventId,
            event: &'a str,
            #[serde(serialize_with = "display")]
            captured_at: Moment,
            thread_id: Option<&'a ThreadId>,
            position: Option<u64>,
            parent_pid: u32,
            tag: Option<&'a str>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            truncated: &'a [Truncation],
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            redacted: &'a [Redaction],
        }
        let head = Head {
            format: FORMAT,
            id: self.id,
            event: self.event,
            captured_at: self.captured_at,
            thread_id: self.thread,
            position: self.position,
            parent_pid: self.parent_pid,
            tag: self.tag,
            truncated: self.truncated,
            redacted: self.redacted,
        };
        let mut line = Vec::with_capacity(self.payload.len() + 512);
        serde_json::to_writer(&mut line, &head)
            .expect("a Vec takes all that is written, and the head has no maps");
        line.pop();
        line.extend_from_slice(b",\"payload\":");
        // Within valid JSON a line break can only stand between tokens.
        line.extend(self.payload.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        let check = EventId::of_bytes(&line).to_hex();
        line.extend_from_slice(b",\"check\":\"");
        line.extend_from_slice(&check);
        line.extend_from_slice(b"\"}\n");
        line
    }
}

fn display<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Whether these bytes are a record that was written to its end and has not changed since.
pub(crate) fn is_whole(line: &[u8]) -> bool {
    let Some((body, tail)) = line.len().checked_sub(TAIL).map(|at| line.split_at(at)) else { return false };
    tail.starts_with(b",\"check\":\"")
        && tail.ends_with(b"\"}\n")
        && tail[10..42] == EventId::of_bytes(body).to_hex()
}

/// The head of a record that is whole, and where its payload stands.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) id: EventId,
    pub(crate) event: Cow<'a, str>,
    pub(crate) captured_at: Moment,
    pub(crate) thread: Option<ThreadId>,
    pub(crate) position: Option<u64>,
    pub(crate) parent_pid: u32,
    pub(crate) tag: Option<Cow<'a, str>>,
    pub(crate) truncated: Vec<Truncation>,
    pub(crate) redacted: Vec<Redaction>,
    pub(crate) payload: &'a RawValue,
}

impl<'a> Head<'a> {
    /// Reads a record, or says in a few words why it is none.
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            format: u32,
            #[serde(borrow)]
            id: Cow<'a, str>,
            #[serde(borrow)]
            event: Cow<'a, str>,
            #[serde(borrow)]
            captured_at: Cow<'a, str>,
            #[serde(borrow)]
            thread_id: Option<Cow<'a, str>>,
            position: Option<u64>,
            parent_pid: u32,
            #[serde(borrow)]
            tag: Option<Cow<'a, str>>,
            #[serde(default)]
            truncated: Vec<Truncation>,
            #[serde(default)]
            redacted: Vec<Redaction>,
            #[serde(borrow)]
            payload: &'a RawValue,
        }
        if !is_whole(line) {
            return Err(match line.len() {
                0 => "it is empty".to_owned(),
                length => {
                    format!("its check does not fit its {length} bytes: it is truncated, changed or foreign")
                }
            });
        }
        let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        let fields: Fields<'a> =
            serde_json::from_str(text).map_err(|error| format!("it is no record: {error}"))?;
        if fields.format != FORMAT {
            return Err(format!("its format is {}, and this version knows {FORMAT}", fields.format));
        }
        Ok(Self {
            id: fields.id.parse().map_err(|_| "its id is none".to_owned())?,
            event: fields.event,
            captured_at: Moment::parse(&fields.captured_at).ok_or_else(|| "its time is none".to_owned())?,
            thread: fields
                .thread_id
                .map(|id| ThreadId::new(&id))
                .transpose()
                .map_err(|error| error.to_string())?,
            position: fields.position,
            parent_pid: fields.parent_pid,
            tag: fields.tag,
            truncated: fields.truncated,
            redacted: fields.redacted,
            payload: fields.payload,
        })
    }
}

/// The file that says what was rejected from standard input, and why.
pub(crate) fn encode_rejected(
    reason: &str,
    bytes: u64,
    redacted: &[Redaction],
    kept: Option<&[u8]>,
) -> Vec<u8> {
    use base64::Engine;
    #[derive(Serialize)]
    struct Rejected<'a> {
        reason: &'a str,
        bytes: u64,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        redacted: &'a [Redaction],
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    }
    // Text that is mostly escapes would be six times as long as it was.
    let escapes = kept.unwrap_or_default().iter().filter(|byte| byte.is_ascii_control()).count();
    let readable = kept.filter(|kept| kept.len() < 1 << 16 || escapes * 10 <= kept.len());
    let text = readable.and_then(|kept| std::str::from_utf8(kept).ok());
    let base64 = match (kept, text) {
        (Some(kept), None) => Some(base64::engine::general_purpose::STANDARD.encode(kept)),
        _ => None,
    };
    let mut line = serde_json::to_vec(&Rejected { reason, bytes, redacted, text, base64 })
        .expect("a Vec takes all that is written, and there are no maps");
    line.write_all(b"\n").expect("a Vec takes all that is written");
    line
}
