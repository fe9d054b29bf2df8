//! What install does to a config.toml, uninstall undoes; what is not ours stays, however it is written.
#![no_main]

use std::path::Path;

use codex_hook::fuzzing::{Place, flag, give_back, remove_flag, set_flag};
use codex_hook::install::{EventSet, HookCommand, Registration};
use codex_hook_fuzz::{assert_one_line, is_contained, value, without_ours};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const COMMAND: &str = "/opt/bin/hook event";
const FILE: &str = "/c/config.toml";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(fault) = Place::Inline.check(text) {
        let lines: Vec<&str> = text.split('\n').collect();
        assert!((1..=lines.len()).contains(&fault.line), "{fault:?}");
        assert!((1..=lines[fault.line - 1].chars().count() + 1).contains(&fault.column), "{fault:?}");
        assert_one_line(&fault.into_error("config.toml".as_ref()).to_string());
        return;
    }
    let before = value(text).expect("it is TOML");
    let is_table = |name: &str| before.get(name).is_none_or(Value::is_object);
    assert!(is_table("features") && is_table("hooks"), "Codex refuses it");
    the_switch(text, &before);
    inline_hooks(text, &before);
});

fn the_switch(text: &str, before: &Value) {
    let name = "hooks";
    let was = flag(text, name).expect("it can be read");
    let on = set_flag(text, name, true).expect("it can be set");
    let switched = value(&on).unwrap_or_else(|| panic!("it is TOML no more:\n{on}"));
    assert_eq!(flag(&on, name).ok(), Some(Some(true)));
    assert_eq!(without_flag(switched), without_flag(before.clone()), "\n{on}");
    assert_eq!(set_flag(&on, name, true).as_deref().ok(), Some(&*on), "once more changes nothing");
    assert_eq!(give_back(Some(text), &on), Some(Some(text.to_owned())));
    match was {
        Some(true) => assert_eq!(on, text),
        Some(false) => assert_eq!(set_flag(&on, name, false).ok().as_deref(), Some(text)),
        None => {
            assert!(is_contained(text, &on), "install only adds:\n{on}");
            let off = remove_flag(text, &on, name).expect("it can be taken out");
            let left = value(&off).unwrap_or_else(|| panic!("it is TOML no more:\n{off}"));
            assert_eq!(without_flag(left), without_flag(before.clone()), "\n{off}");
            assert_eq!(flag(&off, name).ok(), Some(None));
        }
    }
}

/// Without the switch, and without the table where nothing else is in it.
fn without_flag(mut config: Value) -> Value {
    if let Some(features) = config.get_mut("features").and_then(Value::as_object_mut) {
        features.remove("hooks");
        if features.is_empty() {
            config.as_object_mut().expect("a table").remove("features");
        }
    }
    config
}

fn inline_hooks(text: &str, before: &Value) {
    let removed = settle(text, None);
    assert!(commands(&removed, is_ours).is_empty());
    same_others(&removed, text, before);
    let is_bare = commands(text, is_ours).is_empty();
    if is_bare {
        assert_eq!(removed, text, "where nothing is ours nothing is removed");
    }
    // Ours go inline only where there are others.
    if Place::Inline.registrations(text).expect("it can be read").is_empty() {
        return;
    }
    let all = EventSet::default();
    let installed = settle(text, Some(&all));
    let ours: Vec<_> = all.iter().map(|event| (event.name(), COMMAND.to_owned())).collect();
    assert_eq!(commands(&installed, is_ours), ours);
    assert_eq!(settle(&installed, Some(&all)), installed, "a second install changes nothing");
    same_others(&installed, text, before);
    assert_eq!(give_back(Some(text), &installed), Some(Some(text.to_owned())));
    if is_bare {
        assert!(is_contained(text, &installed), "install only adds:\n{installed}");
        same_others(&settle(&installed, None), text, before);
    }
}

fn settle(text: &str, events: Option<&EventSet>) -> String {
    let settled = Place::Inline.settle(text, events, COMMAND).expect("it can be edited");
    Place::Inline.check(&settled.text).unwrap_or_else(|fault| panic!("{fault:?}:\n{}", settled.text));
    // Trust moves along, and what has no part in it stays.
    let followed = settled.follow(&settled.text, Path::new(FILE)).expect("it can follow");
    let (followed, before) = (value(&followed), value(&settled.text));
    let (Some(followed), Some(before)) = (followed, before) else { panic!("it is TOML no more") };
    assert_eq!(without_state(followed), without_state(before));
    settled.text
}

fn without_state(mut config: Value) -> Value {
    if let Some(hooks) = config.get_mut("hooks").and_then(Value::as_object_mut) {
        hooks.remove("state");
        if hooks.is_empty() {
            config.as_object_mut().expect("a table").remove("hooks");
        }
    }
    config
}

fn same_others(now: &str, then: &str, before: &Value) {
    let others = |text: &str| commands(text, |command| !is_ours(command));
    assert_eq!(others(now), others(then), "\n{now}");
    let now_value = value(now).unwrap_or_else(|| panic!("it is TOML no more:\n{now}"));
    assert_eq!(without_ours(now_value, &is_ours), without_ours(before.clone(), &is_ours), "\n{now}");
}

fn is_ours(command: &str) -> bool {
    HookCommand::recognise(command).is_some()
}

fn commands(text: &str, which: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
    let all = Place::Inline.registrations(text).expect("it can be read").into_iter();
    let commands = all.filter_map(|Registration { event, command, .. }| Some((event.name(), command?)));
    commands.filter(|(_, command)| which(command)).collect()
}
