//! A regular expression of whoever keeps the spool.

use std::ops::Range;

use regex_lite::{Captures, Regex};

/// The group that, where a pattern has it, is masked alone.
const GROUP: &str = "secret";

/// A regular expression whose matches are masked: its group `secret` where it has one, else all of the match.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    has_group: bool,
}

impl Pattern {
    /// Compiles it, or says in a few words why that cannot be done.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        match Regex::new(pattern) {
            Ok(regex) if matches_nothing(&regex) => Err("it matches where there is nothing".to_owned()),
            Ok(regex) => {
                Ok(Self { has_group: regex.capture_names().flatten().any(|name| name == GROUP), regex })
            }
            Err(error) => Err(error.to_string().replace(['\n', '\r'], " ")),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Adds where the secrets of a text are.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let mut at = 0;
        while at <= text.len() {
            let Some((whole, secret)) = self.find_at(text, at) else { break };
            // What follows a secret may be what the next one is known by.
            let after = if secret.is_empty() { whole.end } else { secret.end };
            at = match after > at {
                true => after,
                false => at + text[at..].chars().next().map_or(1, char::len_utf8),
            };
            if !secret.is_empty() {
                found.push(secret);
            }
        }
    }

    /// The next match, and what of it is to be masked.
    fn find_at(&self, text: &str, at: usize) -> Option<(Range<usize>, Range<usize>)> {
        if !self.has_group {
            let whole = self.regex.find_at(text, at)?.range();
            return Some((whole.clone(), whole));
        }
        let captures = self.regex.captures_at(text, at)?;
        Some((captures.get(0)?.range(), secret(&captures)))
    }
}

/// Whether it may match without a character to mask: anywhere, or only between two, as `\b` does.
fn matches_nothing(regex: &Regex) -> bool {
    ["", "a 1"].iter().any(|text| regex.find_iter(text).any(|found| found.is_empty()))
}

/// What of a match is to be masked.
fn secret(captures: &Captures<'_>) -> Range<usize> {
    let secret = captures.name(GROUP).or_else(|| captures.get(0));
    secret.map_or(0..0, |secret| secret.range())
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}
