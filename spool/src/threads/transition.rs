//! What changes in a thread.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::thread::time;
use crate::{EventId, ThreadId};

/// What changed in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A turn began.
    TurnStarted,
    /// A turn is done. Where a hook then keeps it from stopping, it is started again.
    TurnCompleted,
    /// A turn was interrupted, by the user or because its Codex ended.
    TurnInterrupted,
    /// A turn ended because the model could not be had.
    TurnFailed,
    /// Somebody is asked for an approval.
    ApprovalRequested,
    /// An approval is no longer asked for: the tool was used, or will not be. The event tells which: `PostToolUse` is
    /// yes; `PreModelRequest` is no, or a tool that had nothing to say; `Interrupt` is the end of the turn.
    ApprovalResolved,
    /// A tool was started.
    ToolStarted,
    /// A tool has ended, or went to the background.
    ToolFinished,
    /// A completed turn has left the thread idle.
    Idle,
    /// A turn is open, its process lives, and nothing has happened for long.
    Stalled,
    /// A stalled turn went on.
    Unstalled,
    /// Codex has let go of the thread, or has ended itself.
    Ended,
    /// A subagent has begun to work, as a thread of its own.
    SubagentStarted,
    /// A subagent is done, or its session has ended.
    SubagentStopped,
}

impl Change {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TurnStarted => "turn_started",
            Self::TurnCompleted => "turn_completed",
            Self::TurnInterrupted => "turn_interrupted",
            Self::TurnFailed => "turn_failed",
            Self::ApprovalRequested => "approval_requested",
            Self::ApprovalResolved => "approval_resolved",
            Self::ToolStarted => "tool_started",
            Self::ToolFinished => "tool_finished",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Unstalled => "unstalled",
            Self::Ended => "ended",
            Self::SubagentStarted => "subagent_started",
            Self::SubagentStopped => "subagent_stopped",
        }
    }

    /// Whether a turn is over by it.
    pub fn ends_turn(self) -> bool {
        matches!(self, Self::TurnCompleted | Self::TurnInterrupted | Self::TurnFailed)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// By whose word something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Witness {
    /// An event that Codex fired.
    Hook,
    /// The transcript of the thread.
    Transcript,
    /// The life of the Codex process.
    Process,
}

/// A change of a thread.
///
/// To serde:
///
/// ```json
/// {"transition":"turn_completed","thread_id":"01a1fdd3-…","turn_id":"01a1fdd4-…","at":"2026-11-21T03:47:36.397361031Z","event_id":"0b2e…","by":"hook"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transition {
    /// What changed.
    #[serde(rename = "transition")]
    pub change: Change,
    /// The thread.
    pub thread_id: ThreadId,
    /// The turn that it is about; none where no turn runs.
    pub turn_id: Option<String>,
    /// The use of a tool that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// When it was captured; by the transcript when it was written there; by the process when it was looked for.
    #[serde(with = "time")]
    pub at: SystemTime,
    /// The event that told it; none where the transcript or the process did.
    pub event_id: Option<EventId>,
    /// By whose word it is known.
    pub by: Witness,
}
