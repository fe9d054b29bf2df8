//! The typed views, held against payloads that Codex 0.169.0 sent.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::testing::TestSpool;
use codex_spool::view::View;
use codex_spool::{Error, Event, EventKind};
use serde_json::Value;

fn payloads() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let files = fs::read_dir(folder).expect("the payloads are beside this file");
    files
        .map(|file| file.expect("a file").path())
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a payload")))
        .collect()
}

/// The event that `payload` becomes.
fn recorded(payload: &str) -> Event {
    let spool = TestSpool::new();
    spool.fire(payload);
    spool.journal().expect("listed").next().expect("one event").expect("a whole record")
}

fn view_as_json(view: View) -> Value {
    let json = match view {
        View::SessionStart(view) => serde_json::to_value(view),
        View::SessionEnd(view) => serde_json::to_value(view),
        View::UserPromptSubmit(view) => serde_json::to_value(view),
        View::PreToolUse(view) => serde_json::to_value(view),
        View::PermissionRequest(view) => serde_json::to_value(view),
        View::PostToolUse(view) => serde_json::to_value(view),
        View::PreCompact(view) => serde_json::to_value(view),
        View::PostCompact(view) => serde_json::to_value(view),
        View::SubagentStart(view) => serde_json::to_value(view),
        View::SubagentStop(view) => serde_json::to_value(view),
        View::Stop(view) => serde_json::to_value(view),
        View::Interrupt(view) => serde_json::to_value(view),
        View::PreModelRequest(view) => serde_json::to_value(view),
        View::PostModelRequest(view) => serde_json::to_value(view),
        other => panic!("no view of its own: {other:?}"),
    };
    json.expect("a view becomes JSON")
}

fn without_nulls(mut json: Value) -> Value {
    if let Value::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    json
}

#[test]
fn a_view_has_every_field_that_codex_sends_and_payloads_stay_as_they_were_sent() {
    let mut kinds = BTreeSet::new();
    for (path, payload) in payloads() {
        let event = recorded(&payload);
        assert_eq!(event.payload(), payload.trim(), "{}", path.display());
        let view = event.view().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let sent: Value = serde_json::from_str(&payload).expect("JSON");
        assert_eq!(without_nulls(view_as_json(view)), without_nulls(sent), "{}", path.display());
        kinds.insert(event.kind().to_string());
    }
    let known: BTreeSet<_> = EventKind::KNOWN.iter().map(ToString::to_string).collect();
    assert_eq!(kinds, known, "a payload of every kind");
    assert_eq!(known.len(), 14);
}

#[test]
fn the_thread_is_the_subagent_where_the_event_is_ones() {
    let of = |payload| recorded(payload).thread_id().map(|id| id.as_str().to_owned());
    let subagent = of(r#"{"hook_event_name":"PreToolUse","session_id":"parent","agent_id":"child"}"#);
    assert_eq!(subagent.as_deref(), Some("child"));
    let session = of(r#"{"hook_event_name":"PreToolUse","session_id":"parent","agent_id":null}"#);
    assert_eq!(session.as_deref(), Some("parent"));
    let unnamed = of(r#"{"hook_event_name":"PreToolUse","session_id":"parent","agent_id":""}"#);
    assert_eq!(unnamed.as_deref(), Some("parent"));
    assert_eq!(of(r#"{"hook_event_name":"PreToolUse"}"#), None);
}

#[test]
fn a_payload_of_another_shape_is_an_event_whose_view_says_what_is_wrong() {
    let payload = r#"{"hook_event_name":"PreToolUse","session_id":"s","cwd":"/","tool_name":7}"#;
    let event = recorded(payload);
    let error = event.view().expect_err("7 is no name");
    assert!(matches!(error, Error::View(_)), "{error:?}");
    assert!(error.to_string().contains("PreToolUse: invalid type: integer `7`"), "{error}");
    assert_eq!(event.payload(), payload);
}

#[test]
fn an_unknown_event_keeps_its_name() {
    let event = recorded(r#"{"hook_event_name":"Späteres","x":[1,{"y":null}]}"#);
    assert_eq!(event.kind(), &EventKind::Other("Späteres".into()));
    assert!(matches!(event.view(), Ok(View::Other)));
}
