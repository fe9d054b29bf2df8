//! Whatever comes to `hook tail --ack manual` on standard input, just what is asked for is settled, and all else is said.
#![no_main]

use std::convert::Infallible;
use std::time::Duration;

use codex_hook::fuzzing::{self, Answer};
use codex_hook_fuzz::Members;
use codex_spool::EventId;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    // Some events are in flight, one of them twice.
    let id = |digit: &str| digit.repeat(32).parse::<EventId>().expect("32 digits are an id");
    let mut in_flight = vec![id("0"), id("1"), id("1"), id("a")];
    let mut expected = in_flight.clone();
    let mut settled = Vec::new();
    let said = fuzzing::answers(&mut &*bytes, |id, answer| {
        let place = in_flight.iter().position(|known| *known == id)?;
        in_flight.remove(place);
        settled.push((id, answer));
        Some(Ok::<(), Infallible>(()))
    });
    let mut asked = Vec::new();
    let mut complaints = 0;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let answer = answer(&String::from_utf8_lossy(line));
        let place = answer.as_ref().and_then(|(id, _)| expected.iter().position(|known| known == id));
        match answer.zip(place) {
            Some((answer, place)) => {
                expected.remove(place);
                asked.push(answer);
            }
            None => complaints += 1,
        }
    }
    assert_eq!(settled, asked);
    assert_eq!(said.lines().count(), complaints, "{said}");
    let is_harmless = |line: &str| line.starts_with("hook: ") && !line.contains(char::is_control);
    assert!(said.split_terminator('\n').all(is_harmless), "{said:?}");
});

/// What a line asks for, by the words of `hook tail --help`.
fn answer(line: &str) -> Option<(EventId, Answer)> {
    let Members(members) = serde_json::from_str(line).ok()?;
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let known = ["ack", "retry", "after_ms", "reject", "reason"];
    if !names.iter().all(|name| known.contains(name)) {
        return None;
    }
    names.sort_unstable();
    let unique = names.len();
    names.dedup();
    let get = |name: &str| {
        members.iter().find(|(known, value)| known == name && !value.is_null()).map(|(_, value)| value)
    };
    let texts = |name: &str| get(name).is_none_or(Value::is_string);
    if names.len() != unique || !["ack", "retry", "reject", "reason"].into_iter().all(texts) {
        return None;
    }
    let after = get("after_ms").map(|after| after.as_u64()).map(|after| after.ok_or(())).transpose().ok()?;
    let text = |name: &str| get(name).and_then(Value::as_str);
    let (id, answer) = match (text("ack"), text("retry"), text("reject"), text("reason")) {
        (Some(id), None, None, None) if after.is_none() => (id, Answer::Ack),
        (None, Some(id), None, None) => (id, Answer::Retry(after.map(Duration::from_millis))),
        (None, None, Some(id), Some(reason)) if after.is_none() => (id, Answer::Reject(reason.to_owned())),
        _ => return None,
    };
    Some((id.parse().ok()?, answer))
}
