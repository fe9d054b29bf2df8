//! A delegation: one task, one turn of a Codex thread, one result.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is done with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Return {
    /// Wake the operator with it.
    WakeOnDone,
    /// Wake the operator once, with the results of the whole group, when its last delegation is over.
    WakeOnGroup,
    /// Keep it, for `workspace read`; wake nobody.
    RecordOnly,
    /// Keep it until `workspace flush`, then wake the operator with it.
    Manual,
    /// Do not follow the session: no result is kept.
    Detached,
}

/// A delegation, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delegation {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) cwd: PathBuf,
    pub(crate) task: String,
    #[serde(rename = "return")]
    pub(crate) returns: Return,
    pub(crate) group: Option<String>,
    /// How many delegations the group has before it is whole.
    pub(crate) group_size: usize,
    /// Whether the thread was there before.
    pub(crate) resumes: bool,
    /// Its thread. Kept before the task is given to it, so that no event of the task comes before this is known.
    pub(crate) thread: Option<String>,
    /// The turn that the task became. Until it is known, the task may not have been given yet.
    pub(crate) turn: Option<String>,
    /// Whether `flush` has asked for the result.
    pub(crate) flushed: bool,
    pub(crate) result: Option<Outcome>,
}

/// How a delegation has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) how: How,
    pub(crate) text: String,
    pub(crate) at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Completed,
    Failed,
    Interrupted,
}

impl Delegation {
    /// What the prompt is known by in the transcript of its thread.
    pub(crate) fn key(&self) -> String {
        format!("workspace-task-{}", self.id)
    }

    /// Notes how it has ended. The first word counts.
    pub(crate) fn end(&mut self, how: How, text: impl Into<String>) {
        self.result.get_or_insert_with(|| Outcome { how, text: text.into(), at: now() });
    }

    /// The task in one line of at most so many characters.
    pub(crate) fn title(&self, most: usize) -> String {
        title(&self.task, most)
    }
}

/// The first line of a text, cut, and fit for a terminal.
pub(crate) fn title(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default().replace(char::is_control, " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl How {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Return {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::WakeOnDone => "wake_on_done",
            Self::WakeOnGroup => "wake_on_group",
            Self::RecordOnly => "record_only",
            Self::Manual => "manual",
            Self::Detached => "detached",
        }
    }
}

/// The time, such that later is greater.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_nanos(SystemTime::now()).to_string()
}
