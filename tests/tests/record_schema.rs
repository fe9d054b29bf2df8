//! `docs/record.schema.json`, held against the records that it describes, and against what is none.

#![cfg(unix)]

use std::{collections::HashSet, fs, path::Path};

use codex_hook_tests::{Config, Hooks, Sandbox, Scenario, hook};
use codex_spool::{
    Capture, Event, Spool,
    testing::{TestSpool, payload},
};
use jsonschema::Validator;
use serde_json::{Value, json};

fn schema() -> Validator {
    let schema = include_str!("../../docs/record.schema.json");
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).expect("the schema is one")
}

#[track_caller]
fn assert_valid(events: &[Event]) {
    let schema = schema();
    for event in events {
        let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
        let errors: Vec<_> =
            schema.iter_errors(&record).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", event.record());
    }
}

fn events(spool: &Spool) -> Vec<Event> {
    spool.journal().expect("listed").collect::<Result<_, _>>().expect("no record is damaged")
}

#[test]
fn the_schema_is_a_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../docs/record.schema.json")).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_the_real_codex_has_recorded_is_valid() {
    let sandbox = Sandbox::with(&Config::new());
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    let prompt = sandbox.model().prompt("Say “hí”.", Scenario::new().shell("printf 'a\\tb\\n'"));
    sandbox.exec(&prompt).bypass_trust().env("CODEX_HOOK_TAG", "nightly é").run().assert_success();
    let events = hook(&sandbox).events();
    assert_eq!(events.len(), 10);
    assert!(events.iter().any(|event| event.position().is_some()));
    assert!(events.iter().all(|event| event.tag() == Some("nightly é")));
    assert_valid(&events);
}

#[test]
fn every_payload_that_codex_is_known_to_send_makes_a_valid_record() {
    let spool = TestSpool::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spool/tests/payloads");
    let mut payloads = HashSet::new();
    for file in fs::read_dir(folder).expect("the payloads are in the repository") {
        let payload = fs::read(file.expect("a file").path()).expect("a payload");
        spool.fire(payload.clone());
        payloads.insert(payload);
    }
    let events = events(&spool);
    assert!(payloads.len() > 50, "{}", payloads.len());
    assert_eq!(events.len(), payloads.len());
    assert_valid(&events);
}

#[test]
fn whatever_else_can_be_recorded_makes_a_valid_record() {
    let spool = TestSpool::with_settings("max_event_bytes = 1000");
    spool.fire(payload::user_prompt_submit("a").prompt("é".repeat(5000)).with("a~b/c", "x".repeat(5000)));
    spool.fire(payload::stop("a").with(&"~".repeat(600), "x".repeat(5000)));
    spool.fire(r#"{"hook_event_name":"Späteres","session_id":"a\u0000b","position":-1}"#);
    spool.fire(payload::stop(&"é".repeat(128)));
    spool.fire(payload::stop(&"é".repeat(129)));
    let tagged = spool.capture().tag(&"\t".repeat(300)).parent_pid(u32::MAX);
    spool.record(payload::stop("b").build().as_bytes(), &tagged).expect("recorded");
    let oldest = Capture::at(std::time::UNIX_EPOCH);
    spool.record(payload::stop("c").build().as_bytes(), &oldest).expect("recorded");
    let events = events(&spool);
    assert_eq!(events.len(), 7);
    let cut = events.iter().flat_map(Event::truncated);
    let cut: Vec<_> = cut.map(|cut| cut.pointer.chars().take(8).collect::<String>()).collect();
    assert_eq!(cut, ["/prompt", "/a~0b~1c", "/~0~0~0~"]);
    assert_valid(&events);
}

#[test]
fn what_is_no_record_is_not_valid() {
    let spool = TestSpool::new();
    spool.fire(payload::stop("a"));
    let [event] = &events(&spool)[..] else { panic!("one event is expected") };
    let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
    let schema = schema();
    assert!(schema.is_valid(&record));
    let mut later = record.clone();
    later["a_key_of_a_later_version"] = json!(1);
    later["redacted"] = json!([{"pointer": "/prompt", "count": 2}]);
    assert!(schema.is_valid(&later), "unknown keys are ignored");

    for wrong in [json!(null), json!([]), json!({}), record["payload"].clone()] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
    for key in record.as_object().expect("an object").keys() {
        let mut wrong = record.clone();
        wrong.as_object_mut().expect("an object").remove(key);
        assert!(!schema.is_valid(&wrong), "without {key}");
        wrong[key] = json!({"no": "value of it"});
        assert!(!schema.is_valid(&wrong), "with another {key}");
    }
    for (key, value) in [
        ("format", json!(2)),
        ("format", json!("1")),
        ("id", json!("0123")),
        ("id", json!("0123456789ABCDEF0123456789ABCDEF")),
        ("event", json!("")),
        ("captured_at", json!("2026-11-21T03:47:36Z")),
        ("captured_at", json!("2026-11-21T03:47:36.397361031+01:00")),
        ("captured_at", json!("2026-02-30T03:47:36.397361031Z")),
        ("captured_at", json!(1_795_232_856)),
        ("thread_id", json!("")),
        ("thread_id", json!("a\nb")),
        ("thread_id", json!("x".repeat(257))),
        ("position", json!(-1)),
        ("position", json!(1.5)),
        ("parent_pid", json!(null)),
        ("parent_pid", json!(1_u64 << 32)),
        ("tag", json!("")),
        ("truncated", json!([])),
        ("truncated", json!([{"pointer": "/prompt"}])),
        ("truncated", json!([{"pointer": "prompt", "bytes": 9}])),
        ("truncated", json!([{"pointer": "/a~b", "bytes": 9}])),
        ("redacted", json!([{"pointer": "/prompt", "count": 0}])),
        ("payload", json!({})),
        ("payload", json!({"hook_event_name": ""})),
        ("payload", json!("{}")),
        ("check", json!(null)),
    ] {
        let mut wrong = record.clone();
        wrong[key] = value.clone();
        assert!(!schema.is_valid(&wrong), "{key}: {value}");
    }
}
