//! The payloads of Codex's hooks: one function for each kind of event, with the fields that Codex 0.169 sends, in its
//! order.
//!
//! ```
//! use codex_spool::testing::payload;
//! use serde_json::json;
//!
//! let before = payload::pre_tool_use("thread").tool_input(json!({"command": "cargo test"}));
//! let asked = payload::permission_request("thread").cwd("/srv/app");
//! let child = payload::pre_tool_use("thread").agent("child", "reviewer");
//! let newer = payload::stop("thread").with("added_by_a_newer_codex", true);
//! assert!(before.build().contains(r#""tool_name":"Bash","tool_input":{"command":"cargo test"}"#));
//! ```
//!
//! Each payload has a turn and a use of a tool of its own, unless they are set; so two of them are two events. Where
//! Codex sends neither ([`session_start`], [`session_end`]), two of one thread are the same bytes: Codex's own are told
//! apart by the length of their transcript, and these have none unless [`Payload::transcript_path`] names one.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::EventKind;

/// The payload of an event, to be changed and [built](Self::build), or [fired](super::TestSpool::fire) as it is.
///
/// A setter that bears the name of a field panics where this kind of event has no such field: Codex would not send it.
#[derive(Debug, Clone)]
#[must_use = "build it, or fire it"]
pub struct Payload {
    fields: Vec<(String, Value)>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $function:ident: $kind:ident,)*) => {
        $(
            $(#[$doc])*
            pub fn $function(session: &str) -> Payload {
                Payload::of(&EventKind::$kind, session)
            }
        )*
    };
}

kinds! {
    /// A thread was loaded: `startup`.
    session_start: SessionStart,
    /// A thread was left.
    session_end: SessionEnd,
    /// A prompt was sent.
    user_prompt_submit: UserPromptSubmit,
    /// A tool is about to be used: the shell.
    pre_tool_use: PreToolUse,
    /// The user is asked for permission to use a tool: the shell.
    permission_request: PermissionRequest,
    /// A tool was used: the shell.
    post_tool_use: PostToolUse,
    /// The conversation is about to be compacted: `auto`.
    pre_compact: PreCompact,
    /// The conversation was compacted: `auto`.
    post_compact: PostCompact,
    /// A subagent of the session was started. The thread of the event is the subagent.
    subagent_start: SubagentStart,
    /// A subagent of the session is done. The thread of the event is the subagent.
    subagent_stop: SubagentStop,
    /// A turn is done.
    stop: Stop,
    /// A turn was interrupted.
    interrupt: Interrupt,
    /// The model is about to be asked.
    pre_model_request: PreModelRequest,
    /// The model has answered: `completed`.
    post_model_request: PostModelRequest,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        $(
            $(#[$doc])*
            #[track_caller]
            pub fn $field(self, value: impl Into<Value>) -> Self {
                let name = stringify!($field);
                let known = self.fields.iter().any(|(field, _)| field == name);
                assert!(known, "Codex sends no {name} with {}: with() adds it all the same", self.kind());
                self.with(name, value)
            }
        )*
    };
}

