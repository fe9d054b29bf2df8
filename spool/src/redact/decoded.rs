//! What a string of JSON means, and where each part of it stands in the text.

use std::borrow::Cow;
use std::ops::Range;

/// The inside of a JSON string, its escapes replaced by what they mean.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// Where each escape ends: in what it means, and as it stands.
    escapes: Vec<(usize, usize)>,
}

impl<'a> Decoded<'a> {
    /// Decodes `raw`. What is no escape stays as it is; half of a surrogate pair becomes U+FFFD.
    pub(super) fn of(raw: &'a str) -> Self {
        if !raw.contains('\\') {
            return Self { text: raw.into(), escapes: Vec::new() };
        }
        let mut text = String::with_capacity(raw.len());
        let mut escapes = Vec::new();
        let mut at = 0;
        while let Some(length) = raw[at..].find('\\') {
            text.push_str(&raw[at..at + length]);
            at += length;
            match escape(&raw.as_bytes()[at..]) {
                Some((means, length)) => {
                    text.push(means);
                    at += length;
                    escapes.push((text.len(), at));
                }
                None => {
                    text.push('\\');
                    at += 1;
                }
            }
        }
        text.push_str(&raw[at..]);
        Self { text: text.into(), escapes }
    }

    /// Where a range of the text stands in what was decoded.
    pub(super) fn raw(&self, range: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let before = self.escapes.partition_point(|&(end, _)| end <= at);
            let (end, raw_end) = before.checked_sub(1).map_or((0, 0), |last| self.escapes[last]);
            raw_end + (at - end)
        };
        place(range.start)..place(range.end)
    }
}

/// What the escape at the beginning of `raw` means, and how long it is.
fn escape(raw: &[u8]) -> Option<(char, usize)> {
    let means = match raw.get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        &byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'u' => {
            let first = unit(raw)?;
            let second = raw.get(6..).and_then(unit);
            return Some(match (char::from_u32(first), second) {
                (Some(char), _) => (char, 6),
                (None, Some(second @ 0xdc00..0xe000)) if first < 0xdc00 => {
                    let char = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                    (char.unwrap_or(char::REPLACEMENT_CHARACTER), 12)
                }
                (None, _) => (char::REPLACEMENT_CHARACTER, 6),
            });
        }
        _ => return None,
    };
    Some((means, 2))
}

/// The UTF-16 unit that `\uXXXX` means.
fn unit(raw: &[u8]) -> Option<u32> {
    let digits = raw.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_escape_stays_as_it_is() {
        for (raw, text) in [
            (r"\x\u12g4\", r"\x\u12g4\"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d-\ude00", "\u{fffd}-\u{fffd}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\\n\/\u0000", "\\n/\0"),
        ] {
            assert_eq!(Decoded::of(raw).text, text, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_what_json_takes_it_for_and_each_part_is_found_where_it_stands(
            parts in prop::collection::vec(prop_oneof![
                "[a-zé😀 ]{0,3}",
                Just(r"\n".to_owned()), Just(r#"\""#.to_owned()), Just(r"\\".to_owned()),
                Just(r"\u00e9".to_owned()), Just(r"\ud83d\uDE00".to_owned()), Just(r"\u0041".to_owned()),
            ], 0..12),
            from in 0..40_usize, length in 0..40_usize,
        ) {
            let raw = parts.concat();
            let decoded = Decoded::of(&raw);
            let text: String = serde_json::from_str(&format!("\"{raw}\"")).expect("JSON");
            prop_assert_eq!(&*decoded.text, &text);
            let start = text.floor_char_boundary(from);
            let end = text.floor_char_boundary(start + length).max(start);
            let there = &raw[decoded.raw(&(start..end))];
            let there: String = serde_json::from_str(&format!("\"{there}\"")).expect("no escape is cut");
            prop_assert_eq!(there, &text[start..end]);
        }
    }
}
