//! Whatever bytes a hook is given, they are refused as no event, or read back from the record as they were sent.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use codex_hook_fuzz::{assert_one_line, pieces};
use codex_spool::{Capture, Event, Settings, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const POSITION: u64 = 12345;
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

static PLAIN: LazyLock<Settings> = LazyLock::new(Settings::default);

static CUTTING: LazyLock<Settings> = LazyLock::new(|| {
    let mut settings = Settings::default();
    settings.max_event_bytes = 1_200;
    settings
});

static MASKING: LazyLock<Settings> = LazyLock::new(|| {
    let toml = br#"
        [redact]
        presets = ["github", "password", "private-key"]
        patterns = ['ACME-[0-9]{4}', 'pin (?P<secret>[0-9]+)']
        pointers = ["/prompt", "/tool_input/*/token", "/session_id"]
    "#;
    fuzzing::settings(toml).expect("good settings")
});

fuzz_target!(|payload: &[u8]| {
    let tag = String::from_utf8_lossy(payload);
    let capture = Capture::at(UNIX_EPOCH + Duration::from_nanos(1_795_232_856_397_361_031)).tag(&tag);
    match fuzzing::record(payload, Some(POSITION), &capture, &PLAIN) {
        Ok(line) => {
            let text = std::str::from_utf8(payload).expect("an event is UTF-8").trim_matches(SPACE);
            let event = read(line);
            assert_eq!(event.payload(), text.replace(['\n', '\r'], " "));
            assert_id(&event, text);
            let kept = event.tag().unwrap_or_default();
            assert!(tag.starts_with(kept) && (kept == tag || (253..=256).contains(&kept.len())), "{kept:?}");
            assert_says_what_the_payload_says(&event, text);
            let around = [b" \r\n", payload, b"\n\t "].concat();
            let again = fuzzing::record(&around, Some(POSITION), &capture, &PLAIN).expect("it is the same");
            assert_eq!(again, event.record().as_bytes(), "what stands around it counts for nothing");
            cut(text, &event, &capture);
            masked(text, &capture);
        }
        Err(reason) => refused(payload, &reason),
    }
});

/// The event of a record, which is one line and no more.
fn read(line: Vec<u8>) -> Event {
    assert_eq!(line.iter().position(|byte| matches!(byte, b'\n' | b'\r')), Some(line.len() - 1));
    let event = fuzzing::event(line.clone()).expect("what is written can be read");
    assert_eq!(event.record().as_bytes(), line);
    if let Err(error) = event.view() {
        assert_one_line(&error.to_string());
    }
    event
}

fn assert_id(event: &Event, text: &str) {
    let position = event.position().map_or("-".to_owned(), |position| position.to_string());
    let hash = blake3::hash(&[text.as_bytes(), b"\0", position.as_bytes()].concat());
    assert_eq!(event.id().as_bytes()[..], hash.as_bytes()[..16]);
}

fn assert_says_what_the_payload_says(event: &Event, text: &str) {
    // Numbers out of range and halves of characters are left as they are by the spool, and refused here.
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(text) else {
        return assert!(text.starts_with('{') && text.ends_with('}'));
    };
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    assert_eq!(Some(event.kind().as_str()), field("hook_event_name"));
    let is_id = |id: &&str| (1..=256).contains(&id.len()) && !id.chars().any(char::is_control);
    let thread = field("agent_id").filter(is_id).or(field("session_id").filter(is_id));
    assert_eq!(event.thread_id().map(|id| id.as_str()), thread);
    let is_identified = field("tool_use_id").is_some()
        || matches!(event.kind().as_str(), "SubagentStart" | "SubagentStop" | "Interrupt");
    let has_position = !is_identified && field("transcript_path").is_some();
    assert_eq!(event.position(), has_position.then_some(POSITION));
}

/// What is too large becomes smaller by strings that are cut, and by nothing else.
fn cut(text: &str, whole: &Event, capture: &Capture) {
    if text.len() <= CUTTING.max_event_bytes {
        return;
    }
    let line = fuzzing::record(text.as_bytes(), Some(POSITION), capture, &CUTTING).expect("an event still");
    let event = read(line);
    assert_eq!(event.id(), whole.id());
    let (before, after) = (pieces(whole.payload()), pieces(event.payload()));
    assert_eq!(before.len(), after.len());
    let mut said = event.truncated().iter();
    for (place, (before, after)) in before.iter().zip(&after).enumerate() {
        if before == after {
            continue;
        }
        assert!(place % 2 == 1 && before.starts_with(after), "{before:?} became {after:?}");
        assert!(after.len() > 1_024 - 12, "short strings are left alone");
        assert_eq!(said.next().expect("it is said").bytes, before.len() as u64);
        let decoded = |inside: &str| serde_json::from_str::<String>(&format!("\"{inside}\""));
        if let Ok(before) = decoded(before) {
            assert!(before.starts_with(&decoded(after).expect("no character is cut")));
        }
    }
    assert!(said.next().is_none(), "nothing else is said to be cut");
}

/// What is masked is an event, and is said.
fn masked(text: &str, capture: &Capture) {
    match fuzzing::record(text.as_bytes(), Some(POSITION), capture, &MASKING) {
        Ok(line) => {
            let event = read(line);
            let masked = fuzzing::mask(&MASKING, text);
            assert_eq!(event.redacted().is_empty(), masked.is_none());
            let text = masked.map_or(text.to_owned(), |(masked, _)| masked);
            assert_eq!(event.payload(), text.replace(['\n', '\r'], " "));
            assert_id(&event, &text);
        }
        Err(reason) => assert!(reason.ends_with("once it is masked"), "{reason}"),
    }
}

fn refused(payload: &[u8], reason: &str) {
    assert_one_line(reason);
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(payload) {
        let name = fields.get("hook_event_name").and_then(Value::as_str);
        assert!(name.unwrap_or_default().is_empty(), "it is an event, and was refused: {reason}");
    }
    let kept = fuzzing::rejected(reason, payload);
    let kept: Value = serde_json::from_slice(&kept).expect("it is JSON");
    assert_eq!(kept["reason"], reason);
    assert_eq!(kept["bytes"], payload.len());
    match std::str::from_utf8(payload) {
        Ok(text) if kept["base64"].is_null() => assert_eq!(kept["text"], text),
        _ => assert!(kept["base64"].is_string()),
    }
}
