//! What install does to a hooks.json, uninstall undoes to the byte; what is not ours stays; what Codex would refuse is
//! refused.
#![no_main]

use codex_hook::fuzzing::{Place, give_back};
use codex_hook::install::{EventSet, HookCommand, Registration};
use codex_hook_fuzz::{assert_one_line, is_contained, without_ours, without_space_in_nothing};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const COMMAND: &str = "/opt/bin/hook event";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(fault) = Place::Json.check(text) {
        let lines: Vec<&str> = text.split('\n').collect();
        assert!((1..=lines.len()).contains(&fault.line), "{fault:?}");
        assert!((1..=lines[fault.line - 1].chars().count() + 1).contains(&fault.column), "{fault:?}");
        assert_one_line(&fault.into_error("hooks.json".as_ref()).to_string());
        return;
    }
    let read = serde_json::from_str::<codex::File>(text);
    assert!(read.is_ok(), "Codex refuses it: {}", read.err().expect("it is refused"));

    let all = EventSet::default();
    let installed = settle(text, Some(&all));
    assert_eq!(
        commands(&installed, is_ours),
        all.iter().map(|event| (event.name(), COMMAND.to_owned())).collect::<Vec<_>>()
    );
    assert_eq!(settle(&installed, Some(&all)), installed, "a second install changes nothing");
    assert_eq!(others(&installed), others(text));
    assert_eq!(value(&installed), value(text));
    assert_eq!(
        give_back(Some(text), &installed),
        Some(Some(text.to_owned())),
        "uninstall gives back the very bytes"
    );

    // Fewer events, then none: what install.json does not tell.
    let fewer = settle(&installed, Some(&EventSet::core()));
    assert_eq!(commands(&fewer, is_ours).len(), EventSet::core().iter().count());
    let removed = settle(&installed, None);
    for left in [&fewer, &removed] {
        assert_eq!(others(left), others(text));
        assert_eq!(value(left), value(text));
    }
    assert!(commands(&removed, is_ours).is_empty());
    if commands(text, is_ours).is_empty() {
        assert_eq!(settle(text, None), text, "where nothing is ours nothing is removed");
        assert!(is_contained(&without_space_in_nothing(text), &installed), "install only adds");
    }
});

fn settle(text: &str, events: Option<&EventSet>) -> String {
    let settled = Place::Json.settle(text, events, COMMAND).expect("it can be edited").text;
    Place::Json.check(&settled).expect("Codex still takes it");
    settled
}

fn is_ours(command: &str) -> bool {
    HookCommand::recognise(command).is_some()
}

/// The commands in a text, each with its event.
fn commands(text: &str, which: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
    let all = Place::Json.registrations(text).expect("it can be read").into_iter();
    let commands = all.filter_map(|Registration { event, command, .. }| Some((event.name(), command?)));
    commands.filter(|(_, command)| which(command)).collect()
}

fn others(text: &str) -> Vec<(&'static str, String)> {
    commands(text, |command| !is_ours(command))
}

fn value(text: &str) -> Value {
    without_ours(serde_json::from_str(text).expect("it is JSON"), &is_ours)
}

/// How Codex reads hooks.json, as far as its refusals tell.
mod codex {
    #![allow(dead_code, reason = "what is read is not looked at")]

    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct File {
        description: Option<String>,
        #[serde(default)]
        hooks: Events,
    }

    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Events {
        session_start: Vec<Group>,
        session_end: Vec<Group>,
        user_prompt_submit: Vec<Group>,
        pre_tool_use: Vec<Group>,
        permission_request: Vec<Group>,
        post_tool_use: Vec<Group>,
        pre_compact: Vec<Group>,
        post_compact: Vec<Group>,
        subagent_start: Vec<Group>,
        subagent_stop: Vec<Group>,
        stop: Vec<Group>,
        interrupt: Vec<Group>,
        pre_model_request: Vec<Group>,
        post_model_request: Vec<Group>,
    }

    #[derive(Deserialize)]
    struct Group {
        matcher: Option<String>,
        #[serde(default)]
        hooks: Vec<Handler>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
    enum Handler {
        Command {
            command: String,
            #[serde(alias = "command_windows")]
            command_windows: Option<String>,
            timeout: Option<u64>,
            #[serde(default)]
            r#async: bool,
            status_message: Option<String>,
            additional_context_limit: Option<u64>,
        },
        McpTool {
            server: String,
            tool: String,
            #[serde(default)]
            input: serde_json::Map<String, serde_json::Value>,
            timeout: Option<u64>,
            status_message: Option<String>,
        },
        Prompt {},
        Agent {},
    }
}
