//! Whatever is killed, each event is in the stream once, and each thread in order.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_hook_tests::NatsServer;
use codex_spool::{Capture, Event};

use crate::support::{
    Relay, ask, assert_exactly_once, events, messages, payload, record, spool, wait_for, wait_until_settled,
};

const THREADS: usize = 200;

/// How many events; `RELAY_TEST_EVENTS` says how many else.
fn number_of_events() -> usize {
    std::env::var("RELAY_TEST_EVENTS")
        .map_or(20_000, |number| number.parse().expect("RELAY_TEST_EVENTS is a number"))
}

#[test]
fn nothing_is_lost_or_doubled_though_the_server_and_the_relay_are_killed() {
    let events_in_all = number_of_events();
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let mut server = NatsServer::start();
    let create = ["--create", "--duplicate-window", "500ms", "--host", "h"];
    let start = |server: &NatsServer| {
        let relay = Relay::start(spool.dir(), &server.url(), &create);
        relay.says("relaying as host h");
        relay
    };
    let mut relay = start(&server);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let spool = &spool;
            // A thread is written by one writer: its order is the order of its records.
            scope.spawn(move || {
                (0..events_in_all)
                    .filter(|number| number % THREADS % 4 == writer)
                    .for_each(|number| record(spool, number, THREADS));
            });
        }
        // Thirteen stops on the way, one after the other somewhere in the events that are left.
        for stop in 0..13 {
            wait_for(&server, events_in_all * (stop + 1) / 14);
            match stop {
                2 | 6 | 10 => server.restart(),
                // Whatever was on its way is not known to the server as a duplicate any more.
                4 => {
                    relay.kill();
                    outlive_duplicate_window(&server);
                    relay = start(&server);
                }
                _ => {
                    relay.kill();
                    relay = start(&server);
                }
            }
        }
        wait_for(&server, events_in_all);
    });
    assert_exactly_once(&events(&server), events_in_all, THREADS);
}

#[test]
fn an_event_that_comes_late_is_marked_and_found_again_however_long_ago_it_was() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let server = NatsServer::start();
    let args = ["--create", "--duplicate-window", "500ms", "--host", "h"];
    let mut relay = Relay::start(spool.dir(), &server.url(), &args);
    relay.says("relaying as host h");
    let begun = SystemTime::now();
    // The third was captured before the second, as when the clock is set back.
    for (n, seconds) in [(0, 1), (1, 3), (2, 2)] {
        let capture = Capture::at(begun + Duration::from_secs(seconds));
        spool.record(payload(n, 1).as_bytes(), &capture).expect("it is an event");
        wait_for(&server, n + 1);
    }
    wait_until_settled(&spool);
    relay.kill();
    outlive_duplicate_window(&server);
    // As if the relay had been killed before it could settle any of them.
    for event in spool.journal().expect("there is one") {
        let event = event.expect("it is sound");
        let captured = event.captured_at().duration_since(UNIX_EPOCH).expect("it is later").as_nanos();
        let day = event.captured_at();
        let day = humantime::format_rfc3339(day).to_string();
        let file = spool.dir().join("journal").join(&day[..10]).join(format!("{}.json", event.id()));
        let name = format!("{captured:020}-{}.json", event.id());
        std::fs::hard_link(file, spool.dir().join("consumers/relay/queue").join(name))
            .expect("it can be put back");
    }
    let _relay = Relay::start(spool.dir(), &server.url(), &args);
    record(&spool, 3, 1);
    wait_for(&server, 4);
    wait_until_settled(&spool);
    let told: Vec<(u64, bool)> = messages(&server)
        .iter()
        .map(|message| {
            let late = message.headers.as_ref().is_some_and(|headers| headers.get("Codex-Late").is_some());
            let event = Event::from_record(message.payload.to_vec()).expect("a record");
            let payload: serde_json::Value = serde_json::from_str(event.payload()).expect("JSON");
            (payload["n"].as_u64().expect("a number"), late)
        })
        .collect();
    assert_eq!(
        told,
        [(0, false), (1, false), (2, true), (3, true)],
        "the fourth was captured before the second too"
    );
}

#[test]
fn what_happens_again_on_another_day_is_another_event() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let day = Duration::from_secs(86_400);
    let ids = [2, 1, 0].map(|days_ago| {
        let capture = Capture::at(SystemTime::now() - day * days_ago);
        spool.record(payload(0, 1).as_bytes(), &capture).expect("it is an event").id
    });
    assert_eq!(ids, [ids[0]; 3]);
    let server = NatsServer::start();
    let _relay = Relay::start(spool.dir(), &server.url(), &["--create", "--host", "h"]);
    wait_for(&server, 3);
    wait_until_settled(&spool);
    assert_eq!(events(&server).len(), 3);
}

/// Waits until the server would take a message again that it took before.
fn outlive_duplicate_window(server: &NatsServer) {
    ask(server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        // Not of an event: no host is called so.
        let publish = async || {
            let message = async_nats::jetstream::message::PublishMessage::build().message_id("probe");
            jetstream.send_publish("codex.=probe.x.x", message).await?.await
        };
        let first = publish().await.expect("it is taken").sequence;
        let stream = jetstream.get_stream("CODEX").await.expect("the stream is there");
        loop {
            let again = publish().await.expect("it is taken");
            if !again.duplicate {
                for sequence in [first, again.sequence] {
                    stream.delete_message(sequence).await.expect("it can be deleted");
                }
                return;
            }
        }
    });
}
