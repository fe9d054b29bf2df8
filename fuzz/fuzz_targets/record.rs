//! What the reader of records takes has the right check, and a change of any byte of it makes it refuse.
#![no_main]

use std::time::UNIX_EPOCH;

use codex_hook_fuzz::assert_one_line;
use codex_spool::{Event, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// The length of `,"check":"<32 hex>"}` and a line feed.
const TAIL: usize = 45;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = read(bytes) {
        let body = &bytes[..bytes.len() - TAIL];
        assert_eq!(bytes, sealed(body), "the check is right");
        assert_good(&event, bytes);
    }
    let line = sealed(bytes);
    if let Ok(event) = read(&line) {
        assert_good(&event, &line);
        assert_ignores_what_it_does_not_know(&event, bytes);
        assert_damage_is_seen(line);
    }
});

fn read(line: &[u8]) -> Result<Event, String> {
    let read = fuzzing::event(line.to_owned());
    if let Err(reason) = &read {
        assert_one_line(reason);
    }
    read
}

/// The line of which this is all but the check.
fn sealed(body: &[u8]) -> Vec<u8> {
    let check = blake3::hash(body).to_hex();
    [body, b",\"check\":\"", &check.as_bytes()[..32], b"\"}\n"].concat()
}

fn assert_good(event: &Event, line: &[u8]) {
    assert_eq!(event.record().as_bytes(), line);
    assert!(serde_json::from_str::<IgnoredAny>(event.record()).is_ok());
    assert!(serde_json::from_str::<IgnoredAny>(event.payload()).is_ok());
    assert!(event.record().contains(event.payload()));
    let captured = event.captured_at().duration_since(UNIX_EPOCH).expect("not before 1970").as_nanos();
    let captured = u64::try_from(captured).expect("not after 2554");
    assert_eq!(fuzzing::parse_moment(&fuzzing::moment(captured)), Some(captured));
    assert_eq!(event.id().to_string().parse(), Ok(event.id()));
    if let Err(error) = event.view() {
        assert_one_line(&error.to_string());
    }
}

fn assert_ignores_what_it_does_not_know(event: &Event, body: &[u8]) {
    let open = body.iter().position(|byte| *byte == b'{').expect("a record is an object") + 1;
    let newer = sealed(&[&body[..open], b"\"added later\":[{\"payload\":1}],", &body[open..]].concat());
    let newer = read(&newer).expect("a key more does no harm");
    assert_eq!(
        (newer.id(), newer.captured_at(), newer.payload()),
        (event.id(), event.captured_at(), event.payload())
    );
}

fn assert_damage_is_seen(mut line: Vec<u8>) {
    let dice = blake3::hash(&line);
    let dice = dice.as_bytes();
    let at = u32::from_le_bytes([dice[0], dice[1], dice[2], dice[3]]) as usize % line.len();
    assert!(read(&line[..at]).is_err(), "it is cut after {at} bytes");
    let right = line[at];
    line[at] ^= dice[4].max(1);
    assert!(read(&line).is_err(), "byte {at} was {right}");
    line[at] = right;
    // The check itself, in another spelling.
    let check = line.len() - TAIL..line.len();
    let upper = line[check.clone()].to_ascii_uppercase();
    if upper != line[check.clone()] {
        line.splice(check, upper);
        assert!(read(&line).is_err());
    }
}
