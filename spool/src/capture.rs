//! The circumstances of an event.

use std::time::SystemTime;

use crate::time::Moment;

/// What is recorded of the moment an event was captured, beside its payload.
///
/// ```
/// use codex_spool::Capture;
/// let capture = Capture::now().parent_pid(4711).tag("nightly");
/// ```
#[derive(Debug, Clone)]
pub struct Capture {
    pub(crate) at: Moment,
    pub(crate) parent_pid: u32,
    pub(crate) tag: Option<Box<str>>,
}

/// The longest tag, in bytes.
const LONGEST_TAG: usize = 256;

impl Capture {
    /// Captured now, by the system's clock.
    pub fn now() -> Self {
        Self::at(SystemTime::now())
    }

    /// Captured at `time`. What was captured earlier is delivered earlier.
    pub fn at(time: SystemTime) -> Self {
        Self { at: Moment::of(time), parent_pid: 0, tag: None }
    }

    /// The process that ran the hook: Codex.
    pub fn parent_pid(self, pid: u32) -> Self {
        Self { parent_pid: pid, ..self }
    }

    /// A word of whoever started Codex, by which it knows its sessions again. At most 256 bytes are kept; an empty one
    /// is none.
    pub fn tag(self, tag: &str) -> Self {
        let tag = &tag[..tag.floor_char_boundary(LONGEST_TAG)];
        Self { tag: (!tag.is_empty()).then(|| tag.into()), ..self }
    }
}
