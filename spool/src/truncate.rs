//! Cutting the longest strings of a payload that is too large.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// A string of the payload that was cut, because the event was larger than `max_event_bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Truncation {
    /// Where it stands: a JSON Pointer (RFC 6901) into the payload. One longer than 512 bytes ends in `…`.
    pub pointer: String,
    /// How long it was, in bytes of JSON text between the quotes.
    pub bytes: u64,
}

/// Strings up to this length are never cut: ids, names, paths.
const NEVER_CUT: usize = 1024;
const LONGEST_POINTER: usize = 512;
/// What it costs to name a cut in the record, beside the pointer, in bytes.
const NAMED: usize = 40;

/// Cuts the longest string values of `json`, all to one length, until it has at most `max` bytes or no string is
/// longer than 1 KiB. `json` must be valid.
pub(crate) fn truncate(json: &str, max: usize) -> (String, Vec<Truncation>) {
    let mut lengths = Vec::new();
    walk(json, |_, start, end| {
        if end - start > NEVER_CUT {
            lengths.push(end - start);
        }
    });
    let keep = length_to_keep(lengths, json.len().saturating_sub(max));
    let mut text = String::with_capacity(max.min(json.len()));
    let mut truncations = Vec::new();
    let mut copied = 0;
    walk(json, |path, start, end| {
        if end - start <= keep {
            return;
        }
        let (kept, pointer) = (beginning(&json[start..end], keep), pointer(json, path));
        // What is named in the record costs room too.
        if end - start - kept.len() > pointer.len() + NAMED {
            text.push_str(&json[copied..start]);
            text.push_str(kept);
            copied = end;
            truncations.push(Truncation { pointer, bytes: (end - start) as u64 });
        }
    });
    text.push_str(&json[copied..]);
    (text, truncations)
}

/// The length to which all strings longer than it are cut, so that `excess` bytes go away.
fn length_to_keep(mut lengths: Vec<usize>, excess: usize) -> usize {
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let mut total = 0;
    for (count, &length) in (1..).zip(&lengths) {
        total += length;
        let next = lengths.get(count).copied().unwrap_or(NEVER_CUT).max(NEVER_CUT);
        if total - next * count >= excess {
            return ((total - excess) / count).max(NEVER_CUT);
        }
    }
    NEVER_CUT
}

/// The first `length` bytes of a JSON string's inside, or a few fewer, so that no character and no escape is cut.
fn beginning(inside: &str, length: usize) -> &str {
    let bytes = inside.as_bytes();
    let (mut end, mut next) = (0, 0);
    while next <= length {
        end = next;
        next += match bytes.get(next) {
            None => break,
            Some(b'\\') if bytes[next + 1] == b'u' => {
                // The two halves of a character outside the basic plane stay together.
                let high = matches!(
                    &bytes[next + 2..next + 4],
                    [b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B']
                );
                if high && bytes.get(next + 6..next + 8) == Some(b"\\u") { 12 } else { 6 }
            }
            Some(b'\\') => 2,
            Some(_) => (next + 1..).find(|&i| inside.is_char_boundary(i)).unwrap_or(bytes.len()) - next,
        };
    }
    &inside[..end]
}

/// Where the walk is: below this key (a range of the text) or at this place of an array.
#[derive(Clone, Copy)]
enum Step {
    Key(usize, usize),
    Place(usize),
}

/// Calls `value` for each string that is a value, with the way to it and the range between its quotes.
fn walk(json: &str, mut value: impl FnMut(&[Step], usize, usize)) {
    let bytes = json.as_bytes();
    let mut path: Vec<Step> = Vec::new();
    // Whether the next string is a key: after `{`, and after `,` in an object.
    let mut key_next = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                at = end_of_string(bytes, start);
                match path.last_mut() {
                    Some(Step::Key(from, to)) if key_next => (*from, *to, key_next) = (start, at, false),
                    _ => value(&path, start, at),
                }
            }
            b'{' => {
                path.push(Step::Key(0, 0));
                key_next = true;
            }
            b'[' => path.push(Step::Place(0)),
            b'}' | b']' => {
                path.pop();
                key_next = false;
            }
            b',' => match path.last_mut() {
                Some(Step::Place(place)) => *place += 1,
                _ => key_next = true,
            },
            _ => {}
        }
        at += 1;
    }
}

/// The place of the quote that ends the string whose inside begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

fn pointer(json: &str, path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        match *step {
            Step::Place(place) => write!(pointer, "/{place}").expect("a String takes all that is written"),
            Step::Key(from, to) => {
                // A key as long as a payload is not worth decoding; its beginning names it.
                let raw = beginning(&json[from..to], LONGEST_POINTER);
                let key: String =
                    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
        }
        if pointer.len() > LONGEST_POINTER {
            pointer.truncate(pointer.floor_char_boundary(LONGEST_POINTER));
            pointer.push('…');
            break;
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_longest_strings_pay_and_all_pay_down_to_one_length() {
        let json = format!(
            r#"{{"a":"{}","b":{{"c~/d":["x","{}"]}},"e":"{}"}}"#,
            "a".repeat(9_000),
            "é".repeat(3_000),
            "e".repeat(2_000)
        );
        let (text, truncations) = truncate(&json, 8_200);
        assert!(text.len() <= 8_200, "{}", text.len());
        assert!(text.len() > 8_190, "no more is cut than must be: {}", text.len());
        let named: Vec<_> = truncations.iter().map(|cut| (cut.pointer.as_str(), cut.bytes)).collect();
        assert_eq!(named, [("/a", 9_000), ("/b/c~0~1d/1", 6_000)]);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn what_has_no_long_string_stays_whole() {
        let json = format!("[{}1]", "1,".repeat(5_000));
        assert_eq!(truncate(&json, 100), (json, Vec::new()));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let text = prop_oneof![".{0,40}", r#"[\\"/~\n\u{0}é😀a]{0,60}"#];
        let long = (text.clone(), 1..200_usize).prop_map(|(part, times)| part.repeat(times));
        let leaf = prop_oneof![
            long.prop_map(serde_json::Value::from),
            any::<i32>().prop_map(serde_json::Value::from)
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::hash_map(text.clone(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_cut_it_stays_the_same_json_with_shorter_strings(
            value in any_json(), escaped in any::<bool>(), max in 0..20_000_usize
        ) {
            let mut json = value.to_string();
            if escaped {
                json = json.replace('é', "\\u00e9").replace('😀', "\\ud83d\\uDe00");
            }
            let (text, truncations) = truncate(&json, max);
            let mut cut: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
            for truncation in truncations {
                let whole = value.pointer(&truncation.pointer).and_then(|v| v.as_str()).expect("the pointer resolves");
                let short = cut.pointer_mut(&truncation.pointer).expect("the pointer resolves");
                prop_assert!(whole.starts_with(short.as_str().expect("still a string")));
                *short = whole.into();
            }
            prop_assert_eq!(cut, value);
        }
    }
}
