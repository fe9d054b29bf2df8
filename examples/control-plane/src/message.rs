//! What clients are told, as JSON.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::QueryRejection;
use codex_spool::{Cursor, LoggedEvent, Status, Thread};
use serde_json::{Value, json};

/// How many threads that have ended are shown beside those that have not.
const ENDED: usize = 50;

/// A message of a stream. All streams share the text of one.
#[derive(Clone)]
pub(crate) struct Message {
    /// `event`, `thread`, `threads`, `at`, `reset` or `subscribed`; in the JSON it is `type`.
    pub(crate) name: &'static str,
    /// From where to go on, having got this.
    pub(crate) cursor: Cursor,
    pub(crate) json: Utf8Bytes,
}

impl Message {
    pub(crate) fn event(logged: &LoggedEvent) -> Self {
        // The record is JSON already, byte for byte what lies on disk.
        let (cursor, record) = (logged.cursor, logged.event.record().trim_end());
        let json = format!(r#"{{"type":"event","cursor":"{cursor}","record":{record}}}"#);
        Self { name: "event", cursor, json: json.into() }
    }

    /// `at`, `reset` or `subscribed`.
    pub(crate) fn place(name: &'static str, cursor: Cursor) -> Self {
        Self { name, cursor, json: json!({"type": name, "cursor": cursor}).to_string().into() }
    }

    /// What one thread is doing now.
    pub(crate) fn thread(thread: &Thread, cursor: Cursor) -> Self {
        Self { name: "thread", cursor, json: json!({"type": "thread", "thread": thread}).to_string().into() }
    }

    /// What all threads are doing now, in place of what was told of them before.
    pub(crate) fn threads(threads: Vec<Arc<Thread>>, cursor: Cursor) -> Self {
        let json = json!({"type": "threads", "threads": shown(threads)}).to_string();
        Self { name: "threads", cursor, json: json.into() }
    }
}

/// Those that have not ended, and the last that have, where the newest come first.
pub(crate) fn shown(mut threads: Vec<Arc<Thread>>) -> Value {
    let mut ended = 0;
    threads.retain(|thread| {
        ended += usize::from(thread.status == Status::Ended);
        thread.status != Status::Ended || ended <= ENDED
    });
    threads.iter().map(|thread| json!(**thread)).collect()
}

/// An answer in JSON.
pub(crate) fn answer(json: impl ToString) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json.to_string()).into_response()
}

/// Why there is no other answer.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, answer(json!({"error": self.1}))).into_response()
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl From<codex_spool::Error> for Refused {
    fn from(error: codex_spool::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}
