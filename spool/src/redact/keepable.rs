//! What may be kept of bytes that are no event.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::Redact;
use super::decoded::Decoded;
use crate::Redaction;

/// What may be kept of bytes that are no event.
#[derive(Debug)]
pub(crate) enum Keepable<'a> {
    /// They themselves: nothing is to be masked in them.
    All,
    /// This text in their place.
    Masked(Cow<'a, str>, Vec<Redaction>),
    /// Nothing: nobody can say what would have to be masked.
    Nothing,
}

impl Redact {
    /// What may be kept of `bytes`, which are no event.
    pub(crate) fn keepable<'a>(&self, bytes: &'a [u8]) -> Keepable<'a> {
        if self.is_empty() {
            return Keepable::All;
        }
        // In another encoding no secret looks like one.
        let Ok(text) = std::str::from_utf8(bytes) else { return Keepable::Nothing };
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return match self.json(text) {
                Some(masked) => Keepable::Masked(masked.text.into(), masked.redacted),
                None => Keepable::All,
            };
        }
        // What a pointer names cannot be found in what is no JSON, and a beginning of JSON may have it.
        if !self.pointers.is_empty() {
            return Keepable::Nothing;
        }
        let (masked, count) = self.mask(text);
        // It may be a piece of JSON, in which escapes hide what is to be masked.
        if !self.secrets(&Decoded::of(&masked).text).is_empty() {
            return Keepable::Nothing;
        }
        match count {
            0 => Keepable::All,
            _ => Keepable::Masked(masked, vec![Redaction { pointer: String::new(), count }]),
        }
    }
}
