//! An event, and typed access to it.

mod file;
mod kind;
mod less;
pub(crate) mod view;

use std::fmt;
use std::ops::Range;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub(crate) use self::file::EventFile;
pub use self::kind::EventKind;
use self::view::View;
use crate::error::Result;
use crate::record::Head;
use crate::time::Moment;
use crate::{EventId, ThreadId, Truncation};

/// What was masked in a payload before it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Redaction {
    /// Where: a JSON Pointer (RFC 6901) into the payload.
    pub pointer: String,
    /// How many places of that string were masked.
    pub count: u64,
}

/// One lifecycle event of Codex, as it was recorded.
///
/// The payload is there byte for byte as Codex sent it ([`payload`](Self::payload)), and typed
/// ([`view`](Self::view)); the rest is what the spool knows of the moment it was captured.
///
/// ```
/// # use codex_spool::{Capture, Spool, Start, view::View};
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// # let mut consumer = spool.consumer("docs")?.start(Start::Earliest).open()?;
/// # spool.record(br#"{"hook_event_name":"Stop","session_id":"s","cwd":"/","last_assistant_message":"Done."}"#, &Capture::now())?;
/// for delivery in consumer.drain() {
///     let delivery = delivery?;
///     if let View::Stop(stop) = delivery.event().view()? {
///         println!("{}: {}", stop.cwd, stop.last_assistant_message.unwrap_or_default());
///     }
///     delivery.ack()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Event {
    line: Box<str>,
    payload: Range<usize>,
    id: EventId,
    kind: EventKind,
    captured_at: Moment,
    thread: Option<ThreadId>,
    position: Option<u64>,
    parent_pid: u32,
    tag: Option<Box<str>>,
    truncated: Vec<Truncation>,
    redacted: Vec<Redaction>,
}

impl Event {
    /// Reads the line of a record, or says in a few words what is wrong with it.
    pub(crate) fn read(line: Vec<u8>) -> Result<Self, String> {
        let head = Head::read(&line)?;
        // What was read borrows from the line, which is about to move into the event; what stays is where it stood.
        let start = head.payload.get().as_ptr().addr() - line.as_ptr().addr();
        let event = Self {
            line: Box::default(),
            payload: start..start + head.payload.get().len(),
            id: head.id,
            kind: EventKind::from(&*head.event),
            captured_at: head.captured_at,
            thread: head.thread,
            position: head.position,
            parent_pid: head.parent_pid,
            tag: head.tag.map(|tag| tag.into()),
            truncated: head.truncated,
            redacted: head.redacted,
        };
        let line = String::from_utf8(line).expect("a record that was read is UTF-8");
        Ok(Self { line: line.into_boxed_str(), ..event })
    }

    /// Its identity: the same however often it is delivered.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Which of Codex's lifecycle events it is.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// When `hook event` had read it from Codex, to the nanosecond.
    pub fn captured_at(&self) -> SystemTime {
        self.captured_at.time()
    }

    pub(crate) fn moment(&self) -> Moment {
        self.captured_at
    }

    /// Its thread: the subagent where it is one's, else the session.
    pub fn thread_id(&self) -> Option<&ThreadId> {
        self.thread.as_ref()
    }

    /// The length of the thread's transcript, in bytes, when the event was captured; `None` where that is no part of
    /// the event's identity.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// The process that ran the hook: Codex itself, where its shell execs. `None` where that was not known.
    pub fn parent_pid(&self) -> Option<u32> {
        (self.parent_pid != 0).then_some(self.parent_pid)
    }

    /// The value that `CODEX_HOOK_TAG` had in Codex's environment: whose session it is.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The strings that were cut, because the event was larger than the spool's `max_event_bytes`.
    pub fn truncated(&self) -> &[Truncation] {
        &self.truncated
    }

    /// What was masked before it was written.
    pub fn redacted(&self) -> &[Redaction] {
        &self.redacted
    }

    /// The payload, a JSON object, as Codex sent it: but for line breaks between tokens, which are spaces, and for what
    /// [`truncated`](Self::truncated) and [`redacted`](Self::redacted) name.
    pub fn payload(&self) -> &str {
        &self.line[self.payload.clone()]
    }

    /// The record as it lies on disk: one line of JSON, with the line break at its end.
    pub fn record(&self) -> &str {
        &self.line
    }

    /// The payload's fields, typed by the kind of event.
    ///
    /// # Errors
    /// [`Error::View`](crate::Error::View) when a field that this kind of event has on every version of Codex is missing or of another type; the text
    /// names it. The payload can still be read as JSON.
    pub fn view(&self) -> Result<View> {
        Ok(View::of(&self.kind, self.payload())?)
    }
}

/// Without the payload: what is logged in passing should not hold prompts.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("captured_at", &format_args!("{}", self.captured_at))
            .field("thread_id", &self.thread)
            .finish_non_exhaustive()
    }
}
