//! `codex_events`.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use codex_spool::testing::{TestSpool, payload};
use codex_spool::{Capture, EventId, Prune, Spool};
use serde_json::{Value, json};

use crate::client::{self, Client};

const DAY: Duration = Duration::from_secs(86_400);

/// All that there is behind a cursor, page by page, each of another size.
pub(crate) fn read_on(client: &Client, cursor: &mut Value, events: &mut Vec<Value>) {
    loop {
        let detail = if fastrand::bool() { "full" } else { "minimal" };
        let max_bytes = fastrand::usize(2048..20_000);
        let mut args = json!({"maxEvents": fastrand::usize(1..20), "maxBytes": max_bytes, "detail": detail});
        if cursor.is_string() {
            args["cursor"] = cursor.clone();
        }
        let mut page = client.call("codex_events", args);
        assert!(page["events"].to_string().len() <= max_bytes, "{page}");
        assert_eq!(page["cursorResetTo"], Value::Null);
        *cursor = page["nextCursor"].take();
        events.append(page["events"].as_array_mut().expect("a list"));
        if page["more"] == false {
            return;
        }
    }
}

pub(crate) fn ids(events: &[Value]) -> Vec<EventId> {
    events.iter().map(|event| event["id"].as_str().expect("it has one").parse().expect("an id")).collect()
}

#[track_caller]
pub(crate) fn assert_each_once(told: &[Value], recorded: &[EventId]) {
    let told = ids(told);
    let distinct: HashSet<_> = told.iter().copied().collect();
    assert_eq!(distinct.len(), told.len(), "none twice");
    assert_eq!(distinct, recorded.iter().copied().collect());
}

/// Records events of four threads at once, each captured at some moment of the last minutes, and up to 40 kB large.
pub(crate) fn write_many(spool: &Spool, count: usize, mut meanwhile: impl FnMut()) -> Vec<EventId> {
    std::thread::scope(|scope| {
        let write = |writer: usize, number: usize| {
            let ago = Duration::from_millis(fastrand::u64(0..300_000));
            let prompt = format!("{number} ") + &"x".repeat(fastrand::usize(0..200).pow(2));
            let payload = payload::user_prompt_submit(&format!("thread-{writer}")).prompt(prompt);
            let capture = Capture::at(SystemTime::now() - ago);
            spool.record(&Vec::from(payload), &capture).expect("it can be recorded").id
        };
        let write_all = |writer| move || (0..count).map(|number| write(writer, number)).collect::<Vec<_>>();
        let writers: Vec<_> = (0..4).map(|writer| scope.spawn(write_all(writer))).collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            meanwhile();
        }
        writers.into_iter().flat_map(|writer| writer.join().expect("it does not panic")).collect()
    })
}

#[test]
fn pages_of_any_size_have_every_event_once_while_writers_write() {
    let spool = TestSpool::new();
    let client = client::on(&spool);
    let (mut cursor, mut told) = (Value::Null, Vec::new());
    let recorded = write_many(&spool, 100, || read_on(&client, &mut cursor, &mut told));
    read_on(&client, &mut cursor, &mut told);
    assert_eq!(recorded.len(), 400);
    assert_each_once(&told, &recorded);
}

#[test]
fn servers_at_once_give_the_same_order() {
    let spool = TestSpool::new();
    let clients = [client::on(&spool), client::on(&spool)];
    let (mut cursor, mut told) = (Value::Null, Vec::new());
    // A cursor of one is good for the other.
    let recorded = write_many(&spool, 50, || {
        read_on(&clients[fastrand::usize(..2)], &mut cursor, &mut told);
    });
    read_on(&clients[0], &mut cursor, &mut told);
    assert_each_once(&told, &recorded);
    for client in &clients {
        let (mut cursor, mut again) = (Value::Null, Vec::new());
        read_on(client, &mut cursor, &mut again);
        assert_eq!(ids(&again), ids(&told));
    }
}

#[test]
fn a_place_whose_events_were_pruned_is_reset_to_what_is_left() {
    let spool = TestSpool::new();
    let client = client::on(&spool);
    spool.set_time(SystemTime::now() - 3 * DAY);
    spool.fire(payload::stop("old"));
    let first = client.call("codex_events", json!({}));
    spool.fire(payload::stop("older than the place"));
    spool.set_time(SystemTime::now());
    let left = spool.fire(payload::stop("new"));
    assert_eq!(spool.prune(&Prune::default().before(SystemTime::now() - DAY)).events, 2);
    let page = client.call("codex_events", json!({"cursor": first["nextCursor"]}));
    assert_eq!(ids(page["events"].as_array().expect("a list")), [left]);
    let reset = page["cursorResetTo"].clone();
    assert!(reset.is_string());
    // It is the place before the first that is left.
    let again = client.call("codex_events", json!({"cursor": reset}));
    assert_eq!((&again["events"], &again["cursorResetTo"]), (&page["events"], &Value::Null));
    // One who begins has lost nothing.
    let begun = client.call("codex_events", json!({}));
    assert_eq!((&begun["events"], &begun["cursorResetTo"]), (&page["events"], &Value::Null));
}

