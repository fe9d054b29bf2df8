//! `codex_events`: what has happened, page by page.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use codex_spool::{Cursor, Error, EventKind, Spool, Start, ThreadId, ThreadIndex};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use crate::detail::{Detail, LEAST, tell};
use crate::failure::{Code, Failure};
use crate::follower::Follower;
use crate::threads::LONGEST_WAIT;

/// The consumer whose log the cursors are of. All servers of a spool keep it, in turns, each when it is asked for events.
const CONSUMER: &str = "mcp-server";

/// How many events are on a page unless it is said, and at most.
const EVENTS: usize = 50;
const MOST_EVENTS: usize = 1000;

/// How many bytes of events are on a page unless it is said, and at most. Models get some 10 to 40 kB of what a tool says.
const BYTES: usize = 8 << 10;
const MOST_BYTES: usize = 1 << 20;

/// How many events are looked at for a page, so that a rare kind does not keep its caller waiting.
const LOOKED_AT: usize = 10_000;

/// How many events are read at a time.
const BATCH: usize = 256;

/// How long another server may take to take in what waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kinds of events after which a turn, a subagent or a session is over.
const FINAL: [EventKind; 4] =
    [EventKind::Stop, EventKind::SubagentStop, EventKind::Interrupt, EventKind::SessionEnd];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Events {
    /// The nextCursor of the page before. Without it: from the oldest event there is.
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
    /// Without a cursor: only the newest so many events, and what comes. 0: only what comes.
    newest: Option<u64>,
    /// Only events of this thread.
    #[schemars(with = "Option<String>")]
    thread_id: Option<ThreadId>,
    /// Only events of these kinds, such as PermissionRequest or Stop.
    #[serde(default)]
    kinds: Vec<String>,
    /// Only events after which a turn, a subagent or a session is over: Stop, Interrupt, SubagentStop, SessionEnd.
    #[serde(default)]
    final_only: bool,
    /// How much is told of each event. minimal by default.
    #[serde(default)]
    detail: Detail,
    /// The most events on the page. 50 by default, 1000 at most.
    max_events: Option<usize>,
    /// The most bytes of events on the page, 2048 to 1048576; an event that is larger alone is told in less detail, and says
    /// so in cut_from. 8192 by default.
    max_bytes: Option<usize>,
    /// Where there is no event yet, wait for one so long. 0 by default.
    #[serde(default)]
    wait_ms: u64,
}

/// What is wanted, checked.
#[derive(Debug, Clone)]
struct Wanted {
    thread: Option<ThreadId>,
    kinds: Vec<EventKind>,
    detail: Detail,
    events: usize,
    bytes: usize,
}

/// A page in the making.
#[derive(Debug, Default)]
struct Page {
    reset_to: Option<Cursor>,
    events: Vec<Value>,
    bytes: usize,
    /// The newest event of each thread on it.
    newest: HashMap<ThreadId, SystemTime>,
    /// The place behind the last event that was looked at.
    next: Option<Cursor>,
    more: bool,
}

/// A page of events; where there are none, waits for the first.
pub(crate) async fn events(spool: &Spool, follower: &Follower, args: Events) -> Result<Value, Failure> {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(args.wait_ms.min(LONGEST_WAIT));
    let wanted = wanted(&args)?;
    // Before the first look: what comes in between is told.
    let mut news = follower.news();
    let mut start = (args.cursor, args.newest);
    let mut reset_to = None;
    loop {
        let (spool, wanted) = (spool.clone(), wanted.clone());
        let read = spawn_blocking(move || read(&spool, start, &wanted)).await;
        let page = read.expect("reading does not panic")?;
        reset_to = reset_to.or(page.reset_to);
        start = (page.next, None);
        let is_due = !page.events.is_empty() || page.more || reset_to.is_some();
        let told = if is_due { None } else { timeout_at(deadline, news.recv()).await.ok() };
        match told {
            Some(Ok(_) | Err(RecvError::Lagged(_))) => news = news.resubscribe(),
            Some(Err(RecvError::Closed)) => return Err(Follower::lost()),
            None => {
                let is_known = |index: &ThreadIndex, (id, at): (&ThreadId, &SystemTime)| {
                    index.get(id).is_none_or(|thread| thread.last_seen >= *at)
                };
                follower.catch_up(|index| page.newest.iter().all(|newest| is_known(index, newest))).await?;
                return Ok(json!({"events": page.events, "nextCursor": page.next, "more": page.more,
                                 "cursorResetTo": reset_to}));
            }
        }
    }
}

