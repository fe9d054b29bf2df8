//! What a server is asked in several places.

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Whether a turn runs.
pub(crate) fn busy(connection: &mut Connection, thread: &str) -> Result<Option<Outcome>> {
    let read = connection.call("thread/read", json!({ "threadId": thread }))?;
    let status = &read["thread"]["status"];
    let flags = status["activeFlags"].as_array();
    let is_waiting = flags.is_some_and(|flags| !flags.is_empty());
    Ok((status["type"] == "active").then_some(Outcome::Busy { is_waiting }))
}

pub(crate) fn is_loaded(connection: &mut Connection, thread: &str) -> Result<bool> {
    let loaded = connection.call("thread/loaded/list", json!({}))?;
    Ok(loaded["data"].as_array().is_some_and(|loaded| loaded.iter().any(|id| id == thread)))
}

/// What waits in Codex's own queue: each one's id there, and its key.
pub(crate) fn queued(connection: &mut Connection, thread: &str) -> Result<Vec<(String, String)>> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = connection.call("thread/queue/list", json!({"threadId": thread, "cursor": cursor}))?;
        for one in page["data"].as_array().into_iter().flatten() {
            let id = text(&one["id"], "thread/queue/list", "id")?;
            all.push((id, text(&one["clientUserMessageId"], "thread/queue/list", "clientUserMessageId")?));
        }
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            return Ok(all);
        }
    }
}

pub(crate) fn delete(connection: &mut Connection, thread: &str, id: &str) -> Result<bool> {
    let delete = json!({"threadId": thread, "queuedSubmissionId": id});
    Ok(connection.call("thread/queue/delete", delete)?["deleted"] == true)
}

pub(crate) fn is_no_thread(error: &Error) -> bool {
    // The last two of what cannot be the id of any.
    ["no rollout found", "thread not found", "invalid session id", "invalid thread id"]
        .iter()
        .any(|words| error.says(words))
}

pub(crate) fn text(value: &Value, method: &str, missing: &'static str) -> Result<String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Error::UnknownWords { method: method.to_owned(), missing })
}