#[test]
fn an_event_that_is_larger_than_a_page_is_told_in_less_detail_and_says_so() {
    let spool = TestSpool::new();
    let nasty = "\u{1}\"\\é".repeat(20_000);
    spool.fire(payload::user_prompt_submit("thread").prompt(nasty.as_str()));
    let long = payload::stop("thread").build().replace("\"Stop\"", &format!("{:?}", "\"".repeat(5_000)));
    spool.fire(long);
    spool.fire(payload::stop("thread"));
    let client = client::on(&spool);
    let mut cursor = Value::Null;
    let mut page = |detail: &str| {
        let mut args = json!({"maxBytes": 2048, "detail": detail});
        if cursor.is_string() {
            args["cursor"] = cursor.clone();
        }
        let page = client.call("codex_events", args);
        cursor = page["nextCursor"].clone();
        page["events"].clone()
    };
    let first = page("full");
    assert!(first[0]["cut_from"].as_u64().is_some_and(|bytes| bytes > 60_000), "{first}");
    assert!(first[0]["gist"].as_str().is_some_and(|gist| nasty.starts_with(gist.trim_end_matches('…'))));
    assert!(first[0].get("payload").is_none());
    let rest = if first[1].is_null() { page("full") } else { json!([first[1], first[2]]) };
    let rest = if rest[1].is_null() { json!([rest[0], page("full")[0]]) } else { rest };
    assert!(rest[0]["cut_from"].is_u64(), "{rest}");
    assert_eq!(rest[1]["payload"]["hook_event_name"], "Stop");
    assert!(rest[1].get("cut_from").is_none());
}

#[test]
fn a_damaged_record_keeps_nobody_from_the_others() {
    let spool = TestSpool::new();
    let client = client::on(&spool);
    let first = spool.fire(payload::stop("thread"));
    let begun = client.call("codex_events", json!({}));
    let damaged = spool.fire(payload::stop("thread").last_assistant_message("Damaged."));
    let last = spool.fire(payload::stop("thread").last_assistant_message("Whole."));
    let days = std::fs::read_dir(spool.dir().join("journal")).expect("it is there");
    let mut files = days.map(|day| day.expect("it is listed").path().join(format!("{damaged}.json")));
    let file = files.find(|file| file.exists()).expect("it was recorded");
    std::fs::write(file, "{}").expect("it can be damaged");
    let page = client.call("codex_events", json!({"cursor": begun["nextCursor"]}));
    assert_eq!(ids(page["events"].as_array().expect("a list")), [last]);
    assert_eq!((&page["more"], &page["cursorResetTo"]), (&json!(false), &Value::Null));
    assert_eq!(ids(begun["events"].as_array().expect("a list")), [first]);
}

#[test]
fn who_waits_is_told_at_once_what_is_wanted_and_nothing_else() {
    let spool = TestSpool::new();
    spool.fire(payload::user_prompt_submit("mine").prompt("Begin."));
    let (client, other) = (client::on(&spool), client::on(&spool));
    let end = client.call("codex_events", json!({"newest": 0}))["nextCursor"].clone();
    // An hour is longer than this test may take.
    let wait = |args: Value| {
        let mut args = args;
        args["cursor"] = end.clone();
        args["waitMs"] = json!(3_600_000);
        args
    };
    let final_one = |client: &Client| {
        let page = client.call("codex_events", wait(json!({"threadId": "mine", "finalOnly": true})));
        ids(page["events"].as_array().expect("a list"))
    };
    std::thread::scope(|scope| {
        let here = scope.spawn(|| final_one(&client));
        let there = scope.spawn(|| final_one(&other));
        // Nobody else waits for that.
        assert_eq!(client.call("codex_threads", json!({}))["threads"][0]["thread_id"], "mine");
        spool.fire(payload::user_prompt_submit("mine").prompt("Go on."));
        spool.fire(payload::stop("theirs"));
        let stop = spool.fire(payload::stop("mine"));
        assert_eq!(here.join().expect("it does not panic"), [stop]);
        assert_eq!(there.join().expect("it does not panic"), [stop]);
        let asked =
            scope.spawn(|| client.call("codex_events", wait(json!({"kinds": ["PermissionRequest"]}))));
        let asking = spool.fire(payload::permission_request("theirs"));
        let page = asked.join().expect("it does not panic");
        assert_eq!(ids(page["events"].as_array().expect("a list")), [asking]);
        // One that is of no thread.
        let odd = scope.spawn(|| client.call("codex_events", wait(json!({"kinds": ["PostCompact"]}))));
        let compacted = spool.fire(r#"{"hook_event_name":"PostCompact"}"#.to_owned());
        let page = odd.join().expect("it does not panic");
        assert_eq!(ids(page["events"].as_array().expect("a list")), [compacted]);
    });
    let nothing = client.call("codex_events", json!({"cursor": end, "kinds": ["PreCompact"], "waitMs": 1}));
    assert_eq!((&nothing["events"], &nothing["more"]), (&json!([]), &json!(false)));
}

#[test]
fn the_newest_come_in_order_and_arguments_that_make_no_sense_are_refused() {
    let spool = TestSpool::new();
    let fired: Vec<_> = (0..5).map(|_| spool.fire(payload::stop("thread"))).collect();
    let client = client::on(&spool);
    let page = client.call("codex_events", json!({"newest": 2}));
    assert_eq!(ids(page["events"].as_array().expect("a list")), fired[3..]);
    for args in [
        json!({"cursor": "yesterday"}),
        json!({"kinds": ["stop"]}),
        json!({"kinds": ["PreToolUse"], "finalOnly": true}),
        json!({"maxBytes": 10}),
        json!({"maxEvents": "all"}),
        json!({"max_events": 1}),
    ] {
        assert_eq!(client.fails("codex_events", args), "bad_arguments");
    }
    // One of a spool that was removed begins anew, and is told so.
    let page = client.call("codex_events", json!({"cursor": "00000000-7"}));
    assert!(page["cursorResetTo"].is_string());
    assert_eq!(ids(page["events"].as_array().expect("a list")), fired);
}
