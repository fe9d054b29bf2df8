//! Many streams, in a real browser, over connections that break.

use std::thread;

use codex_hook_tests::{Browser, Page, Sandbox};
use serde_json::Value;

use crate::support::{Plane, fire, number_of, spool};

const PAGES: usize = 5;
const STREAMS: usize = 10; // in each page, the first by an EventSource
const EVENTS: usize = 10_000;
const WRITERS: usize = 4;

/// Follows the log by one stream as a client would, and notes what it is told, in the order in which it is.
const FOLLOW: &str = "
    const follow = (kind, token, begin, breaks) => {
        const stream = {kind, count: 0, digest: 0, gaps: 0, repeats: 0, resets: 0, connections: 0, cursor: begin};
        const number = (cursor) => Number(cursor.split('-')[1]);
        const take = (message) => {
            if (message.type === 'reset') stream.resets += 1;
            if (message.type !== 'event') return;
            const step = number(message.cursor) - number(stream.cursor);
            if (step > 1) stream.gaps += 1;
            if (step < 1) stream.repeats += 1;
            stream.cursor = message.cursor;
            stream.count += 1;
            stream.digest = (Math.imul(stream.digest, 31) + parseInt(message.record.id.slice(0, 8), 16)) | 0;
        };
        const connect = () => {
            stream.connections += 1;
            if (kind === 'sse') {
                const source = new EventSource(`/api/sse?token=${token}&after=${stream.cursor}`);
                source.addEventListener('event', (event) => take(JSON.parse(event.data)));
                source.addEventListener('reset', (event) => take(JSON.parse(event.data)));
                source.onopen = () => stream.opened = (stream.opened ?? 0) + 1;
                source.onerror = () => source.readyState === EventSource.CLOSED && setTimeout(connect, 50);
                return;
            }
            const socket = new WebSocket(`ws://${location.host}/api/stream`, ['codex-control-plane', `token.${token}`]);
            const until = stream.count + breaks;
            socket.onopen = () => socket.send(JSON.stringify({after: stream.cursor, subscribe: [{thread: null}]}));
            socket.onmessage = (frame) => {
                // What comes behind the break was never seen: it has to come again.
                if (stream.count < until) take(JSON.parse(frame.data));
                else socket.close();
            };
            socket.onclose = () => setTimeout(connect, 50);
        };
        connect();
        return stream;
    };
";

#[test]
fn fifty_streams_in_a_browser_get_ten_thousand_events_each_once_and_in_order() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let plane = Plane::start(&sandbox);
    let begin = plane.get("/api/events")["next"].as_str().expect("a cursor").to_owned();
    let browser = Browser::start();
    // Opened without a token the page itself has no stream.
    let pages: Vec<Page<'_>> =
        (0..PAGES).map(|_| browser.open(&format!("http://127.0.0.1:{}/", plane.port))).collect();
    for page in &pages {
        let token = &plane.token;
        // Every other WebSocket breaks now and then.
        page.value(&format!(
            "{FOLLOW} window.streams = Array.from({{length: {STREAMS}}}, (_, n) =>
                follow(n === 0 ? 'sse' : 'ws', '{token}', '{begin}', n % 2 === 0 ? 3000 : Infinity)); 1"
        ));
    }
    let plane = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let spool = &spool;
            scope.spawn(move || {
                (0..EVENTS / WRITERS).for_each(|n| fire(spool, &format!("thread-{writer}"), n));
            });
        }
        // In the middle of it, and for all of them.
        pages[0].wait_for(&format!("streams.every((stream) => stream.count > {})", EVENTS / 5));
        plane.kill_and_start(&sandbox)
    });
    let (end, digest) = expected(&plane, &begin);
    assert_eq!(end, EVENTS as u64, "the log has each event once");
    let mut connections = 0;
    for page in &pages {
        page.wait_for(&format!("streams.every((stream) => stream.count >= {EVENTS})"));
        let streams = page.value("streams");
        for stream in streams.as_array().expect("a list") {
            let of = |key: &str| stream[key].as_i64().expect("a number");
            assert_eq!((of("gaps"), of("repeats"), of("resets")), (0, 0, 0), "{stream}");
            assert_eq!((of("count"), of("digest")), (EVENTS as i64, digest), "{stream}");
            connections += of("connections").max(stream["opened"].as_i64().unwrap_or_default());
        }
    }
    // Each was killed once, and every other WebSocket broke three times besides.
    assert!(connections >= (2 * PAGES * STREAMS) as i64, "{connections}");
}

/// How long the log is, and what its events come to in their order.
fn expected(plane: &Plane, begin: &str) -> (u64, i64) {
    plane.wait_until(EVENTS as u64);
    let (mut after, mut digest) = (begin.to_owned(), 0_i32);
    loop {
        let page = plane.get(&format!("/api/events?limit=1000&after={after}"));
        for event in page["events"].as_array().expect("a list") {
            let id = event["record"]["id"].as_str().expect("an id");
            let id = u32::from_str_radix(&id[..8], 16).expect("it is hexadecimal");
            digest = digest.wrapping_mul(31).wrapping_add(id.cast_signed());
        }
        after = page["next"].as_str().expect("a cursor").to_owned();
        if page["more"] == Value::Bool(false) {
            return (number_of(&after), digest.into());
        }
    }
}
