//! What a server may refuse: each is one line, and the spool keeps the event.

use std::path::Path;

use async_nats::jetstream::stream::Config;
use codex_hook_tests::NatsServer;
use codex_spool::{Capture, Redaction, Spool};

use crate::support::{Relay, ask, command, events, failure, output, record, spool, wait_for};

/// How many events wait for the relay.
fn waiting(spool: &Spool) -> u64 {
    let report = spool.report();
    report.consumers.iter().find(|consumer| consumer.name.as_str() == "relay").expect("it was opened").pending
}

fn refused(spool: &Spool, url: &str, args: &[&str]) -> String {
    failure(command(&["run"], url).arg("--spool-dir").arg(spool.dir()).args(args))
}

fn with_one_event(dir: &Path) -> Spool {
    let spool = spool(dir);
    record(&spool, 0, 1);
    spool
}

#[test]
fn a_server_that_refuses_the_credentials_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let server = NatsServer::with("authorization { user: me, password: right }");
    let wrong = server.url().replace("//", "//me:wrong@");
    let said = refused(&spool, &wrong, &["--create"]);
    assert!(said.starts_with("hook-relay: the server refuses these credentials: nats://127"), "{said}");
    assert!(!said.contains("wrong@"), "{said}");
    assert_eq!(waiting(&spool), 1);
    let missing = dir.path().join("no.creds");
    let said = refused(&spool, &server.url(), &["--creds", &missing.to_string_lossy()]);
    assert!(said.contains("cannot read the credentials") && said.contains("no.creds"), "{said}");
    let relay = Relay::start(spool.dir(), &wrong.replace("wrong", "right"), &["--create"]);
    relay.says("relaying as host");
}

#[test]
fn a_stream_that_is_missing_or_takes_other_subjects_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let server = NatsServer::start();
    let said = refused(&spool, &server.url(), &["--host", "h"]);
    assert!(said.contains("no stream CODEX") && said.contains("--create"), "{said}");
    make(&server, Config { subjects: vec!["other.>".to_owned()], ..stream() });
    let said = refused(&spool, &server.url(), &["--host", "h"]);
    assert!(said.contains("does not take codex.h.SessionStart.*: it takes other.>"), "{said}");
    let stops = Config { name: "STOPS".to_owned(), subjects: vec!["codex.*.Stop.*".to_owned()], ..stream() };
    make(&server, stops);
    let said =
        refused(&spool, &server.url(), &["--host", "h", "--stream", "STOPS", "--kinds", "Stop,Interrupt"]);
    assert!(said.contains("does not take codex.h.Interrupt.*"), "{said}");
    assert_eq!(waiting(&spool), 1);
    // None of these was a choice.
    let other = ["--host", "another", "--stream", "STOPS", "--kinds", "Stop"];
    Relay::start(spool.dir(), &server.url(), &other).says("relaying as host another");
    let said = refused(&spool, &server.url(), &["--host", "h"]);
    assert!(said.contains("relayed as host another, not h"), "{said}");
}

#[test]
fn a_server_without_jetstream_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let server = NatsServer::without_jetstream();
    let said = refused(&spool, &server.url(), &["--create"]);
    assert!(said.contains("has no JetStream"), "{said}");
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let mut server = NatsServer::start();
    server.kill();
    let relay = Relay::start(spool.dir(), &server.url(), &["--create"]);
    relay.says("no connection: nats://127");
    assert_eq!(waiting(&spool), 1);
    server.restart();
    wait_for(&server, 1);
}

#[test]
fn a_full_stream_is_said_once_and_waited_for() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    (0..50).for_each(|number| record(&spool, number, 10));
    let server = NatsServer::start();
    let create = ["--create", "--max-bytes", "8000", "--discard", "new"];
    let relay = Relay::start(spool.dir(), &server.url(), &create);
    let said = relay.says("stream CODEX is full");
    assert!(said.contains("maximum bytes exceeded") && said.contains("wait in the spool"), "{said}");
    assert!(waiting(&spool) > 0);
    ask(&server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        let mut config =
            jetstream.get_stream("CODEX").await.expect("it is there").cached_info().config.clone();
        config.max_bytes = -1;
        jetstream.update_stream(config).await.expect("it can be changed");
    });
    relay.says("events are published again");
    wait_for(&server, 50);
    assert_eq!(events(&server).len(), 50);
}

