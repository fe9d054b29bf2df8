//! `codex_threads` and `codex_wait`: what threads are doing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codex_spool::{LiveThreads, Status, Thread, ThreadId};
use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::failure::Failure;

/// How many threads are listed unless it is asked for more: each takes about 1 kB of the model's context.
const THREADS: usize = 20;

/// How long is waited unless it is said. Codex 0.169 gives a tool 300 seconds unless its configuration says otherwise, other
/// clients a minute.
const WAIT: u64 = 50_000;

/// The longest wait.
pub(crate) const LONGEST_WAIT: u64 = 24 * 60 * 60 * 1000;

/// How long an event that others have seen may take to be known of a thread. It takes milliseconds.
pub(crate) const CATCH_UP: Duration = Duration::from_secs(1);

/// Lists the Codex threads of this machine: what each is doing, where, since when, and what approval it waits for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListThreads {
    /// Only threads with one of these: running, tool, waiting, idle, interrupted, failed, stalled, ended.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    status: Vec<Status>,
    /// Only threads that work in this folder or below it: an absolute path.
    cwd: Option<PathBuf>,
    /// Only threads of sessions that were started with this CODEX_HOOK_TAG.
    tag: Option<String>,
    /// Also threads that have ended. False by default.
    #[serde(default)]
    ended: bool,
    /// The most threads to list, the newest first. 20 by default.
    max_threads: Option<usize>,
}

/// The threads that are meant.
pub(crate) async fn list(live: &LiveThreads, args: ListThreads) -> Result<Value, Failure> {
    let is_meant = |thread: &Arc<Thread>| {
        let cwd = thread.cwd.as_deref().map(Path::new);
        (args.ended || thread.status != Status::Ended || args.status.contains(&Status::Ended))
            && (args.status.is_empty() || args.status.contains(&thread.status))
            && args.cwd.as_ref().is_none_or(|wanted| cwd.is_some_and(|cwd| cwd.starts_with(wanted)))
            && (args.tag.is_none() || args.tag == thread.tag)
    };
    let mut threads = live.threads().await?;
    threads.retain(is_meant);
    let meant = threads.len();
    threads.truncate(args.max_threads.unwrap_or(THREADS).max(1));
    let told: Vec<&Thread> = threads.iter().map(|thread| &**thread).collect();
    Ok(json!({"threads": told, "omitted": meant - told.len()}))
}

/// Waits until a thread is idle, waits for an approval, or has ended. reached is null when the time is over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wait {
    /// The thread.
    #[schemars(with = "String")]
    thread_id: ThreadId,
    /// What to wait for; the first of them ends the wait. All of them by default.
    until: Option<Vec<Goal>>,
    /// Wait no longer than this. 50000 by default.
    timeout_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Goal {
    /// No turn runs: the thread takes a prompt. It is idle, interrupted or failed.
    Idle,
    /// It waits for an approval, which a person has to give.
    Waiting,
    /// Codex has let go of it.
    Ended,
}

impl Goal {
    fn of(status: Status) -> Option<Self> {
        match status {
            Status::Waiting => Some(Self::Waiting),
            Status::Ended => Some(Self::Ended),
            status => status.awaits_prompt().then_some(Self::Idle),
        }
    }
}

/// Waits until a thread is as it is waited for.
pub(crate) async fn wait(live: &LiveThreads, args: Wait) -> Result<Value, Failure> {
    let Wait { thread_id: id, until, timeout_ms } = args;
    thread(live, &id).await?;
    let longest = Duration::from_millis(timeout_ms.unwrap_or(WAIT).min(LONGEST_WAIT));
    let is_goal = |goal: &Goal| until.as_ref().is_none_or(|until| until.contains(goal));
    let is_over = |goal| is_goal(&goal) || goal == Goal::Ended;
    let reached = live.wait_for(&id, |update| Goal::of(update.thread.status).is_some_and(is_over));
    let Ok(update) = timeout(longest, reached).await else {
        return Ok(json!({"reached": null, "transition": null, "thread": *thread(live, &id).await?}));
    };
    let update = update?;
    match Goal::of(update.thread.status).filter(is_goal) {
        None => Err(Failure::ThreadEnded(id)),
        reached => Ok(json!({"reached": reached, "transition": update.transitions.last(),
                             "thread": *update.thread})),
    }
}

/// A thread that is known, or will be in a moment.
pub(crate) async fn thread(live: &LiveThreads, id: &ThreadId) -> Result<Arc<Thread>, Failure> {
    // Where the journal is being read yet, this takes longer.
    if let Some(thread) = live.get(id).await? {
        return Ok(thread);
    }
    match timeout(CATCH_UP, live.wait_for(id, |_| true)).await {
        Ok(update) => Ok(update?.thread),
        Err(_) => Err(Failure::NoSuchThread(id.clone())),
    }
}
