//! Events as they are told.

use codex_spool::Event;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest text in a minimal event, in characters.
const PREVIEW: usize = 200;

/// The longest name of an event, in characters. All that Codex 0.169 has are shorter than 18.
const NAME: usize = 64;

/// Enough for any event in its shortest form.
pub(crate) const LEAST: usize = 2048;

/// How much is told of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detail {
    /// What it is, of which thread and turn, and what it is about in at most 200 characters.
    #[default]
    Minimal,
    /// The record with the whole payload.
    Full,
}

/// An event as JSON, and how many bytes that has.
///
/// It is told in less detail where it would have more than `most`, and says then how many its record has: `cut_from`.
pub(crate) fn tell(event: &Event, detail: Detail, most: usize) -> (Value, usize) {
    let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
    let mut told = match detail {
        Detail::Minimal => minimal(&record),
        Detail::Full => record.clone(),
    };
    for shorter in [minimal, bare] {
        if told.to_string().len() <= most {
            break;
        }
        told = shorter(&record);
        told["cut_from"] = json!(event.record().len());
    }
    let bytes = told.to_string().len();
    (told, bytes)
}

/// What it is about, in a few words.
fn minimal(record: &Value) -> Value {
    let payload = &record["payload"];
    let input = &payload["tool_input"];
    let said = ["prompt", "last_assistant_message", "error", "reason", "source", "trigger"];
    let gist = said.iter().find_map(|name| payload[name].as_str()).or(input["command"].as_str());
    let gist = gist.map(str::to_owned).or_else(|| (!input.is_null()).then(|| input.to_string()));
    let text = |name: &str| payload[name].as_str().map(str::to_owned);
    let more = [
        ("turn_id", text("turn_id")),
        ("tool_name", text("tool_name")),
        ("cwd", text("cwd")),
        ("gist", gist),
    ];
    let mut told = bare(record);
    for (name, text) in more {
        if let Some(text) = text {
            told[name] = preview(&text, PREVIEW).into();
        }
    }
    told
}

/// What no event is told without.
fn bare(record: &Value) -> Value {
    let keys = ["id", "captured_at", "thread_id"];
    let mut told: Map<String, Value> =
        keys.into_iter().map(|key| (key.to_owned(), record[key].clone())).collect();
    told.insert("event".to_owned(), preview(record["event"].as_str().unwrap_or_default(), NAME).into());
    told.into()
}

fn preview(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
