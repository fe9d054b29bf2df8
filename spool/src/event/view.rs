//! Typed views of the payloads, one a kind of event.
//!
//! Fields that some version of Codex leaves out, or sends as null, are `Option`s. What a tool was given and what it
//! answered stay JSON, since every tool has its own shape. What Codex adds later is in
//! [`Event::payload`](crate::Event::payload).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::EventKind;

/// A payload lacks a field that its kind of event has, or has another type there.
#[derive(Debug, thiserror::Error)]
#[error("unexpected payload of {kind}: {source}: read Event::payload instead")]
pub struct ViewError {
    kind: EventKind,
    source: serde_json::Error,
}

macro_rules! views {
    ($(
        $(#[$doc:meta])*
        $kind:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }
    )*) => {
        /// The payload of an event, typed by its kind.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum View {
            $($(#[$doc])* $kind($kind),)*
            /// An event that this version does not know; its fields are in the payload.
            Other,
        }

        impl View {
            pub(super) fn of(kind: &EventKind, payload: &str) -> Result<Self, ViewError> {
                let view = match kind {
                    $(EventKind::$kind => serde_json::from_str(payload).map(Self::$kind),)*
                    EventKind::Other(_) => Ok(Self::Other),
                };
                view.map_err(|source| ViewError { kind: kind.clone(), source })
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Serialize, Deserialize)]
            #[non_exhaustive]
            pub struct $kind {
                /// The session; for a subagent that of its parent.
                pub session_id: String,
                /// The thread's transcript; none where the thread is ephemeral.
                pub transcript_path: Option<String>,
                /// The folder in which the thread works.
                pub cwd: String,
                /// The name of the event.
                pub hook_event_name: String,
                $($(#[$attribute])* pub $field: $type,)*
            }
        )*
    };
}

views! {
    /// A thread was loaded. Fires at its first turn, once each time it is loaded.
    SessionStart {
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked: `default`, `acceptEdits`, `bypassPermissions`, …
        permission_mode: Option<String>,
        /// Why: `startup`, `resume`, `clear`, `compact` or `fork`.
        source: String,
    }
    /// A thread was left.
    SessionEnd {
        /// Why; Codex 0.169 always says `other`.
        reason: String,
    }
    /// A prompt was sent: a turn begins.
    UserPromptSubmit {
        /// The turn; absent before Codex 0.120.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// What was asked.
        prompt: String,
    }
    /// A tool is about to be used.
    PreToolUse {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// The tool: `Bash` for the shell, `apply_patch`, `mcp__<server>__<tool>`, …
        tool_name: String,
        /// What the tool is given; `{"command"}` for the shell.
        tool_input: Box<RawValue>,
        /// This use of the tool; the same in [`PostToolUse`].
        tool_use_id: String,
    }
    /// The user is asked for permission to use a tool.
    PermissionRequest {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// The tool.
        tool_name: String,
        /// What the tool would be given, with the reason in `description`.
        tool_input: Box<RawValue>,
    }
    /// A tool was used. Not every [`PreToolUse`] is followed by one.
    PostToolUse {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// The tool.
        tool_name: String,
        /// What the tool was given.
        tool_input: Box<RawValue>,
        /// What it answered, cut by Codex to what the model gets to see: a string, for MCP tools an object.
        tool_response: Box<RawValue>,
        /// This use of the tool.
        tool_use_id: String,
    }
    /// The conversation is about to be compacted.
    PreCompact {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// Why: `manual` or `auto`.
        trigger: String,
    }
    /// The conversation was compacted.
    PostCompact {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// Why: `manual` or `auto`.
        trigger: String,
    }
    /// A subagent was started.
    SubagentStart {
        /// The turn of the subagent.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent, a thread of its own.
        agent_id: String,
        /// Its type.
        agent_type: String,
    }
    /// A subagent is done.
    SubagentStop {
        /// The turn of the subagent.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// The subagent's own transcript; `transcript_path` is its parent's.
        agent_transcript_path: Option<String>,
        /// Whether a hook has kept it from stopping before.
        #[serde(default)]
        stop_hook_active: bool,
        /// The subagent.
        agent_id: String,
        /// Its type.
        agent_type: String,
        /// What it said last.
        last_assistant_message: Option<String>,
    }
    /// A turn is done. An interrupted or failed turn has none.
    Stop {
        /// The turn; absent before Codex 0.120.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
        /// Whether a hook has kept the turn from stopping before.
        #[serde(default)]
        stop_hook_active: bool,
        /// What the model said last.
        last_assistant_message: Option<String>,
    }
    /// A turn was interrupted.
    Interrupt {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// What the thread may do unasked.
        permission_mode: Option<String>,
    }
    /// The model is about to be asked.
    PreModelRequest {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
    }
    /// The model has answered, or failed; once for each attempt.
    PostModelRequest {
        /// The turn.
        turn_id: Option<String>,
        /// The model.
        model: Option<String>,
        /// The subagent, where it is one's.
        agent_id: Option<String>,
        /// The subagent's type.
        agent_type: Option<String>,
        /// `completed`, `failed` or `cancelled`.
        status: String,
        /// What went wrong, where it failed.
        error: Option<String>,
        /// What it cost, where it completed.
        token_usage: Option<TokenUsage>,
    }
}

/// What a request to the model cost, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TokenUsage {
    /// What went in.
    pub input_tokens: u64,
    /// Of these, read from the cache.
    pub cached_input_tokens: u64,
    /// Of these, written to the cache.
    pub cache_write_input_tokens: u64,
    /// What came out.
    pub output_tokens: u64,
    /// Of these, spent on reasoning.
    pub reasoning_output_tokens: u64,
    /// In and out.
    pub total_tokens: u64,
}
