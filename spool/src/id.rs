//! The identity of an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The identity of an event: 16 bytes of BLAKE3, written as 32 lower-case hexadecimal digits.
///
/// It is taken over the payload as Codex sent it and the position of its thread at that moment, so the copies that
/// Codex sends of one firing have one id, and two moments of a thread have two. It is the key by which a program
/// that handles events more than once (after a crash) can know what it has done already.
///
/// ```
/// use codex_spool::EventId;
/// let id: EventId = "00112233445566778899aabbccddeeff".parse()?;
/// assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
/// assert!("00112233".parse::<EventId>().is_err());
/// # Ok::<(), codex_spool::InvalidName>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

impl EventId {
    /// No event has a lesser id, or a greater one.
    pub(crate) const MIN: Self = Self([0; 16]);
    pub(crate) const MAX: Self = Self([0xff; 16]);

    /// The id of `payload` (trimmed, redacted) at `position` of its thread.
    pub(crate) fn of(payload: &[u8], position: Option<u64>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(payload);
        hasher.update(&[0]);
        match position {
            Some(length) => hasher.update(length.to_string().as_bytes()),
            None => hasher.update(b"-"),
        };
        Self(first_half(hasher.finalize()))
    }

    /// The hash of bytes that are no event, as it stands in the name of a rejected file.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(first_half(blake3::hash(bytes)))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads exactly 32 lower-case hexadecimal digits.
    pub(crate) fn from_hex(digits: &[u8]) -> Option<Self> {
        let digits: &[u8; 32] = digits.try_into().ok()?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The 32 digits.
    pub(crate) fn to_hex(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 32];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn first_half(hash: blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_hex()).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = crate::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes())
            .ok_or_else(|| crate::InvalidName::new("event id", text, "32 hexadecimal digits, 0-9 and a-f"))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
