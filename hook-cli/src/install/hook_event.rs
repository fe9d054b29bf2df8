use std::fmt;
use std::str::FromStr;

use codex_spool::EventKind;

use super::Error;

/// One of the lifecycle events for which Codex runs hooks, those of [`EventKind::KNOWN`], in that order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HookEvent(usize);

/// The six that every consumer needs.
const CORE: [&str; 6] =
    ["SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop"];

impl HookEvent {
    /// All that Codex 0.169 knows.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..EventKind::KNOWN.len()).map(Self)
    }

    /// The name in hooks.json, and in `hook_event_name` of the payload.
    pub fn name(self) -> &'static str {
        EventKind::KNOWN[self.0].as_str()
    }

    fn kind(self) -> &'static EventKind {
        &EventKind::KNOWN[self.0]
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
        if matches!(self.kind(), EventKind::SessionEnd | EventKind::Interrupt) { 3 } else { 10 }
    }
}

impl fmt::Debug for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
        HookEvent::all()
            .find(|event| event.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownEvent { name: name.to_owned() })
    }
}

/// The events to be recorded: at least one, each once, in Codex's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSet(Vec<HookEvent>);

impl EventSet {
    /// All but the two model requests, which fire many times a turn and tell little.
    pub fn documented() -> Self {
        let of_the_model = |event: &HookEvent| {
            matches!(event.kind(), EventKind::PreModelRequest | EventKind::PostModelRequest)
        };
        EventSet(HookEvent::all().filter(|event| !of_the_model(event)).collect())
    }

    /// The six that every consumer needs.
    pub fn core() -> Self {
        EventSet(HookEvent::all().filter(|event| CORE.contains(&event.name())).collect())
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
            match word.to_ascii_lowercase().as_str() {
                "default" => events.extend(Self::documented().0),
                "core" => events.extend(Self::core().0),
                "all" => events.extend(HookEvent::all()),
                _ => events.push(word.parse()?),
            }
        }
        events.sort();
        events.dedup();
        Ok(EventSet(events))
    }
}
