//! A thread, as it is shown.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::ThreadId;
use crate::time::Moment;

/// What a thread is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The model works, or a turn is about to begin.
    Running,
    /// At least one tool runs.
    Tool,
    /// Somebody is asked for an approval. Codex does not say when it was given: until the tool has ended, the thread is
    /// waiting.
    Waiting,
    /// The last turn was completed; the next prompt is awaited.
    Idle,
    /// The last turn was interrupted; the next prompt is awaited.
    Interrupted,
    /// The last turn failed; the next prompt is awaited.
    Failed,
    /// A turn is open, its process lives, and nothing has happened for long.
    Stalled,
    /// Codex has let go of the thread, or has ended itself. It may be resumed.
    Ended,
}

impl Status {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Tool => "tool",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::Ended => "ended",
        }
    }

    /// Whether the thread is loaded and would take a prompt: no turn runs.
    pub fn awaits_prompt(self) -> bool {
        matches!(self, Self::Idle | Self::Interrupted | Self::Failed)
    }

    /// Whether no turn runs: the thread would take a prompt, or is to be loaded for that.
    pub fn is_at_rest(self) -> bool {
        self.awaits_prompt() || self == Self::Ended
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known of a thread.
///
/// Texts of people and models are previews: their first 200 characters. To serde it is an object of its fields; moments
/// are RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thread {
    /// The thread: the session, or the subagent.
    pub thread_id: ThreadId,
    /// The session that a subagent belongs to; `None` for others.
    pub parent_id: Option<ThreadId>,
    /// The session: the thread itself, or its parent.
    pub session_id: Option<ThreadId>,
    /// The value that `CODEX_HOOK_TAG` had in Codex's environment.
    pub tag: Option<String>,
    /// What it is doing.
    pub status: Status,
    /// Since when. For a running thread: since the model has last been asked.
    #[serde(with = "time")]
    pub since: SystemTime,
    /// The turn that runs, or has run last.
    pub turn_id: Option<String>,
    /// When its first event was captured.
    #[serde(with = "time_if_any")]
    pub turn_started_at: Option<SystemTime>,
    /// The tools that run, in the order of their start.
    pub tools: Vec<ToolUse>,
    /// What approval is asked for, where one is; of several the first.
    pub waiting_for: Option<Approval>,
    /// The folder in which it works.
    pub cwd: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What it may do unasked.
    pub permission_mode: Option<String>,
    /// Its transcript; none where the thread is ephemeral.
    pub transcript_path: Option<String>,
    /// How it was loaded last: `startup`, `resume`, `clear` or `fork`; `compact` where nothing else is known.
    pub source: Option<String>,
    /// What it was asked last.
    pub last_prompt: Option<String>,
    /// What it answered last.
    pub last_answer: Option<String>,
    /// How many turns it has had.
    pub turns: u64,
    /// How many tools it has used.
    pub tool_calls: u64,
    /// How many approvals it has asked for.
    pub approvals: u64,
    /// How often it was compacted.
    pub compactions: u64,
    /// When its first known event was captured.
    #[serde(with = "time")]
    pub first_seen: SystemTime,
    /// When its last known event was captured.
    #[serde(with = "time")]
    pub last_seen: SystemTime,
}

/// A tool that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolUse {
    /// This use of the tool.
    pub tool_use_id: String,
    /// The tool.
    pub name: String,
    /// What it is about: the command, the files that a patch touches, or the input as JSON.
    pub gist: String,
    /// When it was started.
    #[serde(with = "time")]
    pub since: SystemTime,
}

/// An approval that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Approval {
    /// The tool that would be used.
    pub tool: String,
    /// What it would do.
    pub command: String,
    /// Why, in the model's words.
    pub reason: Option<String>,
    /// When it was asked for.
    #[serde(with = "time")]
    pub since: SystemTime,
}

/// The longest preview, in characters.
const PREVIEW: usize = 200;

/// The first characters of a text; one that was cut ends in `…`.
pub(crate) fn preview(text: &str) -> Box<str> {
    match text.char_indices().nth(PREVIEW) {
        None => text.into(),
        Some(_) => {
            let (end, _) = text.char_indices().nth(PREVIEW - 1).expect("there are more");
            format!("{}…", &text[..end]).into()
        }
    }
}

/// Moments to serde.
pub(super) mod time {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(in crate::threads) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Moment::of(*time).serialize(serializer)
    }

    pub(in crate::threads) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        Moment::deserialize(deserializer).map(Moment::time)
    }
}

mod time_if_any {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Moment::of).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(Moment::time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_200_characters_at_most_and_says_when_it_was_cut() {
        assert_eq!(&*preview(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(&*preview(&"é".repeat(201)), format!("{}…", "é".repeat(199)));
    }
}
