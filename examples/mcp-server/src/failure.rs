//! What went wrong with a call, in a form that a program can tell apart and a model can read.

use std::path::PathBuf;

use codex_spool::ThreadId;

/// Why a tool has not done what it was asked. The name of each, in snake case, is its code; the README has them all.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Failure {
    #[error("{0}")]
    BadArguments(String),
    #[error("no such thread: {0}: see codex_threads")]
    NoSuchThread(ThreadId),
    #[error("the thread has ended: {0}: wait for its end with until: [\"ended\"], or resume it")]
    ThreadEnded(ThreadId),
    #[error("a turn runs: {0}: wait until it is idle, with codex_wait")]
    ThreadBusy(ThreadId),
    #[error("it waits for a person: {0}: wait until it is idle, with codex_wait")]
    ThreadWaiting(ThreadId),
    #[error("another Codex has it open: {0}: prompt it there, or close that")]
    ThreadElsewhere(ThreadId),
    #[error("it works in a folder that is not allowed: {0}: allowed is {1:?}")]
    FolderNotAllowed(ThreadId, Vec<PathBuf>),
    #[error("its sandbox ({1}) does not keep it in what is allowed: {0}: a person may prompt it")]
    Unsandboxed(ThreadId, codex_driver::Confinement),
    #[error("a hook has blocked it, or somebody interrupted it: {0}: turn {1}")]
    PromptBlocked(ThreadId, String),
    #[error("it may have been sent: {0}: send it again with the key {1}, which sends it no second time")]
    Unconfirmed(ThreadId, String),
    #[error(transparent)]
    Codex(#[from] codex_driver::Error),
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
}
