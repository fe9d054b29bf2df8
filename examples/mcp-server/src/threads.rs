//! `codex_threads` and `codex_wait`: what threads are doing.

use std::path::PathBuf;
use std::time::Duration;

use codex_spool::{Status, Thread, ThreadId, Transition};
use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Code, Failure};
use crate::follower::Follower;

/// How many threads are listed unless it is asked for more: each takes about 1 kB of the model's context.
const THREADS: usize = 20;

/// How long is waited unless it is said. Codex 0.169 gives a tool 300 seconds unless its configuration says otherwise, other
/// clients a minute.
const WAIT: u64 = 50_000;

/// The longest wait.
pub(crate) const LONGEST_WAIT: u64 = 24 * 60 * 60 * 1000;

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
pub(crate) async fn list(follower: &Follower, args: ListThreads) -> Result<Value, Failure> {
    let is_meant = |thread: &Thread| {
        let cwd = thread.cwd.as_deref().map(std::path::Path::new);
        (args.ended || thread.status != Status::Ended || args.status.contains(&Status::Ended))
            && (args.status.is_empty() || args.status.contains(&thread.status))
            && args.cwd.as_ref().is_none_or(|wanted| cwd.is_some_and(|cwd| cwd.starts_with(wanted)))
            && (args.tag.is_none() || args.tag == thread.tag)
    };
    let mut threads = follower.index().await?.threads();
    threads.retain(is_meant);
    let meant = threads.len();
    threads.truncate(args.max_threads.unwrap_or(THREADS).max(1));
    Ok(json!({"threads": threads, "omitted": meant - threads.len()}))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wait {
    /// The thread.
    #[schemars(with = "String")]
    thread_id: ThreadId,
    /// What to wait for; the first of them ends the wait. All of them by default.
    #[serde(default = "Goal::all")]
    until: Vec<Goal>,
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
    fn all() -> Vec<Self> {
        vec![Self::Idle, Self::Waiting, Self::Ended]
    }

    fn of(status: Status) -> Option<Self> {
        match status {
            Status::Waiting => Some(Self::Waiting),
            Status::Ended => Some(Self::Ended),
            status => status.awaits_prompt().then_some(Self::Idle),
        }
    }
}

/// Waits until a thread is as it is waited for.
pub(crate) async fn wait(follower: &Follower, args: Wait) -> Result<Value, Failure> {
    let timeout = Duration::from_millis(args.timeout_ms.unwrap_or(WAIT).min(LONGEST_WAIT));
    let deadline = Instant::now() + timeout;
    // Before the first look: what changes in between is told.
    let mut news = follower.news();
    let mut seen = Some((None, thread(follower, &args.thread_id).await?.status));
    loop {
        if let Some((transition, status)) = seen.take() {
            let reached = Goal::of(status);
            if let Some(goal) = reached.filter(|goal| args.until.contains(goal)) {
                return answer(follower, &args.thread_id, Some(goal), transition).await;
            }
            if reached == Some(Goal::Ended) {
                return Err(Code::ThreadEnded.because(format_args!(
                    "the thread has ended: {}: wait for its end with until: [\"ended\"], or resume it",
                    args.thread_id
                )));
            }
        }
        let Ok(received) = timeout_at(deadline, news.recv()).await else {
            return answer(follower, &args.thread_id, None, None).await;
        };
        match received {
            Ok(news) => {
                let mut mine = news.iter().filter(|(one, _)| one.thread_id == args.thread_id);
                seen = mine.next_back().map(|(transition, status)| (Some(transition.clone()), *status));
            }
            Err(RecvError::Lagged(_)) => seen = Some((None, thread(follower, &args.thread_id).await?.status)),
            Err(RecvError::Closed) => return Err(Follower::lost()),
        }
    }
}

async fn answer(
    follower: &Follower,
    id: &ThreadId,
    reached: Option<Goal>,
    transition: Option<Transition>,
) -> Result<Value, Failure> {
    Ok(json!({"reached": reached, "transition": transition, "thread": thread(follower, id).await?}))
}

/// A thread that is known.
pub(crate) async fn thread(follower: &Follower, id: &ThreadId) -> Result<Thread, Failure> {
    follower.catch_up(|index| index.get(id).is_some()).await?;
    let none = || Code::NoSuchThread.because(format_args!("no such thread: {id}: see codex_threads"));
    follower.index().await?.get(id).ok_or_else(none)
}
