//! The API: what can be asked for, and what is answered.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use codex_spool::{Cursor, EventLog};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::feed::Feed;
use crate::guard::Guard;
use crate::message::{Message, answer, problem};
use crate::query::Query;
use crate::tail::Tail;
use crate::wants::Wants;
use crate::{page, sse, websocket};

/// How many streams there are at most.
const STREAMS: usize = 512;

/// How many events an answer has at most, and how many are looked at for it.
const MOST: usize = 1000;
const LOOKED_AT: u64 = 10_000;

/// How many bytes of events an answer has, or one event more.
const BYTES: usize = 16 << 20;

#[derive(Clone)]
struct Api {
    feed: Arc<Feed>,
    streams: Arc<Semaphore>,
}

pub(crate) fn router(feed: Arc<Feed>, guard: Guard) -> Router {
    Router::new()
        .route("/api/health", get(health))
        .route("/api/threads", get(threads))
        .route("/api/events", get(events))
        .route("/api/sse", get(sse))
        .route("/api/stream", get(stream))
        .with_state(Api { feed, streams: Arc::new(Semaphore::new(STREAMS)) })
        .merge(page::router())
        .layer(middleware::from_fn_with_state(Arc::new(guard), Guard::watch))
}

async fn health(State(api): State<Api>) -> Response {
    let problem = api.feed.problem().clone();
    let status = if problem.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let streams = STREAMS - api.streams.available_permits();
    let health =
        json!({"ok": problem.is_none(), "cursor": api.feed.end(), "streams": streams, "problem": problem});
    (status, answer(health.to_string())).into_response()
}

async fn threads(State(api): State<Api>) -> impl IntoResponse {
    let cursor = api.feed.end();
    let threads = api.feed.threads().shown();
    let threads: Vec<_> = threads.iter().map(|thread| &**thread).collect();
    answer(json!({"cursor": cursor, "threads": threads}).to_string())
}

async fn events(State(api): State<Api>, uri: Uri) -> Result<Response, Refused> {
    let query = Query::of(&uri);
    let wants = query.wants()?;
    let (after, last) = (query.after()?, query.get::<usize>("last")?);
    let limit = query.get::<usize>("limit")?.unwrap_or(100).clamp(1, MOST);
    let log = api.feed.log().clone();
    let read = move || match last {
        Some(last) => newest(&log, &wants, last.min(MOST)),
        None => following(&log, &wants, after, limit),
    };
    let read = tokio::task::spawn_blocking(read).await.expect("reading does not panic");
    Ok(answer(read?).into_response())
}

/// The first events after a place. Where few are wanted it gives up after a while, and says how far it has got.
fn following(
    log: &EventLog,
    wants: &Wants,
    after: Option<Cursor>,
    limit: usize,
) -> codex_spool::Result<String> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    let mut page = log.after(after, limit)?;
    let reset_to = page.reset_to;
    let mut looked_at = page.events.len() as u64;
    loop {
        for logged in page.events.iter().filter(|logged| wants.wants(&logged.event)) {
            bytes += logged.event.record().len();
            found.push(Message::event(logged));
        }
        if !page.more || found.len() >= limit || bytes >= BYTES || looked_at >= LOOKED_AT {
            return Ok(listed(&found, page.next, page.more, reset_to));
        }
        let next = log.after(Some(page.next), limit - found.len())?;
        // What is missing there is for the next answer to tell.
        if next.reset_to.is_some() {
            return Ok(listed(&found, page.next, true, reset_to));
        }
        looked_at += next.events.len() as u64;
        page = next;
    }
}

/// The newest events, among those that are looked at.
fn newest(log: &EventLog, wants: &Wants, last: usize) -> codex_spool::Result<String> {
    let (mut found, mut bytes) = (VecDeque::<Message>::new(), 0);
    let mut place = log.newest(if wants.wants_all() { last as u64 } else { LOOKED_AT })?;
    loop {
        let page = log.after(Some(place), MOST)?;
        for message in page.events.iter().filter(|logged| wants.wants(&logged.event)).map(Message::event) {
            bytes += message.json.len();
            found.push_back(message);
            while found.len() > last || (bytes > BYTES && found.len() > 1) {
                bytes -= found.pop_front().map_or(0, |oldest| oldest.json.len());
            }
        }
        place = page.next;
        if !page.more {
            return Ok(listed(found.make_contiguous(), place, false, None));
        }
    }
}

fn listed(events: &[Message], next: Cursor, more: bool, reset_to: Option<Cursor>) -> String {
    let events: Vec<&str> = events.iter().map(|message| message.json.as_str()).collect();
    let reset_to = reset_to.map_or("null".to_owned(), |place| format!("\"{place}\""));
    let events = events.join(",");
    format!(r#"{{"events":[{events}],"next":"{next}","more":{more},"reset_to":{reset_to}}}"#)
}

async fn sse(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Result<Response, Refused> {
    let query = Query::of(&uri);
    let place = api.place()?;
    // What the browser says when it connects again is newer than what the address says.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let after = match last {
        Some(id) => Some(id.parse().map_err(|error| Refused::Bad(format!("Last-Event-ID: {error}")))?),
        None => query.after()?,
    };
    Ok(sse::stream(Tail::new(&api.feed, after, query.wants()?), place).into_response())
}

async fn stream(State(api): State<Api>, request: Request) -> Result<Response, Refused> {
    Ok(websocket::upgrade(request, Arc::clone(&api.feed), api.place()?))
}

impl Api {
    /// A place among the streams, as long as it is held.
    fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Refused::Full)
    }
}

/// Why there is no answer.
enum Refused {
    Bad(String),
    Full,
    Failed(codex_spool::Error),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

impl From<codex_spool::Error> for Refused {
    fn from(error: codex_spool::Error) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Bad(why) => (StatusCode::BAD_REQUEST, why),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, format!("there are {STREAMS} streams: end one")),
            Self::Failed(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        };
        (status, problem(&why)).into_response()
    }
}
