//! Streams: what they tell, and how they go on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};

use codex_hook_tests::Sandbox;
use serde_json::json;

use crate::support::{Plane, fire, number_of, record, spool, told};

#[test]
fn a_websocket_tells_what_was_subscribed_to() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let plane = Plane::start(&sandbox);
    let stop = |thread: &str, n: usize| {
        let payload = format!(r#"{{"hook_event_name":"Stop","session_id":"{thread}","turn_id":"{n}"}}"#);
        record(&spool, payload.as_bytes());
    };
    let mut stream =
        plane.stream(r#"{"subscribe":[{"thread":"a"},{"thread":"b","names":["St","Perm"]}],"states":true}"#);
    assert_eq!(stream.hear()["type"], "subscribed");
    assert_eq!(stream.hear(), json!({"type": "threads", "threads": []}));
    assert_eq!(stream.hear()["type"], "at");
    fire(&spool, "a", 1);
    fire(&spool, "b", 2);
    fire(&spool, "c", 3);
    stop("b", 4);
    // States are of all threads, the newest of each, and come between the events.
    let (mut events, mut states) = (Vec::new(), BTreeSet::new());
    while events.len() < 2 || states.len() < 3 {
        let message = stream.hear();
        match message["type"].as_str() {
            Some("event") => events.push(told(&message)),
            Some("thread") => drop(states.insert(message["thread"]["thread_id"].to_string())),
            _ => {}
        }
    }
    let first = (1, "PreToolUse".to_owned(), "a".to_owned());
    assert_eq!(events, [first, (4, "Stop".to_owned(), "b".to_owned())]);
    stream.say(r#"{"unsubscribe":["a"],"subscribe":[{"thread":"c"}]}"#);
    let subscribed = loop {
        let message = stream.hear();
        if message["type"] == "subscribed" {
            break message;
        }
    };
    assert_eq!(subscribed["cursor"].as_str().map(number_of), Some(4));
    fire(&spool, "a", 5);
    fire(&spool, "c", 6);
    assert_eq!(stream.event(), (6, "PreToolUse".to_owned(), "c".to_owned()));

    stream.say(r#"{"subscribe":[{"thread":"c"}],"after":"00000000-1"}"#);
    assert!(stream.refusal().contains("only the first message"));
    for wrong in ["{", r#"{"approve":true}"#, r#"{"subscribe":[{"thread":""}]}"#, r#"{"after":"1"}"#] {
        assert!(!plane.stream(wrong).refusal().is_empty(), "{wrong}");
    }
}

#[test]
fn a_websocket_goes_on_where_it_was_when_the_program_was_killed() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let plane = Plane::start(&sandbox);
    let mut stream = plane.stream(r#"{"subscribe":[{"thread":null}]}"#);
    (0..700).for_each(|n| fire(&spool, "a", n));
    let mut cursor = None;
    for number in 1..=300 {
        let message = loop {
            let message = stream.hear();
            if message["type"] == "event" {
                break message;
            }
        };
        cursor = message["cursor"].as_str().map(str::to_owned);
        assert_eq!(cursor.as_deref().map(number_of), Some(number));
    }
    let plane = plane.kill_and_start(&sandbox);
    (700..1000).for_each(|n| fire(&spool, "a", n));
    let said = json!({"after": cursor, "subscribe": [{"thread": null}]});
    let mut stream = plane.stream(&said.to_string());
    for number in 301..=1000 {
        assert_eq!(stream.event().0, number);
    }
}

#[test]
fn an_event_too_large_for_the_memory_is_told_in_its_place() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let plane = Plane::start(&sandbox);
    let mut stream = plane.stream(r#"{"subscribe":[{"thread":null}]}"#);
    while stream.hear()["type"] != "at" {}
    fire(&spool, "a", 1);
    let prompt = "x".repeat(100_000);
    let large =
        json!({"hook_event_name": "UserPromptSubmit", "session_id": "b", "turn_id": "t", "prompt": prompt});
    record(&spool, large.to_string().as_bytes());
    fire(&spool, "a", 3);
    for (number, name) in [(1, "PreToolUse"), (2, "UserPromptSubmit"), (3, "PreToolUse")] {
        let event = stream.event();
        assert_eq!((event.0, event.1.as_str()), (number, name));
    }
}

#[test]
fn server_sent_events_go_on_behind_the_last_id() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let plane = Plane::start(&sandbox);
    (0..5).for_each(|n| fire(&spool, "a", n));
    plane.wait_until(5);
    let begin = plane.get("/api/events?limit=2")["next"].as_str().expect("a cursor").to_owned();
    let lines = |plane: &Plane, path: &str, header: &str| {
        let mut socket = plane.connect();
        let (token, port) = (&plane.token, plane.port);
        write!(socket, "GET {path}token={token} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{header}\r\n")
            .expect("it listens");
        BufReader::new(socket).lines().map(|line| line.expect("it goes on"))
    };
    let ids = |lines: &mut dyn Iterator<Item = String>, count: usize| {
        let ids = lines.filter_map(|line| line.strip_prefix("id: ").map(str::to_owned));
        ids.take(count).collect::<Vec<String>>()
    };
    let mut first = lines(&plane, &format!("/api/sse?after={begin}&"), "");
    let seen = ids(&mut first, 2);
    assert_eq!(seen.iter().map(|id| number_of(id)).collect::<Vec<_>>(), [3, 4]);
    let plane = plane.kill_and_start(&sandbox);
    // As a browser does: the address as it was, and the last id beside it.
    let header = format!("Last-Event-ID: {}\r\n", seen[1]);
    let mut again = lines(&plane, &format!("/api/sse?after={begin}&name=Pre&"), &header);
    fire(&spool, "a", 5);
    assert_eq!(ids(&mut again, 1).iter().map(|id| number_of(id)).collect::<Vec<_>>(), [5]);
}
