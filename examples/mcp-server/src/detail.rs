//! Events as they are told.

use codex_spool::Event;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};

/// Enough for any event in its shortest form.
pub(crate) const LEAST: usize = 2048;

/// The longest text in a minimal event, and in the shortest form of one, in characters.
const PREVIEW: usize = 200;
const SHORTEST: usize = 30;

/// How much is told of an event.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detail {
    /// What it is, of which thread and turn, and what it is about in at most 200 characters.
    #[default]
    Minimal,
    /// The record with the whole payload.
    Full,
}

/// An event as JSON.
///
/// It is told in less detail where it would have more bytes than `most`, and says then how many its record has: `cut_from`.
pub(crate) fn tell(event: &Event, detail: Detail, most: usize) -> Value {
    let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
    let mut told = match detail {
        Detail::Minimal => brief(&record, PREVIEW),
        Detail::Full => record.clone(),
    };
    for longest in [PREVIEW, SHORTEST] {
        if told.to_string().len() <= most {
            break;
        }
        told = brief(&record, longest);
        told["cut_from"] = json!(event.record().len());
    }
    told
}

/// What it is about, no text longer than so many characters.
fn brief(record: &Value, longest: usize) -> Value {
    let payload = &record["payload"];
    let input = &payload["tool_input"];
    let said = ["prompt", "last_assistant_message", "error", "reason", "source", "trigger"];
    let gist = said.iter().find_map(|name| payload[name].as_str()).or(input["command"].as_str());
    let gist = gist.map(str::to_owned).or_else(|| (!input.is_null()).then(|| input.to_string()));
    let cut = |text: &str| match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    };
    let text = |value: &Value| value.as_str().map(cut);
    let mut told = json!({
        "id": record["id"], "event": text(&record["event"]), "captured_at": record["captured_at"],
        "thread_id": record["thread_id"], "turn_id": text(&payload["turn_id"]),
        "tool_name": text(&payload["tool_name"]), "cwd": text(&payload["cwd"]), "gist": gist.as_deref().map(cut),
    });
    told.as_object_mut().expect("it is one").retain(|_, value| !value.is_null());
    told
}
