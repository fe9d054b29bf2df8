use std::fmt;
use std::str::FromStr;

use super::Error;

/// One of the lifecycle events for which Codex runs hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum HookEvent {
    SessionStart,
    SessionEnd,
    UserPromptSubmit,
    PreToolUse,
    PermissionRequest,
    PostToolUse,
    PreCompact,
    PostCompact,
    SubagentStart,
    SubagentStop,
    Stop,
    Interrupt,
    PreModelRequest,
    PostModelRequest,
}

use HookEvent::*;

impl HookEvent {
    /// All that Codex 0.169 knows.
    pub const ALL: [HookEvent; 14] = [
        SessionStart,
        SessionEnd,
        UserPromptSubmit,
        PreToolUse,
        PermissionRequest,
        PostToolUse,
        PreCompact,
        PostCompact,
        SubagentStart,
        SubagentStop,
        Stop,
        Interrupt,
        PreModelRequest,
        PostModelRequest,
    ];

    /// The name in hooks.json, and in `hook_event_name` of the payload.
    pub fn name(self) -> &'static str {
        match self {
            SessionStart => "SessionStart",
            SessionEnd => "SessionEnd",
            UserPromptSubmit => "UserPromptSubmit",
            PreToolUse => "PreToolUse",
            PermissionRequest => "PermissionRequest",
            PostToolUse => "PostToolUse",
            PreCompact => "PreCompact",
            PostCompact => "PostCompact",
            SubagentStart => "SubagentStart",
            SubagentStop => "SubagentStop",
            Stop => "Stop",
            Interrupt => "Interrupt",
            PreModelRequest => "PreModelRequest",
            PostModelRequest => "PostModelRequest",
        }
    }

    /// The name in the keys of `hooks.state`: `pre_tool_use`.
    pub fn state_name(self) -> String {
        let mut snake = String::new();
        for (at, letter) in self.name().char_indices() {
            if letter.is_ascii_uppercase() && at > 0 {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        snake
    }

    /// The name in the app-server protocol: `preToolUse`.
    pub fn protocol_name(self) -> String {
        let name = self.name();
        name[..1].to_ascii_lowercase() + &name[1..]
    }

    /// Seconds that Codex gives our command. Above 3 for `SessionEnd` and `Interrupt` it warns at every start.
    pub fn timeout(self) -> u64 {
        if matches!(self, SessionEnd | Interrupt) { 3 } else { 10 }
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HookEvent {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        HookEvent::ALL
            .into_iter()
            .find(|event| event.name() == name)
            .ok_or_else(|| Error::UnknownEvent { name: name.to_owned() })
    }
}

/// The events to be recorded: at least one, each once, in Codex's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSet(Vec<HookEvent>);

impl EventSet {
    /// All but the two model requests, which fire many times a turn and tell little.
    pub fn documented() -> Self {
        EventSet(HookEvent::ALL[..12].to_vec())
    }

    /// The six that every consumer needs.
    pub fn core() -> Self {
        EventSet(vec![SessionStart, UserPromptSubmit, PreToolUse, PermissionRequest, PostToolUse, Stop])
    }

    /// The events, in Codex's order.
    pub fn iter(&self) -> impl Iterator<Item = HookEvent> + '_ {
        self.0.iter().copied()
    }

    /// Whether `event` is one of them.
    pub fn contains(&self, event: HookEvent) -> bool {
        self.0.contains(&event)
    }
}

impl Default for EventSet {
    fn default() -> Self {
        Self::documented()
    }
}

/// `default`, `core`, `all`, or names with commas between them; these can be mixed (`core,Interrupt`).
impl FromStr for EventSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut events = Vec::new();
        for word in text.split(',').map(str::trim) {
            match word {
                "default" => events.extend(Self::documented().0),
                "core" => events.extend(Self::core().0),
                "all" => events.extend(HookEvent::ALL),
                name => events.push(name.parse()?),
            }
        }
        events.sort();
        events.dedup();
        Ok(EventSet(events))
    }
}
