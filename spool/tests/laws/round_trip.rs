//! What is recorded is what is delivered, byte for byte.

use std::time::{Duration, UNIX_EPOCH};

use codex_spool::Capture;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::{Home, ack_all};

/// Any JSON value.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Any payload: fields that the spool knows, with values of any type, among others.
fn payload() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec!["session_id", "agent_id", "tool_use_id", "transcript_path", "cwd"]);
    let name = prop_oneof![known.prop_map(str::to_owned), any::<String>()];
    let fields = prop::collection::hash_map(name, json(), 0..8);
    (fields, "[^\u{0}]{1,20}").prop_map(|(fields, event)| {
        let mut fields: Map<String, Value> = fields.into_iter().collect();
        fields.insert("hook_event_name".to_owned(), Value::from(event));
        Value::Object(fields)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_payload_is_delivered_as_it_was_sent(
        payload in payload(),
        pretty in any::<bool>(),
        around in "[ \t\r\n]{0,3}",
    ) {
        let home = Home::new();
        let mut consumer = home.open("a");
        let text = if pretty { serde_json::to_string_pretty(&payload) } else { serde_json::to_string(&payload) };
        let text = text.expect("a value becomes JSON");
        let sent = format!("{around}{text}{around}");
        let recorded = home.record_payload(sent.as_bytes());
        prop_assert!(!recorded.duplicate);
        let again = home.record_payload(text.as_bytes());
        prop_assert_eq!((again.id, again.duplicate), (recorded.id, true));
        let expected = blake3::hash(&[text.as_bytes(), b"\0-"].concat());
        prop_assert_eq!(&recorded.id.as_bytes()[..], &expected.as_bytes()[..16]);
        {
            let delivery = consumer.drain().next().expect("one event").expect("nothing is wrong with it");
            let event = delivery.event();
            prop_assert_eq!(event.payload(), text.replace(['\n', '\r'], " "));
            prop_assert_eq!(event.id(), recorded.id);
            prop_assert_eq!(event.kind().to_string(), payload["hook_event_name"].as_str().expect("a string"));
            prop_assert_eq!(event.record().lines().count(), 1);
            let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
            prop_assert_eq!(&record["payload"], &serde_json::from_str::<Value>(&text).expect("it is JSON"));
            delivery.ack().expect("it can be acknowledged");
        }
        prop_assert_eq!(ack_all(&mut consumer), []);
    }

    #[test]
    fn any_moment_is_read_back_from_the_name_and_from_the_record(nanos in any::<u64>(), tag in "\\PC{0,300}") {
        let home = Home::new();
        let mut consumer = home.open("a");
        let time = UNIX_EPOCH + Duration::from_nanos(nanos);
        let recorded = home.spool.record(&crate::support::payload("t", 0), &Capture::at(time).tag(&tag));
        let id = recorded.expect("an event can be recorded").id;
        prop_assert_eq!(home.list("consumers/a/queue"), [format!("{nanos:020}-{id}.json")]);
        let delivery = consumer.drain().next().expect("one event").expect("nothing is wrong with it");
        prop_assert_eq!(delivery.event().captured_at(), time);
        let kept = delivery.event().tag().unwrap_or_default();
        prop_assert!(tag.starts_with(kept) && (kept == tag || (253..=256).contains(&kept.len())), "{kept:?}");
        delivery.retry(Duration::ZERO).expect("it can be retried");
        prop_assert_eq!(home.list("consumers/a/queue"), [format!("{nanos:020}-{id}.2.json")]);
    }

    #[test]
    fn what_is_no_payload_is_kept_whole(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let home = Home::new();
        let error = home.spool.record(&bytes, &Capture::now()).expect_err("random bytes are no event");
        prop_assert!(!error.to_string().contains(['\n', '\r']), "{error}");
        let kept = std::fs::read(home.path("rejected").join(&home.list("rejected")[0])).expect("it is kept");
        let kept: Value = serde_json::from_slice(&kept).expect("it is JSON");
        prop_assert_eq!(&kept["bytes"], &Value::from(bytes.len()));
        match std::str::from_utf8(&bytes) {
            Ok(text) => prop_assert_eq!(&kept["text"], &Value::from(text)),
            Err(_) => prop_assert!(kept["base64"].is_string()),
        }
        prop_assert_eq!(home.list("tmp"), [""; 0]);
    }
}
