//! Cutting the longest strings of a payload that is too large.

use serde::{Deserialize, Serialize};

use crate::json_text::{Found, Walk, beginning};

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
/// What it costs to name a cut in the record, beside the pointer, in bytes.
const NAMED: usize = 40;

/// Cuts the longest string values of `json`, all to one length, until it has at most `max` bytes or no string is
/// longer than 1 KiB. `json` must be valid.
pub(crate) fn truncate(json: &str, max: usize) -> (String, Vec<Truncation>) {
    let mut lengths = Vec::new();
    let mut walk = Walk::new(json);
    while let Some(found) = walk.next() {
        if let Found::String(inside) = found
            && inside.len() > NEVER_CUT
        {
            lengths.push(inside.len());
        }
    }
    let keep = length_to_keep(lengths, json.len().saturating_sub(max));
    let mut text = String::with_capacity(max.min(json.len()));
    let mut truncations = Vec::new();
    let mut copied = 0;
    let mut walk = Walk::new(json);
    while let Some(found) = walk.next() {
        let Found::String(inside) = found else { continue };
        if inside.len() <= keep {
            continue;
        }
        let (kept, pointer) = (beginning(&json[inside.clone()], keep), walk.pointer());
        // What is named in the record costs room too.
        if inside.len() - kept.len() > pointer.len() + NAMED {
            text.push_str(&json[copied..inside.start]);
            text.push_str(kept);
            copied = inside.end;
            truncations.push(Truncation { pointer, bytes: inside.len() as u64 });
        }
    }
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
