//! The thread that keeps the log, and knows what Codex threads are doing.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use codex_spool::{Error, LogKeeper, LoggedEvent, Spool, ThreadId, ThreadIndex, Transition};
use tokio::sync::oneshot;

use crate::feed::Feed;

/// How often it is looked for what no hook tells.
const RECONCILE: Duration = Duration::from_secs(5);

/// How long it rests after something has gone wrong.
const REST: Duration = Duration::from_secs(1);

/// Starts it. What it gives is why it has ended: it cannot go on.
pub(crate) async fn start(spool: Spool, keeper: LogKeeper, feed: Arc<Feed>) -> crate::Error {
    let (give, take) = oneshot::channel();
    thread::spawn(move || {
        // Who takes it is gone only when the whole program is about to end.
        let _ = give.send(keep(&spool, keeper, &feed));
    });
    take.await.map_or(crate::Error::NotKept, crate::Error::from)
}

fn keep(spool: &Spool, mut keeper: LogKeeper, feed: &Feed) -> Error {
    let mut index = ThreadIndex::new();
    match index.read_journal(spool) {
        Ok(problems) => problems.iter().for_each(|problem| eprintln!("control-plane: {problem}")),
        Err(error) => return error,
    }
    let mut changed: HashSet<ThreadId> = index.threads().into_iter().map(|thread| thread.thread_id).collect();
    let mut next_look = Instant::now();
    loop {
        if next_look <= Instant::now() {
            changed.extend(of(index.reconcile(SystemTime::now())));
            next_look = Instant::now() + RECONCILE;
        }
        if !changed.is_empty() {
            feed.threads().update(&index, std::mem::take(&mut changed));
            feed.wake();
        }
        match keeper.recv_timeout(next_look.saturating_duration_since(Instant::now())) {
            Ok(events) => {
                for LoggedEvent { event, .. } in &events {
                    changed.extend(of(index.apply(event)));
                    changed.extend(event.thread_id().cloned());
                }
                feed.add(events);
                feed.problem().take();
            }
            Err(error @ Error::NoConsumer { .. }) => return error,
            // One event is wrong, and set aside; or the disk is, and what waits is tried again.
            Err(error) => {
                eprintln!("control-plane: {error}");
                if !matches!(error, Error::Damaged { .. }) {
                    *feed.problem() = Some(error.to_string());
                    thread::sleep(REST);
                }
            }
        }
    }
}

fn of(transitions: Vec<Transition>) -> impl Iterator<Item = ThreadId> {
    transitions.into_iter().map(|transition| transition.thread_id)
}
