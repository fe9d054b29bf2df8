//! Copies of an event that hold less, to be given to others, and events that others have given.

use super::Event;
use crate::Redaction;
use crate::error::{Error, Result};
use crate::record::Record;
use crate::redact::Redact;
use crate::truncate::{Truncation, truncate};

impl Event {
    /// Reads a record that came by another way than a spool: over a network, from a file. It is the line that
    /// [`record`](Self::record) gives.
    ///
    /// ```
    /// # use codex_spool::{Capture, Event, testing::TestSpool};
    /// # let spool = TestSpool::new();
    /// # spool.record(br#"{"hook_event_name":"Stop","session_id":"a"}"#, &Capture::now())?;
    /// # let sent = spool.journal()?.next().expect("one event")?;
    /// let received = Event::from_record(sent.record())?;
    /// assert_eq!(received.id(), sent.id());
    /// assert!(Event::from_record(sent.record().replace("Stop", "Halt")).is_err());
    /// # Ok::<(), codex_spool::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotARecord`] where it is none, has been changed, or is of a format that this version does not know.
    pub fn from_record(line: impl Into<Vec<u8>>) -> Result<Self> {
        Self::read(line.into()).map_err(|reason| Error::NotARecord { reason })
    }

    /// The same event, with the same id, in whose payload is masked what `redact` asks for; it says so in
    /// [`redacted`](Self::redacted).
    ///
    /// ```
    /// # use codex_spool::{Capture, Redact, testing::TestSpool};
    /// # let spool = TestSpool::new();
    /// # spool.record(br#"{"hook_event_name":"PostToolUse","tool_response":"hush"}"#, &Capture::now())?;
    /// # let event = spool.journal()?.next().expect("one event")?;
    /// let without_output = Redact::default().and_pointer("/tool_response")?;
    /// let told = event.masked(&without_output);
    /// assert_eq!(told.id(), event.id());
    /// assert_eq!(told.payload(), r#"{"hook_event_name":"PostToolUse","tool_response":"[redacted]"}"#);
    /// # Ok::<(), codex_spool::Error>(())
    /// ```
    pub fn masked(&self, redact: &Redact) -> Self {
        match redact.json(self.payload()) {
            None => self.clone(),
            Some(masked) => self.with_payload(&masked.text, &[], &masked.redacted),
        }
    }

    /// The same event, with the same id, whose longest strings are cut, all to one length, until its record has at most
    /// `max_bytes`; it says so in [`truncated`](Self::truncated). Strings of up to 1 KiB are left, so that it may stay
    /// larger.
    ///
    /// ```
    /// # use codex_spool::{Capture, testing::TestSpool};
    /// # let spool = TestSpool::new();
    /// # let prompt = "x".repeat(10_000);
    /// # spool.record(format!(r#"{{"hook_event_name":"UserPromptSubmit","prompt":"{prompt}"}}"#).as_bytes(), &Capture::now())?;
    /// # let event = spool.journal()?.next().expect("one event")?;
    /// let told = event.cut(5_000);
    /// assert!(told.record().len() <= 5_000);
    /// assert_eq!(told.truncated()[0].pointer, "/prompt");
    /// # Ok::<(), codex_spool::Error>(())
    /// ```
    pub fn cut(&self, max_bytes: usize) -> Self {
        let mut cut = self.clone();
        // What was cut is named in the record, which takes some room again.
        let mut budget = self.payload().len();
        loop {
            let excess = cut.record().len().saturating_sub(max_bytes);
            let (text, truncated) = truncate(self.payload(), budget.saturating_sub(excess));
            if excess == 0 || text.len() >= cut.payload().len() {
                return cut;
            }
            budget = budget.saturating_sub(excess);
            cut = self.with_payload(&text, &truncated, &[]);
        }
    }

    fn with_payload(&self, payload: &str, truncated: &[Truncation], redacted: &[Redaction]) -> Self {
        let record = Record {
            id: self.id,
            event: self.kind.as_str(),
            captured_at: self.captured_at,
            thread: self.thread.as_ref(),
            position: self.position,
            parent_pid: self.parent_pid,
            tag: self.tag(),
            truncated: &[&self.truncated, truncated].concat(),
            redacted: &[&self.redacted, redacted].concat(),
            payload,
        };
        Self::read(record.encode()).expect("a record that has just been written is one")
    }
}
