//! What is to be masked is nowhere in the spool, and all else is as it came.

use std::fs;
use std::path::Path;

use codex_spool::testing::TestSpool;
use codex_spool::{Capture, Error, Event, Spool, Start};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Home, Outcome};

/// Records a payload in a spool with this `[redact]`, and gives the event.
#[track_caller]
fn recorded(redact: &str, payload: &str) -> Event {
    let home = Home::with_settings(&format!("[redact]\n{redact}\n"));
    home.record_payload(payload.as_bytes());
    let mut journal = home.spool.journal().expect("it can be listed");
    journal.next().expect("one event").expect("a good record")
}

/// The payload as it is recorded, and what is said to be masked in it.
#[track_caller]
fn masked(redact: &str, payload: &str) -> (String, Vec<(String, u64)>) {
    let event = recorded(redact, payload);
    let said = event.redacted().iter().map(|place| (place.pointer.clone(), place.count)).collect();
    (event.payload().to_owned(), said)
}

fn at(places: &[(&str, u64)]) -> Vec<(String, u64)> {
    places.iter().map(|&(pointer, count)| (pointer.to_owned(), count)).collect()
}

#[test]
fn a_pattern_is_masked_in_every_string_and_every_key_and_nothing_else_changes() {
    let (payload, said) = masked(
        r"patterns = ['SECRET-\d+']",
        r#" {"hook_event_name":"Stop" , "a":"x SECRET-1, SECRET-23.","n":1.50e1,"b":[{"SECRET-4":["\u00e9\/SECRET-5\n"]}], "c":"SECRET"}"#,
    );
    assert_eq!(
        payload,
        r#"{"hook_event_name":"Stop" , "a":"x [redacted], [redacted].","n":1.50e1,"b":[{"[redacted]":["\u00e9\/[redacted]\n"]}], "c":"SECRET"}"#
    );
    assert_eq!(said, at(&[("/a", 2), ("/b/0/[redacted]", 1), ("/b/0/[redacted]/0", 1)]));
}

