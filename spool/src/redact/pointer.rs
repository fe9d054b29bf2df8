//! A place of a payload, as whoever keeps the spool names it.

use crate::json_text::Step;
use crate::redact::decoded::Decoded;

/// A JSON Pointer (RFC 6901) into a payload. A step that is `*` is every key, and every place of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    steps: Vec<String>,
}

impl Pointer {
    /// Reads it, or says in a few words what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let Some(below) = text.strip_prefix('/') else {
            return Err("a JSON Pointer begins with /".to_owned());
        };
        let step = |step: &str| {
            let plain = step.replace("~1", "").replace("~0", "");
            match plain.contains('~') {
                true => Err("in a JSON Pointer ~ is written ~0, and / in a key ~1".to_owned()),
                false => Ok(step.replace("~1", "/").replace("~0", "~")),
            }
        };
        let steps = below.split('/').map(step).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), steps })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the way to a value of `json`.
    pub(super) fn leads_to(&self, json: &str, path: &[Step]) -> bool {
        let is_step = |(wanted, step): (&String, &Step)| match step {
            _ if wanted == "*" => true,
            Step::Place(place) => wanted.parse() == Ok(*place) && place.to_string() == *wanted,
            Step::Key(key) => Decoded::of(&json[key.clone()]).text == *wanted,
        };
        self.steps.len() == path.len() && self.steps.iter().zip(path).all(is_step)
    }
}
