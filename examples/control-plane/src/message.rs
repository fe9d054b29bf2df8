//! What clients are told, as JSON.

use axum::http::header;
use axum::response::IntoResponse;
use codex_spool::{Cursor, LoggedEvent, Thread};
use serde::Serialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A message of a stream. Clones share its text.
#[derive(Clone)]
pub(crate) struct Message {
    /// `event`, `thread`, `threads`, `at`, `reset` or `subscribed`; in the JSON it is `type`.
    pub(crate) name: &'static str,
    /// From where to go on, having got this.
    pub(crate) cursor: Option<Cursor>,
    pub(crate) json: Utf8Bytes,
}

impl Message {
    pub(crate) fn event(logged: &LoggedEvent) -> Self {
        // The record is JSON already, byte for byte what lies on disk.
        let (cursor, record) = (logged.cursor, logged.event.record().trim_end());
        let json = format!(r#"{{"type":"event","cursor":"{cursor}","record":{record}}}"#);
        Self { name: "event", cursor: Some(cursor), json: json.into() }
    }

    /// All that was wanted up to here has been told.
    pub(crate) fn at(cursor: Cursor) -> Self {
        Self::place("at", cursor)
    }

    /// Some of what came after the place that was asked for is not there any more; it goes on here.
    pub(crate) fn reset(cursor: Cursor) -> Self {
        Self::place("reset", cursor)
    }

    /// From here on the changed subscriptions hold.
    pub(crate) fn subscribed(cursor: Cursor) -> Self {
        Self::place("subscribed", cursor)
    }

    fn place(name: &'static str, cursor: Cursor) -> Self {
        Self::new(name, Some(cursor), &json!({"type": name, "cursor": cursor}))
    }

    /// What one thread is doing now.
    pub(crate) fn thread(thread: &Thread) -> Self {
        Self::new("thread", None, &json!({"type": "thread", "thread": thread}))
    }

    /// What all threads are doing now, in place of what was told of them before.
    pub(crate) fn threads(threads: &[&Thread]) -> Self {
        Self::new("threads", None, &json!({"type": "threads", "threads": threads}))
    }

    fn new(name: &'static str, cursor: Option<Cursor>, json: &impl Serialize) -> Self {
        Self { name, cursor, json: json_text(json).into() }
    }
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON")
}

/// An answer in JSON.
pub(crate) fn answer(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text)
}

/// What is wrong, as an answer.
pub(crate) fn problem(why: &str) -> impl IntoResponse {
    answer(json_text(&json!({"error": why})))
}
