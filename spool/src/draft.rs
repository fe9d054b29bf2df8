//! What is to be recorded of a payload, before anything is on the disk.

use crate::EventId;
use crate::capture::Capture;
use crate::event::Redaction;
use crate::payload::Payload;
use crate::record::Record;
use crate::redact::Masked;
use crate::truncate::truncate;

/// A payload as it may be written, and what identifies it.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) id: EventId,
    read: Payload<'a>,
    position: Option<u64>,
    redacted: &'a [Redaction],
}

impl<'a> Draft<'a> {
    /// Of a payload at `position` of its thread, and of what masking made of it, if anything was to be masked. Or says in
    /// a few words why that is no event any more.
    pub(crate) fn new(
        read: Payload<'a>,
        position: Option<u64>,
        masked: Option<&'a Masked>,
    ) -> Result<Self, String> {
        let (read, redacted) = match masked {
            None => (read, &[][..]),
            // All that the record says is what the masked payload says.
            Some(masked) => match Payload::read(masked.text.as_bytes()) {
                Ok(read) => (read, &masked.redacted[..]),
                Err(reason) => return Err(format!("{reason} once it is masked")),
            },
        };
        Ok(Self { id: EventId::of(read.text.as_bytes(), position), read, position, redacted })
    }

    /// The line of the record, with a payload of at most so many bytes as far as cutting strings can do that.
    pub(crate) fn line(&self, capture: &Capture, max_event_bytes: usize) -> Vec<u8> {
        let (cut, truncated) = match self.read.text.len() > max_event_bytes {
            true => truncate(self.read.text, max_event_bytes),
            false => (String::new(), Vec::new()),
        };
        Record {
            id: self.id,
            event: &self.read.event,
            captured_at: capture.at,
            thread: self.read.thread.as_ref(),
            position: self.position,
            parent_pid: capture.parent_pid,
            tag: capture.tag.as_deref(),
            truncated: &truncated,
            redacted: self.redacted,
            payload: if truncated.is_empty() { self.read.text } else { &cut },
        }
        .encode()
    }
}