fn wanted(args: &Events) -> Result<Wanted, Failure> {
    let mut kinds = Vec::new();
    for name in &args.kinds {
        let kind = EventKind::from(name.as_str());
        if matches!(kind, EventKind::Other(_)) {
            let known: Vec<&str> = EventKind::KNOWN.iter().map(EventKind::as_str).collect();
            let known = known.join(", ");
            return Err(
                Code::BadArguments.because(format_args!("no kind of event: {name}: there are {known}"))
            );
        }
        kinds.push(kind);
    }
    if args.final_only {
        let of_these = |kind: &EventKind| kinds.is_empty() || kinds.contains(kind);
        kinds = FINAL.into_iter().filter(of_these).collect();
        if kinds.is_empty() {
            return Err(
                Code::BadArguments.because("none of these kinds is final: leave out kinds, or finalOnly")
            );
        }
    }
    let bytes = args.max_bytes.unwrap_or(BYTES);
    if !(LEAST..=MOST_BYTES).contains(&bytes) {
        let why = format_args!("maxBytes is {bytes}: give {LEAST} to {MOST_BYTES}");
        return Err(Code::BadArguments.because(why));
    }
    let events = args.max_events.unwrap_or(EVENTS).clamp(1, MOST_EVENTS);
    Ok(Wanted { thread: args.thread_id.clone(), kinds, detail: args.detail, events, bytes })
}

/// Takes in what waits, and reads on from a place.
fn read(spool: &Spool, start: (Option<Cursor>, Option<u64>), wanted: &Wanted) -> Result<Page, Failure> {
    take_in(spool)?;
    let log = spool.log(CONSUMER)?;
    let place = match start {
        (None, Some(newest)) => Some(log.newest(newest)?),
        (place, _) => place,
    };
    let mut page = Page { next: place, ..Page::default() };
    let mut looked_at = 0;
    loop {
        let batch = log.after(page.next, BATCH)?;
        if batch.reset_to.is_some() {
            // What is missing must not stand between two events of a page.
            if looked_at > 0 {
                return Ok(Page { more: true, ..page });
            }
            page.reset_to = batch.reset_to;
        }
        for logged in batch.events {
            let event = &logged.event;
            let is_wanted = wanted.thread.as_ref().is_none_or(|thread| event.thread_id() == Some(thread))
                && (wanted.kinds.is_empty() || wanted.kinds.contains(event.kind()));
            if is_wanted {
                // With the comma or the bracket behind it, and the bracket before the first.
                let (told, bytes) = tell(event, wanted.detail, wanted.bytes - 2);
                if page.events.len() == wanted.events || page.bytes + bytes + 2 > wanted.bytes {
                    return Ok(Page { more: true, ..page });
                }
                page.bytes += bytes + 1;
                page.events.push(told);
                if let Some(thread) = event.thread_id() {
                    let newest = page.newest.entry(thread.clone()).or_insert(event.captured_at());
                    *newest = event.captured_at().max(*newest);
                }
            }
            page.next = Some(logged.cursor);
            looked_at += 1;
        }
        page.next = Some(batch.next);
        page.more = batch.more;
        if !batch.more || looked_at >= LOOKED_AT {
            return Ok(page);
        }
    }
}

/// Gives what has been recorded its place in the log. What was recorded before this began has one when it returns.
fn take_in(spool: &Spool) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match spool.consumer(CONSUMER)?.start(Start::Earliest).keep_log() {
            Ok(mut keeper) => loop {
                match keeper.take_in() {
                    // It has been set aside, and the others are worth having.
                    Err(error @ Error::Damaged { .. }) => eprintln!("mcp-server: {error}"),
                    taken => return Ok(taken.map(drop)?),
                }
            },
            // Another server does the same; it takes milliseconds.
            Err(Error::Busy { .. }) if Instant::now() < deadline => {}
            Err(error) => return Err(error.into()),
        }
    }
}