#[test]
fn escapes_hide_nothing() {
    let (payload, said) = masked(
        r#"patterns = ['KEY<"é😀/\n>']"#,
        r#"{"hook_event_name":"Stop","a":"-\u004bEY\u003C\"\u00E9\ud83d\uDE00\/\u000a\u003e\u002D"}"#,
    );
    assert_eq!(payload, r#"{"hook_event_name":"Stop","a":"-[redacted]\u002D"}"#);
    assert_eq!(said, at(&[("/a", 1)]));
}

#[test]
fn of_a_pattern_with_the_group_secret_only_that_is_masked() {
    let (payload, _) = masked(
        r"patterns = ['pin (?P<secret>\d+)']",
        r#"{"hook_event_name":"Stop","a":"pin 1234, pin 5678"}"#,
    );
    assert_eq!(payload, r#"{"hook_event_name":"Stop","a":"pin [redacted], pin [redacted]"}"#);
}

#[test]
fn what_several_patterns_find_is_masked_once() {
    let (payload, said) = masked(
        r"patterns = ['bcd', 'ab', 'de', 'xy', 'z']",
        r#"{"hook_event_name":"Stop","s":"_abcde_xyz_"}"#,
    );
    assert_eq!(payload, r#"{"hook_event_name":"Stop","s":"_[redacted]_[redacted][redacted]_"}"#);
    assert_eq!(said, at(&[("/s", 3)]));
}

#[test]
fn a_pointer_masks_a_value_whatever_it_is() {
    let payload = r#"{"hook_event_name":"PreToolUse","tool_input":{"a/b":{"x":["}\""]},"~":[1,2],"s":"t"},"turn_id":null,"ok":true,"n":-1}"#;
    for (pointer, masked_payload) in [
        ("/tool_input/a~1b", payload.replace(r#"{"x":["}\""]}"#, r#""[redacted]""#)),
        ("/tool_input/~0/1", payload.replace("[1,2]", r#"[1,"[redacted]"]"#)),
        ("/tool_input/~0", payload.replace("[1,2]", r#""[redacted]""#)),
        ("/tool_input/s", payload.replace(r#""t""#, r#""[redacted]""#)),
        ("/turn_id", payload.replace("null", r#""[redacted]""#)),
        ("/ok", payload.replace("true", r#""[redacted]""#)),
        ("/n", payload.replace("-1", r#""[redacted]""#)),
    ] {
        let said = masked(&format!("pointers = [\"{pointer}\"]"), payload);
        assert_eq!(said, (masked_payload, at(&[(pointer, 1)])));
    }
    for pointer in ["/tool_input/a", "/tool_input/~0/01", "/tool_input/~0/2", "/", "/ok/x", "/turn_id/"] {
        assert_eq!(masked(&format!("pointers = [\"{pointer}\"]"), payload), (payload.to_owned(), vec![]));
    }
}

#[test]
fn a_star_in_a_pointer_is_every_key_and_every_place() {
    let (payload, said) = masked(
        r#"pointers = ["/tool_input/*/token"]"#,
        r#"{"hook_event_name":"Stop","tool_input":{"a":{"token":1,"b":2},"c":[{"token":3}]},"token":4,"x":{"token":5}}"#,
    );
    assert_eq!(
        payload,
        r#"{"hook_event_name":"Stop","tool_input":{"a":{"token":"[redacted]","b":2},"c":[{"token":3}]},"token":4,"x":{"token":5}}"#
    );
    assert_eq!(said, at(&[("/tool_input/a/token", 1)]));
    let (_, said) = masked(r#"pointers = ["/l/*"]"#, r#"{"hook_event_name":"Stop","l":["a","b"]}"#);
    assert_eq!(said, at(&[("/l/0", 1), ("/l/1", 1)]));
}

#[test]
fn a_key_that_stands_twice_or_is_written_in_escapes_is_named_all_the_same() {
    let (payload, _) = masked(
        r#"pointers = ["/prompt"]"#,
        r#"{"hook_event_name":"UserPromptSubmit","prompt":"a","\u0070rompt":"b","prompt":"c"}"#,
    );
    let masked = r#"{"hook_event_name":"UserPromptSubmit","prompt":"[redacted]","\u0070rompt":"[redacted]","prompt":"[redacted]"}"#;
    assert_eq!(payload, masked);
}

#[test]
fn all_that_a_record_says_is_what_the_masked_payload_says() {
    let payload = r#"{"hook_event_name":"Stop","session_id":"S-1","cwd":"/S-2"}"#;
    let event = recorded(r"patterns = ['S-\d', 'Stop']", payload);
    assert_eq!(
        (event.kind().as_str(), event.thread_id().map(|id| id.as_str())),
        ("[redacted]", Some("[redacted]"))
    );
    assert!(!event.record().contains("S-"), "{}", event.record());
}

#[test]
fn what_differs_only_in_what_is_masked_is_one_event() -> Outcome {
    let home = Home::with_settings("[redact]\npatterns = ['S-\\d']\n");
    let record = |n| home.record_payload(format!(r#"{{"hook_event_name":"Stop","p":"S-{n}"}}"#).as_bytes());
    assert_eq!((record(1).duplicate, record(2).duplicate), (false, true));
    // And it is the one that the same bytes would be without masking.
    let plain = Home::new().record_payload(br#"{"hook_event_name":"Stop","p":"[redacted]"}"#);
    assert_eq!(record(3).id, plain.id);
    Ok(())
}

#[test]
fn the_position_is_that_of_the_transcript_whose_path_is_masked() -> Outcome {
    let dir = tempfile::tempdir()?;
    let transcript = dir.path().join("t.jsonl");
    fs::write(&transcript, "12345")?;
    let payload = json!({"hook_event_name": "Stop", "transcript_path": transcript}).to_string();
    let event = recorded(r#"pointers = ["/transcript_path"]"#, &payload);
    assert_eq!(event.position(), Some(5));
    assert!(!event.record().contains("t.jsonl"));
    Ok(())
}

#[test]
fn it_is_masked_before_it_is_cut() {
    // The cut would leave the beginning of a secret that is none any more.
    let secret = format!("KEY-{}!", "k".repeat(3_000));
    let payload =
        format!(r#"{{"hook_event_name":"Stop","p":"{}{secret}{}"}}"#, "a".repeat(1_000), "b".repeat(4_000));
    let home = Home::with_settings("max_event_bytes = 2000\n[redact]\npatterns = ['KEY-k+!']\n");
    home.record_payload(payload.as_bytes());
    let mut journal = home.spool.journal().expect("it can be listed");
    let event = journal.next().expect("one event").expect("a good record");
    assert!(
        event.payload().contains("[redacted]") && !event.payload().contains("KEY"),
        "{}",
        event.payload()
    );
    assert_eq!((event.truncated().len(), event.redacted().len()), (1, 1));
}

#[test]
fn many_places_are_counted_and_the_first_are_named() {
    let strings: Vec<String> = (0..1_000).map(|n| format!("S-{n} S-{n}")).collect();
    let payload = json!({"hook_event_name": "Stop", "l": strings}).to_string();
    let (payload, said) = masked(r"patterns = ['S-\d+']", &payload);
    assert!(!payload.contains("S-"));
    assert_eq!(
        (said.len(), &said[255], &said[256]),
        (257, &("/l/255".to_owned(), 2), &(String::new(), 2 * 744))
    );
}

/// What is in the one file of `rejected/`.
#[track_caller]
fn rejected(redact: &str, bytes: &[u8]) -> Value {
    let home = Home::with_settings(&format!("[redact]\n{redact}\n"));
    let error = home.spool.record(bytes, &Capture::now()).expect_err("it is no event");
    let Error::NotAnEvent { kept, reason, .. } = &error else { panic!("{error}") };
    let value: Value = serde_json::from_slice(&fs::read(kept).expect("it is there")).expect("JSON");
    assert_eq!(value["reason"], **reason);
    assert_eq!(value["bytes"], bytes.len());
    value
}

#[test]
fn what_is_rejected_is_masked_as_json_or_as_text() {
    let redact = r"patterns = ['S-\d+']";
    let value = rejected(redact, br#"{"no":"event \u0053-1"}"#);
    assert_eq!(value["text"], r#"{"no":"event [redacted]"}"#);
    assert_eq!(value["redacted"], json!([{"pointer": "/no", "count": 1}]));
    let value = rejected(redact, br#"{"hook_event_name":"Stop","p":"S-1 S-2"#);
    assert_eq!(value["text"], r#"{"hook_event_name":"Stop","p":"[redacted] [redacted]"#);
    assert_eq!(value["redacted"], json!([{"pointer": "", "count": 2}]));
    let value = rejected(redact, b"{\"p\":\"all is well\"");
    assert_eq!((value["text"].as_str(), value.get("redacted")), (Some("{\"p\":\"all is well\""), None));
    let value = rejected(r#"pointers = ["/prompt"]"#, br#"{"prompt":["mine"]}"#);
    assert_eq!(value["text"], r#"{"prompt":"[redacted]"}"#);
}

#[test]
fn of_what_nobody_can_mask_only_the_size_is_kept() {
    let utf16: Vec<u8> = "{\"p\":\"S-1\"}".encode_utf16().flat_map(u16::to_le_bytes).chain([0xff]).collect();
    for (redact, bytes) in [
        (r"patterns = ['S-\d+']", &utf16[..]),
        (r"patterns = ['S-\d+']", br#"{"p":"\u0053-1"#),
        (r"patterns = ['S-\d+']", b"S-1 and \\u0053-2"),
        (r#"pointers = ["/prompt"]"#, br#"{"prompt":"min"#),
    ] {
        let value = rejected(redact, bytes);
        assert!(value.get("text").is_none() && value.get("base64").is_none(), "{value}");
        let reason = value["reason"].as_str().expect("a reason");
        assert!(reason.ends_with(", and only its size is kept, since nobody can mask it"), "{reason}");
    }
}

#[test]
fn a_payload_that_is_no_event_any_more_once_it_is_masked_is_rejected() {
    let value = rejected("patterns = ['hook_event_name']", br#"{"hook_event_name":"Stop"}"#);
    assert_eq!(value["text"], r#"{"[redacted]":"Stop"}"#);
    assert_eq!(value["reason"], "it has no hook_event_name once it is masked");
}

#[test]
fn without_it_nothing_is_masked() {
    let payload = r#"{"hook_event_name":"Stop","p":"AKIAIOSFODNN7EXAMPLE password=hunter2"}"#;
    assert_eq!(masked("", payload), (payload.to_owned(), vec![]));
}

/// Stands for a secret in a text; no text has it by chance.
const PLACE: &str = "<<PLACE>>";
const SECRET: &str = "SECRET\"é😀/\\\n!";

fn any_json() -> impl Strategy<Value = Value> {
    let text = || {
        let part = prop_oneof![3 => r#"[a-z \\"/~\n\u{0}é😀]{0,9}"#, 1 => Just(PLACE.to_owned())];
        prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
    };
    let leaf = prop_oneof![text().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The secret as JSON may write it: each character as it is, if it can be, or escaped.
fn written(escaped: u32) -> String {
    let mut text = String::new();
    for (place, char) in SECRET.chars().enumerate() {
        let must = matches!(char, '"' | '\\' | '\n');
        if must || escaped >> place & 1 == 1 {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04X}")));
        } else {
            text.push(char);
        }
    }
    text
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        match fs::symlink_metadata(&path).expect("it is there") {
            meta if meta.is_dir() => found.extend(files(&path)),
            meta if meta.is_file() => found.push(fs::read(&path).expect("it can be read")),
            _ => {}
        }
    }
    found
}

/// No string of what is JSON, and no text of what is none, has the secret, as it is or as it was written.
#[track_caller]
fn assert_nowhere(folder: &Path, written: &str) {
    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                found.push(text.clone());
                // What is rejected is kept as a text, which may be JSON again.
                if let Ok(inner) = serde_json::from_str::<Value>(text) {
                    strings(&inner, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                found.push(key.clone());
                strings(value, found);
            }),
            _ => {}
        }
    }
    for file in files(folder) {
        let text = String::from_utf8(file).expect("all are UTF-8");
        let mut found = vec![text.clone()];
        if let Ok(value) = serde_json::from_str(&text) {
            strings(&value, &mut found);
        }
        let has_it = |text: &String| text.contains(SECRET) || text.contains(written);
        assert!(!found.iter().any(has_it), "the secret is in {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_payload_no_secret_is_anywhere_and_all_else_is_byte_for_byte(
        value in any_json(), escaped in any::<u32>(), cut in any::<prop::sample::Index>()
    ) {
        let spool = TestSpool::with_settings("[redact]\npatterns = ['SECRET\"é😀/\\\\\\n[!]']\n");
        drop(spool.consumer("a").and_then(|builder| builder.open()).expect("it can be opened"));
        let template = json!({"hook_event_name": "Stop", "p": value}).to_string();
        let payload = template.replace(PLACE, &written(escaped));
        let count = template.matches(PLACE).count() as u64;
        spool.record(payload.as_bytes(), &Capture::now()).expect("it is an event");

        let mut consumer = spool.consumer("a").and_then(|builder| builder.open()).expect("it can be opened");
        let delivery = consumer.drain().next().expect("one").expect("a good record");
        let event = delivery.event();
        prop_assert_eq!(event.payload(), template.replace(PLACE, "[redacted]"));
        prop_assert_eq!(event.redacted().iter().map(|place| place.count).sum::<u64>(), count);
        let kept: Value = serde_json::from_str(event.payload()).expect("still JSON");
        for place in event.redacted() {
            prop_assert!(kept.pointer(&place.pointer).is_some(), "{} leads nowhere", place.pointer);
        }
        delivery.reject(&format!("{:?}", kept)).expect("it can be rejected");
        drop(consumer);

        // The same as what is no event, whole and cut off.
        let no_event = payload.replacen("hook_event_name", "no_event", 1);
        for bytes in [&payload.as_bytes()[..cut.index(payload.len())], no_event.as_bytes()] {
            spool.record(bytes, &Capture::now()).expect_err("it is no event");
        }
        // And one that is not finished: its intent stays.
        fs::remove_dir(spool.dir().join("consumers/a/queue")).expect("it is empty");
        let queue = spool.dir().join("consumers/a/queue");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&queue, &queue).expect("it can be made");
        #[cfg(unix)]
        {
            let other = payload.replacen("Stop", "SessionEnd", 1);
            let unfinished = spool.record(other.as_bytes(), &Capture::now());
            prop_assert!(matches!(unfinished, Err(Error::Unfinished { .. })), "{:?}", unfinished);
        }
        assert_nowhere(spool.dir(), &written(escaped));
    }
}

/// Without masking the same search finds it: the check is checked.
#[test]
#[should_panic(expected = "the secret is in")]
fn a_secret_that_is_not_masked_would_be_found() {
    let home = Home::new();
    let payload = format!(r#"{{"hook_event_name":"Stop","p":"{}"}}"#, written(u32::MAX));
    assert!(!payload.contains("SECRET"));
    home.record_payload(payload.as_bytes());
    assert_nowhere(&home.path(""), "no other way");
}

#[test]
fn a_spool_that_is_open_goes_on_with_the_settings_that_it_was_opened_with() -> Outcome {
    let home = Home::new();
    fs::write(home.path("spool.toml"), "[redact]\npatterns = ['S-\\d']\n")?;
    let payload = br#"{"hook_event_name":"Stop","p":"S-1"}"#;
    let spool = Spool::open(home.path(""))?;
    assert!(home.spool.settings().redact.is_empty());
    assert!(spool.settings().redact.patterns().eq(["S-\\d"]));
    spool.record(payload, &Capture::now())?;
    let mut consumer = spool.consumer("late")?.start(Start::Earliest).open()?;
    let delivery = consumer.drain().next().ok_or("nothing")??;
    assert!(delivery.event().payload().contains("[redacted]"));
    Ok(())
}
