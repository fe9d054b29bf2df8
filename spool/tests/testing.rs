//! What `testing` builds is what Codex sends.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use codex_spool::testing::{Payload, TestSpool, payload};
use codex_spool::{EventKind, Prune};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The fields of an object, in their order.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Names and types of the fields, in their order; of what may be null both are the same.
fn shape(json: &str) -> Vec<(String, &'static str)> {
    let nullable =
        ["transcript_path", "agent_transcript_path", "last_assistant_message", "error", "token_usage"];
    let Fields(fields) = serde_json::from_str(json).expect("an object");
    fields
        .into_iter()
        .map(|(name, value)| match nullable.contains(&&*name) || name == "tool_response" {
            true => (name, "any"),
            false => (name, type_of(&value)),
        })
        .collect()
}

#[test]
fn each_kind_has_the_fields_that_codex_sends_in_its_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let mut kinds = BTreeSet::new();
    for file in fs::read_dir(folder).expect("the payloads are beside this file") {
        let path = file.expect("a file").path();
        let sent = fs::read_to_string(&path).expect("a payload");
        let fields: Value = serde_json::from_str(&sent).expect("JSON");
        let kind = EventKind::from(fields["hook_event_name"].as_str().expect("a name"));
        let mut built = Payload::of(&kind, "a");
        if let Some(id) = fields["agent_id"].as_str() {
            built = built.agent(id, "default");
        }
        assert_eq!(shape(&built.build()), shape(&sent), "{}", path.display());
        kinds.insert(kind.to_string());
    }
    assert_eq!(kinds.len(), EventKind::KNOWN.len(), "a payload of every kind");
}

#[test]
fn each_function_builds_the_event_of_its_name_and_each_call_another_one() {
    let functions: [fn(&str) -> Payload; 14] = [
        payload::session_start,
        payload::session_end,
        payload::user_prompt_submit,
        payload::pre_tool_use,
        payload::permission_request,
        payload::post_tool_use,
        payload::pre_compact,
        payload::post_compact,
        payload::subagent_start,
        payload::subagent_stop,
        payload::stop,
        payload::interrupt,
        payload::pre_model_request,
        payload::post_model_request,
    ];
    let spool = TestSpool::new();
    let ids: Vec<_> = functions.iter().flat_map(|of| [spool.fire(of("a")), spool.fire(of("a"))]).collect();
    let events: Vec<_> =
        spool.journal().expect("listed").collect::<Result<_, _>>().expect("no record is damaged");
    let kinds: Vec<_> = events.iter().map(|event| event.kind().clone()).collect();
    let twice = |kind: &EventKind| !matches!(kind, EventKind::SessionStart | EventKind::SessionEnd);
    let expected: Vec<_> = EventKind::KNOWN
        .iter()
        .flat_map(|kind| vec![kind.clone(); if twice(kind) { 2 } else { 1 }])
        .collect();
    assert_eq!(kinds, expected, "in the order in which they were fired");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), expected.len());
    for event in events {
        event.view().unwrap_or_else(|error| panic!("{error}"));
        let of_subagent = matches!(event.kind(), EventKind::SubagentStart | EventKind::SubagentStop);
        let thread = if of_subagent { "a-agent" } else { "a" };
        assert_eq!(event.thread_id().map(|id| id.as_str()), Some(thread));
    }
}

#[test]
fn a_field_is_set_where_it_stands() {
    let stop = payload::stop("a").turn_id("t").cwd("/p").last_assistant_message(Value::Null).model("m");
    let expected = r#"{"session_id":"a","turn_id":"t","transcript_path":null,"cwd":"/p","hook_event_name":"Stop","model":"m","permission_mode":"default","stop_hook_active":false,"last_assistant_message":null,"new":[1]}"#;
    assert_eq!(stop.clone().with("new", vec![1]).build(), expected);
    assert!(!stop.without("turn_id").build().contains("turn_id"));
}

#[test]
#[should_panic = "Codex sends no prompt with Stop"]
fn a_field_that_codex_would_not_send_is_refused() {
    let _ = payload::stop("a").prompt("Go on.");
}

#[test]
#[should_panic = "not a hook payload"]
fn what_is_no_payload_is_refused() {
    TestSpool::new().fire("no payload");
}

#[test]
#[should_panic = "retention_days must be"]
fn bad_settings_are_refused() {
    TestSpool::with_settings("retention_days = 0");
}

#[test]
fn the_clock_of_a_test_is_set_and_otherwise_stands_still() {
    let spool = TestSpool::new();
    let noon = UNIX_EPOCH + Duration::from_secs(43_200);
    spool.set_time(noon);
    assert_eq!(spool.now(), noon);
    spool.fire(payload::stop("a"));
    spool.advance(Duration::from_secs(86_400));
    spool.fire(payload::stop("b"));
    let of = |capture| spool.record(payload::stop("c").build().as_bytes(), &capture).expect("recorded");
    of(spool.capture().tag("nightly"));
    let events = spool.journal().expect("listed").map(|event| event.expect("whole"));
    let seen: Vec<_> = events.map(|event| (event.captured_at(), event.tag().map(str::to_owned))).collect();
    let tick = Duration::from_micros(1);
    let next_day = noon + tick + Duration::from_secs(86_400) + tick;
    assert_eq!(seen, [(noon + tick, None), (next_day, None), (next_day + tick, Some("nightly".to_owned()))]);
    spool.set_time(noon + Duration::from_secs(8 * 86_400));
    assert_eq!(spool.prune(&Prune::default().now(spool.now())).days, ["1970-01-01"]);
    let dir = spool.dir().to_owned();
    drop(spool);
    assert!(!dir.exists());
}