#[test]
fn a_connection_that_is_lost_is_said_though_nothing_happens() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let mut server = NatsServer::start();
    let relay = Relay::start(spool.dir(), &server.url(), &["--create"]);
    wait_for(&server, 1);
    server.kill();
    relay.says("the connection is lost: nats://127");
    record(&spool, 1, 1);
    server.restart();
    relay.says("connected again");
    wait_for(&server, 2);
}

#[test]
fn a_stream_that_is_removed_is_waited_for() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let server = NatsServer::start();
    let relay = Relay::start(spool.dir(), &server.url(), &["--create"]);
    relay.says("relaying as host");
    ask(&server, async |client| {
        async_nats::jetstream::new(client).delete_stream("CODEX").await.expect("it can be removed");
    });
    record(&spool, 0, 1);
    relay.says("stream CODEX");
    assert_eq!(waiting(&spool), 1);
    make(&server, stream());
    relay.says("events are published again");
    assert_eq!(events(&server).len(), 1);
}

#[test]
fn an_event_over_the_limit_is_published_with_its_payload_cut() {
    for (config, max_message_size) in [("max_payload: 4096", -1), ("", 4096)] {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let spool = spool(dir.path());
        let server = NatsServer::with(config);
        make(&server, Config { max_message_size, ..stream() });
        let prompt = "long ".repeat(20_000);
        let payload =
            format!(r#"{{"hook_event_name":"UserPromptSubmit","session_id":"a","prompt":"{prompt}"}}"#);
        spool.record(payload.as_bytes(), &Capture::now()).expect("it is an event");
        let list: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
        let payload = format!(r#"{{"hook_event_name":"Stop","session_id":"a","list":[{}]}}"#, list.join(","));
        spool.record(payload.as_bytes(), &Capture::now()).expect("it is an event");
        let _relay = Relay::start(spool.dir(), &server.url(), &[]);
        wait_for(&server, 2);
        let events = events(&server);
        assert_eq!(
            (&*events[0].truncated()[0].pointer, events[0].truncated()[0].bytes),
            ("/prompt", 100_000)
        );
        let Redaction { pointer, .. } = &events[1].redacted()[0];
        assert_eq!(pointer, "/list");
        assert!(
            spool
                .journal()
                .expect("it is there")
                .any(|event| event.expect("it is sound").payload() == payload)
        );
    }
}

#[test]
fn a_relay_that_is_told_to_end_has_settled_what_it_published() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let server = NatsServer::start();
    let relay = Relay::start(spool.dir(), &server.url(), &["--create"]);
    (0..200).for_each(|number| record(&spool, number, 20));
    wait_for(&server, 100);
    let status = relay.terminate();
    assert!(status.success(), "{status}");
    assert_eq!(events(&server).len() as u64 + waiting(&spool), 200);
}

#[test]
fn check_tells_what_there_is_and_what_is_wrong() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = with_one_event(dir.path());
    let server = NatsServer::start();
    let check = || {
        let mut check = command(&["check"], &server.url());
        check.arg("--spool-dir").arg(spool.dir());
        check
    };
    assert!(failure(&mut check()).contains("no stream CODEX"));
    make(&server, stream());
    let told = output(&mut check());
    assert!(told.contains("not there yet") && told.contains("codex.>"), "{told}");
    let relay = Relay::start(spool.dir(), &server.url(), &["--host", "h"]);
    wait_for(&server, 1);
    let told = output(&mut check());
    assert!(told.contains("(which runs)") && told.contains("host     h, for good"), "{told}");
    drop(relay);
}

fn stream() -> Config {
    Config { name: "CODEX".to_owned(), subjects: vec!["codex.>".to_owned()], ..Config::default() }
}

fn make(server: &NatsServer, config: Config) {
    ask(server, async |client| {
        async_nats::jetstream::new(client).create_stream(config).await.expect("it can be made");
    });
}
