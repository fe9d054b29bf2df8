//! A place in a log.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidName;

/// A place in an [`EventLog`](crate::EventLog): just behind one of its events, or before all of them.
///
/// It outlives restarts, and stays what it is when events are pruned. To whoever keeps one it is a word of at most 29 ASCII letters,
/// digits and `-`; from one event of a log to the next its [`number`](Self::number) grows by one.
///
/// ```
/// use codex_spool::Cursor;
/// let cursor: Cursor = "1f3a9c0b-42".parse()?;
/// assert_eq!((cursor.number(), cursor.to_string().as_str()), (42, "1f3a9c0b-42"));
/// assert!("42".parse::<Cursor>().is_err());
/// # Ok::<(), codex_spool::InvalidName>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log it is of: one that is removed and made again begins with 1 again.
    pub(super) log: u32,
    pub(super) number: u64,
}

impl Cursor {
    /// How many events the log had been given up to this place.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn parse(text: &str) -> Option<Self> {
        let (log, number) = text.split_once('-')?;
        let cursor = Self { log: u32::from_str_radix(log, 16).ok()?, number: number.parse().ok()? };
        // What it would not write itself, a sign or a capital letter, is none.
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.log, self.number)
    }
}

impl FromStr for Cursor {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
            .ok_or_else(|| InvalidName::new("cursor", text, "one that a log gave, as 1f3a9c0b-42"))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
