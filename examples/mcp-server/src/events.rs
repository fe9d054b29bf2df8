//! `codex_events`: what has happened, page by page.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use codex_spool::{Cursor, Error, Event, EventKind, LiveThreads, Scan, Spool, Start, ThreadId};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use crate::detail::{Detail, LEAST, tell};
use crate::failure::Failure;
use crate::threads::{CATCH_UP, LONGEST_WAIT};

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

/// How long another server may take to take in what waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kinds of events after which a turn, a subagent or a session is over.
const FINAL: [EventKind; 4] =
    [EventKind::Stop, EventKind::SubagentStop, EventKind::Interrupt, EventKind::SessionEnd];

/// Reads what Codex threads have done, in the order in which it was recorded, a page at a time. Go on with nextCursor; more
/// says whether there is more already. cursorResetTo: events before that place are gone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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

impl Events {
    fn check(&self) -> Result<(), Failure> {
        let known: Vec<&str> = EventKind::KNOWN.iter().map(EventKind::as_str).collect();
        let bytes = self.max_bytes();
        let why = if let Some(name) = self.kinds.iter().find(|name| !known.contains(&name.as_str())) {
            format!("no kind of event: {name}: there are {}", known.join(", "))
        } else if self.final_only && !FINAL.iter().any(|kind| self.is_of_these(kind)) {
            "none of these kinds is final: leave out kinds, or finalOnly".to_owned()
        } else if !(LEAST..=MOST_BYTES).contains(&bytes) {
            format!("maxBytes is {bytes}: give {LEAST} to {MOST_BYTES}")
        } else {
            return Ok(());
        };
        Err(Failure::BadArguments(why))
    }

    fn max_bytes(&self) -> usize {
        self.max_bytes.unwrap_or(BYTES)
    }

    fn is_of_these(&self, kind: &EventKind) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|name| name == kind.as_str())
    }

    fn wants(&self, event: &Event) -> bool {
        self.thread_id.as_ref().is_none_or(|thread| event.thread_id() == Some(thread))
            && self.is_of_these(event.kind())
            && (!self.final_only || FINAL.contains(event.kind()))
    }
}

struct Page {
    events: Vec<Value>,
    /// When what was captured of which thread.
    seen: Vec<(ThreadId, SystemTime)>,
    scan: Scan,
}

/// A page of events; where there are none, waits for the first.
pub(crate) async fn events(spool: &Spool, live: &LiveThreads, mut args: Events) -> Result<Value, Failure> {
    args.check()?;
    let deadline = Instant::now() + Duration::from_millis(args.wait_ms.min(LONGEST_WAIT));
    // Before the first look: what comes in between is told.
    let mut updates = live.subscribe();
    updates.recv().await?;
    let page = loop {
        let (spool, wanted) = (spool.clone(), args.clone());
        let read = spawn_blocking(move || read(&spool, &wanted)).await;
        let page = read.expect("reading does not panic")?;
        args.cursor = Some(page.scan.next);
        if !page.events.is_empty() || page.scan.more || page.scan.reset_to.is_some() {
            break page;
        }
        match timeout_at(deadline, updates.recv()).await {
            Ok(word) => drop(word?),
            Err(_) => break page,
        }
    };
    timeout(CATCH_UP, catch_up(live, &page.seen)).await.unwrap_or(Ok(()))?;
    let Page { events, scan: Scan { reset_to, next, more, .. }, .. } = page;
    Ok(json!({"events": events, "nextCursor": next, "more": more, "cursorResetTo": reset_to}))
}

/// Waits until that is known of the threads.
async fn catch_up(live: &LiveThreads, seen: &[(ThreadId, SystemTime)]) -> codex_spool::Result<()> {
    for (id, at) in seen {
        if live.get(id).await?.is_some() {
            live.wait_for(id, |update| update.thread.last_seen >= *at).await?;
        }
    }
    Ok(())
}

/// Takes in what waits, and reads on from a place.
fn read(spool: &Spool, args: &Events) -> codex_spool::Result<Page> {
    take_in(spool)?;
    let log = spool.log(CONSUMER)?;
    let place = match (args.cursor, args.newest) {
        (None, Some(newest)) => Some(log.newest(newest)?),
        (place, _) => place,
    };
    let most_events = args.max_events.unwrap_or(EVENTS).clamp(1, MOST_EVENTS);
    // Each has a comma or the bracket behind it, and the first the bracket before it.
    let mut room = args.max_bytes() - 1;
    let (mut events, mut seen) = (Vec::new(), Vec::new());
    let scan = log.scan(place, LOOKED_AT, |logged| {
        let event = &logged.event;
        if args.wants(event) {
            let told = tell(event, args.detail, args.max_bytes() - 2);
            let bytes = told.to_string().len() + 1;
            if events.len() == most_events || bytes > room {
                return ControlFlow::Break(());
            }
            room -= bytes;
            events.push(told);
            seen.extend(event.thread_id().map(|thread| (thread.clone(), event.captured_at())));
        }
        ControlFlow::Continue(())
    })?;
    Ok(Page { events, seen, scan })
}

/// Gives what has been recorded its place in the log. What was recorded before this began has one when it returns.
fn take_in(spool: &Spool) -> codex_spool::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let keeper = spool.consumer(CONSUMER)?.start(Start::Earliest).keep_log();
        match keeper.and_then(|mut keeper| keeper.take_in()) {
            Ok(_) => return Ok(()),
            // Another server does the same; it takes milliseconds.
            Err(Error::Busy { .. }) if Instant::now() < deadline => {}
            // It has been set aside, and the others are worth having.
            Err(error @ Error::Damaged { .. }) => eprintln!("mcp-server: {error}"),
            Err(error) => return Err(error),
        }
    }
}
