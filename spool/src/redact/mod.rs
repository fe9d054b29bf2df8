//! Masking: what must not be written is replaced before anything else is done with a payload.

mod decoded;
mod keepable;
mod pattern;
mod payload;
mod pointer;
mod preset;
mod presets;
mod request;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

pub(crate) use self::keepable::Keepable;
use self::pattern::Pattern;
pub(crate) use self::payload::Masked;
use self::pointer::Pointer;
use self::preset::Preset;
use crate::InvalidName;

/// What stands in the place of what was masked.
const MASK: &str = "[redacted]";

/// What is to be masked: `[redact]` of `spool.toml`. By default nothing is.
///
/// Each secret that is found in a string of the payload, or in a key, is replaced by `[redacted]` before anything is
/// written; the rest of the payload stays byte for byte. To be shown it says what is asked for, in a line.
///
/// ```
/// use codex_spool::testing::TestSpool;
/// use codex_spool::Capture;
///
/// let spool = TestSpool::with_settings("[redact]\npresets = [\"password\"]\npointers = [\"/cwd\"]\n");
/// assert_eq!(spool.settings().redact.to_string(), "preset password; pointer /cwd");
/// spool.record(br#"{"hook_event_name":"Stop","cwd":"/home/me","prompt":"password=hunter2"}"#, &Capture::now())?;
/// let event = spool.journal()?.next().expect("one event")?;
/// assert_eq!(event.payload(), r#"{"hook_event_name":"Stop","cwd":"[redacted]","prompt":"password=[redacted]"}"#);
/// assert_eq!(event.redacted().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redact {
    presets: Vec<Preset>,
    patterns: Vec<Pattern>,
    pointers: Vec<Pointer>,
}

impl Redact {
    /// Whether nothing is to be masked.
    pub fn is_empty(&self) -> bool {
        self.presets.is_empty() && self.patterns.is_empty() && self.pointers.is_empty()
    }

    /// Masks also the whole value at a JSON Pointer (RFC 6901), in which a step `*` is any key, or any place of an array.
    ///
    /// ```
    /// # use codex_spool::Redact;
    /// let redact = Redact::default().and_pointer("/tool_response")?;
    /// assert_eq!(redact.to_string(), "pointer /tool_response");
    /// # Ok::<(), codex_spool::InvalidName>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidName`] when it is no such pointer.
    pub fn and_pointer(mut self, pointer: &str) -> Result<Self, InvalidName> {
        let invalid = |_| InvalidName::new("JSON Pointer", pointer, "steps that each begin with /");
        self.pointers.push(Pointer::new(pointer).map_err(invalid)?);
        Ok(self)
    }

    /// `presets`: the kinds of secrets that are known by their form.
    pub fn presets(&self) -> impl Iterator<Item = &str> {
        self.presets.iter().map(|preset| preset.name)
    }

    /// `patterns`: the regular expressions.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(Pattern::as_str)
    }

    /// `pointers`: the places of a payload.
    pub fn pointers(&self) -> impl Iterator<Item = &str> {
        self.pointers.iter().map(Pointer::as_str)
    }

    /// Where the secrets of a text are, in order; none is empty, and none overlaps another.
    fn secrets(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let lower = preset::Lower::of(text);
        self.presets.iter().for_each(|preset| preset.find(text, &lower, &mut found));
        self.patterns.iter().for_each(|pattern| pattern.find(text, &mut found));
        found.sort_unstable_by_key(|secret| secret.start);
        let mut secrets: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for secret in found {
            match secrets.last_mut() {
                Some(last) if secret.start < last.end => last.end = last.end.max(secret.end),
                _ => secrets.push(secret),
            }
        }
        secrets
    }

    /// A text with its secrets masked, and how many there were.
    fn mask<'a>(&self, text: &'a str) -> (Cow<'a, str>, u64) {
        let secrets = self.secrets(text);
        if secrets.is_empty() {
            return (text.into(), 0);
        }
        let mut masked = String::with_capacity(text.len());
        let mut copied = 0;
        for secret in &secrets {
            masked.push_str(&text[copied..secret.start]);
            masked.push_str(MASK);
            copied = secret.end;
        }
        masked.push_str(&text[copied..]);
        (masked.into(), secrets.len() as u64)
    }
}

impl fmt::Display for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |kind: &str, names: Vec<&str>| {
            let plural = if names.len() == 1 { "" } else { "s" };
            (!names.is_empty()).then(|| format!("{kind}{plural} {}", names.join(", ")))
        };
        // Patterns may be long, and tell what is looked for.
        let patterns = match self.patterns.len() {
            0 => None,
            1 => Some("1 pattern".to_owned()),
            number => Some(format!("{number} patterns")),
        };
        let presets = of("preset", self.presets().collect());
        let parts = [presets, patterns, of("pointer", self.pointers().collect())];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}
