//! The API: what can be asked for, and what is answered.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::Utf8Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use codex_spool::{Error, EventLog, InvalidName};
use futures_util::stream;
use serde_json::json;

use crate::feed::Feed;
use crate::guard::Guard;
use crate::message::{Message, Refused, answer, shown};
use crate::tail::Tail;
use crate::wants::Asked;
use crate::websocket;

/// How many events an answer has at most, and how many are looked at for it.
const MOST: usize = 1000;
const LOOKED_AT: usize = 10_000;

/// How many bytes of events an answer has, unless one alone has more.
const BYTES: usize = 16 << 20;

pub(crate) fn router(feed: Arc<Feed>, guard: Guard) -> Router {
    // The page: files without secrets, in the program itself.
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/api/health", get(health))
        .route("/api/threads", get(threads))
        .route("/api/events", get(events))
        .route("/api/sse", get(sse))
        .route("/api/stream", get(websocket::stream))
        .with_state(feed)
        .route("/", file("text/html; charset=utf-8", include_str!("../page/index.html")))
        .route("/page.css", file("text/css; charset=utf-8", include_str!("../page/page.css")))
        .route("/page.js", file("text/javascript; charset=utf-8", include_str!("../page/page.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("../page/icon.svg")))
        .layer(middleware::from_fn_with_state(Arc::new(guard), Guard::watch))
}

async fn health(State(feed): State<Arc<Feed>>) -> Response {
    let kept = feed.kept.borrow();
    let status = if kept.problem.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let (ok, streams) = (kept.problem.is_none(), feed.streams());
    let health = json!({"ok": ok, "cursor": kept.end, "streams": streams, "problem": kept.problem});
    (status, answer(health)).into_response()
}

async fn threads(State(feed): State<Arc<Feed>>) -> Result<Response, Refused> {
    let cursor = feed.kept.borrow().end;
    let threads = feed.threads.threads().await?;
    Ok(answer(json!({"cursor": cursor, "threads": shown(threads)})))
}

async fn events(State(feed): State<Arc<Feed>>, asked: Asked) -> Result<Response, Refused> {
    let read = tokio::task::spawn_blocking(move || read(&feed.log, asked)).await;
    Ok(answer(read.expect("reading does not panic")?))
}

/// The first events after a place, or the newest. Where few are wanted it gives up after a while, and says how far it has got.
fn read(log: &EventLog, asked: Asked) -> codex_spool::Result<String> {
    let (mut place, is_newest) = (asked.after, asked.last.is_some());
    let limit = asked.last.unwrap_or_else(|| asked.limit.unwrap_or(100).max(1)).min(MOST);
    let wants = asked.wants();
    let most = if wants.wants_all() { limit } else { LOOKED_AT };
    if is_newest {
        place = Some(log.newest(most as u64)?);
    }
    let (mut found, mut bytes) = (VecDeque::<Utf8Bytes>::new(), 0);
    let scan = loop {
        let scan = log.scan(place, most, |logged| {
            if !wants.wants(&logged.event) {
                return ControlFlow::Continue(());
            }
            let event = Message::event(&logged).json;
            // Where there is no room for it, it has to wait; of the newest the oldest makes room.
            let is_full = found.len() == limit || (bytes + event.len() > BYTES && !found.is_empty());
            if is_full && !is_newest {
                return ControlFlow::Break(());
            }
            bytes += event.len();
            found.push_back(event);
            while found.len() > limit || (bytes > BYTES && found.len() > 1) {
                bytes -= found.pop_front().map_or(0, |oldest| oldest.len());
            }
            ControlFlow::Continue(())
        })?;
        // The newest are behind whatever is missing on the way.
        if !is_newest || !scan.more {
            break scan;
        }
        place = Some(scan.next);
    };
    let events = found.iter().map(Utf8Bytes::as_str).collect::<Vec<_>>().join(",");
    let (next, more) = (scan.next, scan.more);
    let reset_to = json!(scan.reset_to.filter(|_| !is_newest));
    Ok(format!(r#"{{"events":[{events}],"next":"{next}","more":{more},"reset_to":{reset_to}}}"#))
}

/// A stream as server-sent events. The `id` of an event is the cursor to go on from, so a browser that connects again
/// misses nothing.
async fn sse(State(feed): State<Arc<Feed>>, headers: HeaderMap, asked: Asked) -> Result<Response, Refused> {
    let place = feed.place()?;
    // What the browser says when it connects again is newer than what the address says.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let bad = |error: InvalidName| Refused(StatusCode::BAD_REQUEST, format!("Last-Event-ID: {error}"));
    let after = last.map(str::parse).transpose().map_err(bad)?.or(asked.after);
    let tail = Tail::new(feed, after, asked.wants());
    let events = stream::try_unfold((tail, place), async |(mut tail, place)| {
        let Message { name, cursor, json } = tail.next().await?;
        let event = Event::default().event(name).id(cursor.to_string()).data(json.as_str());
        // A second after a break, where browsers wait for three.
        let event = if name == "at" { event.retry(Duration::from_secs(1)) } else { event };
        Ok::<_, Error>(Some((event, (tail, place))))
    });
    Ok(Sse::new(events).into_response())
}