impl Payload {
    /// The payload of a kind of event in a session; for a kind that this version does not know, the fields that all have.
    pub fn of(kind: &EventKind, session: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (turn, tool_use) = (format!("turn-{number}"), format!("call-{number}"));
        let agent = format!("{session}-agent");
        let bash = || json!({"command": "true"});
        let mode = || json!("default");
        let head = match kind {
            EventKind::SessionStart | EventKind::SessionEnd | EventKind::Other(_) => vec![],
            _ => vec![("turn_id", json!(turn))],
        };
        let place = match kind {
            EventKind::PreModelRequest | EventKind::PostModelRequest => {
                vec![("cwd", json!("/project")), ("transcript_path", Value::Null), ("model", json!("gpt-5"))]
            }
            EventKind::SubagentStop => vec![
                ("transcript_path", Value::Null),
                ("agent_transcript_path", Value::Null),
                ("cwd", json!("/project")),
            ],
            _ => vec![("transcript_path", Value::Null), ("cwd", json!("/project"))],
        };
        let usual = || vec![("model", json!("gpt-5")), ("permission_mode", mode())];
        let own = match kind {
            EventKind::SessionStart => [usual(), vec![("source", json!("startup"))]].concat(),
            EventKind::SessionEnd => vec![("reason", json!("other"))],
            EventKind::UserPromptSubmit => [usual(), vec![("prompt", json!("Go on."))]].concat(),
            EventKind::PreToolUse => {
                let tool =
                    [("tool_name", json!("Bash")), ("tool_input", bash()), ("tool_use_id", json!(tool_use))];
                [usual(), tool.to_vec()].concat()
            }
            EventKind::PermissionRequest => {
                let input = json!({"command": "true", "description": "Try it."});
                [usual(), vec![("tool_name", json!("Bash")), ("tool_input", input)]].concat()
            }
            EventKind::PostToolUse => {
                let tool = [
                    ("tool_name", json!("Bash")),
                    ("tool_input", bash()),
                    ("tool_response", json!("")),
                    ("tool_use_id", json!(tool_use)),
                ];
                [usual(), tool.to_vec()].concat()
            }
            EventKind::PreCompact | EventKind::PostCompact => {
                vec![("model", json!("gpt-5")), ("trigger", json!("auto"))]
            }
            EventKind::SubagentStart => {
                [usual(), vec![("agent_id", json!(agent)), ("agent_type", json!("default"))]].concat()
            }
            EventKind::SubagentStop => {
                let end = [
                    ("stop_hook_active", json!(false)),
                    ("agent_id", json!(agent)),
                    ("agent_type", json!("default")),
                    ("last_assistant_message", json!("Done.")),
                ];
                [usual(), end.to_vec()].concat()
            }
            EventKind::Stop => {
                let end = [("stop_hook_active", json!(false)), ("last_assistant_message", json!("Done."))];
                [usual(), end.to_vec()].concat()
            }
            EventKind::Interrupt => usual(),
            EventKind::PostModelRequest => {
                let usage = json!({"input_tokens": 10, "cached_input_tokens": 0, "cache_write_input_tokens": 0,
                    "output_tokens": 1, "reasoning_output_tokens": 0, "total_tokens": 11});
                vec![("status", json!("completed")), ("error", Value::Null), ("token_usage", usage)]
            }
            EventKind::PreModelRequest | EventKind::Other(_) => vec![],
        };
        let name = vec![("hook_event_name", json!(kind.as_str()))];
        let session = vec![("session_id", json!(session))];
        let fields = [session, head, place, name, own].concat();
        Self { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    setters! {
        /// The folder in which the thread works: `/project`.
        cwd,
        /// The file whose length tells events of the same bytes apart: none, as in an ephemeral thread.
        transcript_path,
        /// The turn: one of its own.
        turn_id,
        /// The model: `gpt-5`.
        model,
        /// What the thread may do unasked: `default`.
        permission_mode,
        /// Why a thread was loaded: `startup`.
        source,
        /// Why a thread was left: `other`.
        reason,
        /// What was asked: `Go on.`
        prompt,
        /// The tool: `Bash`, the shell.
        tool_name,
        /// What the tool is given: `{"command":"true"}`.
        tool_input,
        /// What the tool has answered: nothing.
        tool_response,
        /// This use of the tool: one of its own.
        tool_use_id,
        /// Why the conversation is compacted: `auto`.
        trigger,
        /// The subagent: the session's id and `-agent`. For other kinds of events see [`agent`](Self::agent).
        agent_id,
        /// What the subagent is: `default`.
        agent_type,
        /// The subagent's own transcript: none.
        agent_transcript_path,
        /// Whether a hook has kept the turn from stopping before: no.
        stop_hook_active,
        /// What the model said last: `Done.`
        last_assistant_message,
        /// How the model has answered: `completed`.
        status,
        /// What went wrong with the model: nothing.
        error,
        /// What the model cost: 10 tokens in, 1 out.
        token_usage,
    }

    /// Makes it an event of a subagent of the session: the thread is `id`.
    pub fn agent(mut self, id: &str, agent_type: &str) -> Self {
        if !self.fields.iter().any(|(field, _)| field == "agent_id") {
            let asks_model = self.kind().ends_with("ModelRequest");
            let before = if asks_model { "hook_event_name" } else { "transcript_path" };
            let place = self.fields.iter().position(|(field, _)| field == before);
            let place = place.unwrap_or(self.fields.len());
            let agent = ["agent_id", "agent_type"].map(|field| (field.to_owned(), Value::Null));
            self.fields.splice(place..place, agent);
        }
        self.with("agent_id", id).with("agent_type", agent_type)
    }

    /// Sets any field; one that is not there yet comes last.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, known)) => *known = value,
            None => self.fields.push((field.to_owned(), value)),
        }
        self
    }

    /// Takes a field away, as a Codex that is older does not send it.
    pub fn without(mut self, field: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self
    }

    /// The JSON text, one line, as Codex gives it to a hook on standard input.
    pub fn build(&self) -> String {
        serde_json::to_string(self).expect("JSON values become JSON")
    }

    fn kind(&self) -> &str {
        let kind = self.fields.iter().find(|(name, _)| name == "hook_event_name");
        kind.and_then(|(_, name)| name.as_str()).unwrap_or("it")
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl From<Payload> for Vec<u8> {
    fn from(payload: Payload) -> Self {
        payload.build().into_bytes()
    }
}
