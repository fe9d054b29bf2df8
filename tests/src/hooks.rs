//! Hook registrations, as Codex reads them.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::config::toml_string;

/// Every event that Codex 0.169.0 fires hooks for.
pub const EVENTS: [&str; 14] = [
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreCompact",
    "PostCompact",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "Interrupt",
    "PreModelRequest",
    "PostModelRequest",
];

/// Which commands run at which events.
#[derive(Clone, Debug)]
pub struct Hooks {
    events: Vec<String>,
    commands: Vec<String>,
}

impl Hooks {
    /// `command` at every event.
    pub fn new(command: impl Into<String>) -> Self {
        Self { events: EVENTS.map(str::to_owned).to_vec(), commands: vec![command.into()] }
    }

    /// Runs a further command at the same events, as a group of its own.
    pub fn and(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    /// At these events only.
    pub fn events(mut self, events: &[&str]) -> Self {
        self.events = events.iter().map(|event| (*event).to_owned()).collect();
        self
    }

    /// The registrations as a `hooks.json`.
    pub fn to_json(&self) -> String {
        let events: Map<String, Value> = self
            .events
            .iter()
            .map(|event| {
                let groups = self.commands.iter().map(|command| {
                    json!({"hooks": [{"type": "command", "command": command, "timeout": timeout(event)}]})
                });
                (event.clone(), groups.collect())
            })
            .collect();
        format!("{:#}\n", json!({ "hooks": events }))
    }

    /// The registrations as tables of a `config.toml`.
    pub fn to_toml(&self) -> String {
        let mut toml = String::new();
        for event in &self.events {
            for command in &self.commands {
                let (command, timeout) = (toml_string(command), timeout(event));
                write!(
                    toml,
                    "\n[[hooks.{event}]]\n[[hooks.{event}.hooks]]\ntype = \"command\"\ncommand = {command}\ntimeout = {timeout}\n"
                )
                .expect("writing to a string does not fail");
            }
        }
        toml
    }
}

/// Long enough for a busy machine, where Codex allows it.
fn timeout(event: &str) -> u32 {
    match event {
        "SessionEnd" | "Interrupt" => 3,
        _ => 60,
    }
}
