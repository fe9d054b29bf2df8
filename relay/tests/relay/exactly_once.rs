//! Whatever is killed, each event is in the stream once, and each thread in order.

use codex_hook_tests::NatsServer;

use crate::support::{Relay, ask, assert_exactly_once, events, record, spool, wait_for};

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
