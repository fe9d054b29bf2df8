//! Reading `[redact]` of `spool.toml`, which is followed to the letter or not at all.

use std::ops::Range;

use toml_edit::{Item, Value};

use super::Redact;
use super::pattern::Pattern;
use super::pointer::Pointer;
use super::preset::Preset;
use crate::names::meant;
use crate::settings::shown;

const KEYS: [&str; 3] = ["presets", "patterns", "pointers"];

/// Why `[redact]` cannot be followed, and where it says so.
#[derive(Debug)]
pub(crate) struct Unclear {
    pub(crate) reason: String,
    pub(crate) span: Option<Range<usize>>,
}

impl Redact {
    /// Reads what stands at the key `redact`.
    pub(crate) fn read(redact: &Item) -> Result<Self, Unclear> {
        let unclear = |reason: String, span| Unclear { reason, span };
        let Some(table) = redact.as_table_like() else {
            return Err(unclear("redact must be a table".to_owned(), redact.span()));
        };
        let mut request = Self::default();
        for (key, item) in table.iter() {
            let key_span = table.get_key_value(key).and_then(|(key, _)| key.span());
            if !KEYS.contains(&key) {
                let hint =
                    meant(key, KEYS).map(|meant| format!(", did you mean {meant}?")).unwrap_or_default();
                let key = shown(key);
                return Err(unclear(format!("{key} is not a key of [redact]{hint}"), key_span));
            }
            let Some(values) = item.as_array() else {
                return Err(unclear(format!("{key} must be an array of strings"), key_span));
            };
            for value in values {
                let read = match value.as_str() {
                    Some(text) => request.add(key, text),
                    None => Err(format!("{key} must be an array of strings")),
                };
                read.map_err(|reason| unclear(reason, Value::span(value)))?;
            }
        }
        Ok(request)
    }

    fn add(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "presets" => self.presets.push(Preset::named(text)?),
            "patterns" => {
                let pattern = Pattern::new(text).map_err(|reason| format!("pattern {text:?}, {reason}"))?;
                self.patterns.push(pattern);
            }
            _ => {
                let pointer = Pointer::new(text).map_err(|reason| format!("pointer {text:?}, {reason}"))?;
                self.pointers.push(pointer);
            }
        }
        Ok(())
    }
}
