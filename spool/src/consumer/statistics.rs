//! What a consumer has to do, and has done.

use std::time::SystemTime;

use serde::Serialize;

use crate::time::rfc3339;

/// How a consumer learns that there are new events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Wake {
    /// The file system tells it.
    Watch,
    /// It looks again and again.
    Poll,
}

impl Wake {
    /// `watch` or `poll`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Poll => "poll",
        }
    }
}

/// What a consumer has to do, and has done since it was opened; see [`Consumer::statistics`](crate::Consumer::statistics).
///
/// To serde it is an object of these fields; moments are RFC 3339.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Events that it knows of and has yet to settle, those in flight among them.
    pub pending: u64,
    /// Deliveries that are handed out and not settled.
    pub in_flight: u64,
    /// Events in `dead/`, as counted when it was opened and every 30 s, and what it has put there since.
    pub dead: u64,
    /// When the oldest pending event was captured.
    #[serde(serialize_with = "rfc3339")]
    pub oldest_pending: Option<SystemTime>,
    /// Deliveries handed out.
    pub delivered: u64,
    /// Events that were acknowledged or went to `dead/`, and those that its filter left out.
    pub settled: u64,
    /// Deliveries that were not the first of their event.
    pub redelivered: u64,
    /// Deliveries that were late.
    pub late: u64,
    /// Records that were damaged, and went to `dead/`.
    pub damaged: u64,
    /// Dead events that were removed because the retention time had passed.
    pub expired: u64,
    /// How it learns of new events; `None` until it has waited for one.
    pub wake: Option<Wake>,
}
