//! Masking a payload: what is masked is replaced in its text, and every other byte stays.

use std::ops::Range;

use super::decoded::Decoded;
use super::{MASK, Redact};
use crate::Redaction;
use crate::json_text::{Found, Step, Walk};

/// So many places are named in a record; those beyond are counted together.
const NAMED: usize = 256;

/// JSON in which something was masked.
#[derive(Debug)]
pub(crate) struct Masked {
    pub(crate) text: String,
    /// Where, and how often. What is not named there is counted with the pointer to the whole.
    pub(crate) redacted: Vec<Redaction>,
}

impl Redact {
    /// Masks what is to be masked of `json`, which must be valid. `None`: nothing is.
    pub(crate) fn json(&self, json: &str) -> Option<Masked> {
        if self.is_empty() {
            return None;
        }
        let mut text = Text { json, masked: String::new(), copied: 0, places: Vec::new() };
        let mut walk = Walk::new(json);
        while let Some(found) = walk.next() {
            let is_named = match found {
                Found::Key(_) => false,
                Found::String(_) => self.is_named(json, &walk) || self.is_secret_by_its_key(json, &walk),
                Found::Plain(_) | Found::Opened(_) => self.is_named(json, &walk),
            };
            match found {
                Found::Key(inside) => self.mask_string(&mut text, inside),
                Found::String(inside) if is_named => text.replace(inside.start - 1..inside.end + 1),
                Found::String(inside) => self.mask_string(&mut text, inside),
                Found::Plain(value) if is_named => text.replace(value),
                Found::Opened(start) if is_named => text.replace(start..walk.skip()),
                Found::Plain(_) | Found::Opened(_) => {}
            }
        }
        text.finish()
    }

    fn is_named(&self, json: &str, walk: &Walk<'_>) -> bool {
        self.pointers.iter().any(|pointer| pointer.leads_to(json, walk.path()))
    }

    /// Whether a string stands at a key like `password`.
    fn is_secret_by_its_key(&self, json: &str, walk: &Walk<'_>) -> bool {
        let Some(Step::Key(key)) = walk.path().last() else { return false };
        let key = Decoded::of(&json[key.clone()]).text;
        self.presets.iter().any(|preset| preset.is_key_of_secret(&key))
    }

    fn mask_string(&self, text: &mut Text<'_>, inside: Range<usize>) {
        let decoded = Decoded::of(&text.json[inside.clone()]);
        let secrets = self.secrets(&decoded.text);
        if secrets.is_empty() {
            return;
        }
        text.begin_place(inside.start, secrets.len() as u64);
        for secret in &secrets {
            let raw = decoded.raw(secret);
            text.put(inside.start + raw.start..inside.start + raw.end, MASK);
        }
    }
}

/// A text in which something is being masked.
struct Text<'a> {
    json: &'a str,
    masked: String,
    /// How much of `json` is in `masked`.
    copied: usize,
    /// Where in `masked` a string begins in which something was masked, and how often.
    places: Vec<(usize, u64)>,
}

impl Text<'_> {
    /// The string whose inside begins here is about to be masked `count` times.
    fn begin_place(&mut self, start: usize, count: u64) {
        self.masked.push_str(&self.json[self.copied..start]);
        self.copied = start;
        self.places.push((self.masked.len(), count));
    }

    fn put(&mut self, range: Range<usize>, instead: &str) {
        self.masked.push_str(&self.json[self.copied..range.start]);
        self.masked.push_str(instead);
        self.copied = range.end;
    }

    /// Masks a whole value, whatever it is.
    fn replace(&mut self, value: Range<usize>) {
        self.put(value.start..value.start, "\"");
        self.begin_place(value.start, 1);
        self.put(value, MASK);
        self.masked.push('"');
    }

    fn finish(mut self) -> Option<Masked> {
        if self.places.is_empty() {
            return None;
        }
        self.masked.push_str(&self.json[self.copied..]);
        let redacted = name(&self.masked, &self.places);
        Some(Masked { text: self.masked, redacted })
    }
}

/// Names the places in what is masked already: the keys on the way to them may have held secrets.
fn name(masked: &str, places: &[(usize, u64)]) -> Vec<Redaction> {
    let (named, others) = places.split_at(places.len().min(NAMED));
    let mut redacted = Vec::with_capacity(named.len() + 1);
    let mut walk = Walk::new(masked);
    for &(start, count) in named {
        while let Some(found) = walk.next() {
            if matches!(found, Found::Key(inside) | Found::String(inside) if inside.start == start) {
                redacted.push(Redaction { pointer: walk.pointer(), count });
                break;
            }
        }
    }
    let count = others.iter().map(|&(_, count)| count).sum();
    if count > 0 {
        redacted.push(Redaction { pointer: String::new(), count });
    }
    redacted
}
