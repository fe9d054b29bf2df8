//! What comes out at the other end.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use codex_hook_tests::{Hooks, NatsServer, Sandbox, Scenario, hook};
use serde_json::Value;

use crate::support::{Relay, ask, command, output, record, spool, wait_for};

#[test]
fn a_session_of_codex_is_seen_from_another_host() {
    let sandbox = Sandbox::new();
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi"));
    let thread = sandbox.exec(&prompt).bypass_trust().run().assert_success().thread_id();
    let fired = hook(&sandbox).events();
    let server = NatsServer::start();
    let _relay = Relay::start(&sandbox.spool(), &server.url(), &["--create", "--host", "web-1"]);
    wait_for(&server, fired.len());

    let tail = |args: &[&str]| {
        let all = ["tail", "--no-follow", "--since", "1d"];
        output(command(&all, &server.url()).args(args))
    };
    let lines = tail(&["--json"]);
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), fired.len());
    for (record, event) in records.iter().zip(&fired) {
        assert_eq!(
            (record["host"].as_str(), record["record"]["id"].as_str()),
            (Some("web-1"), Some(&*event.id().to_string()))
        );
    }
    let shown = tail(&["--kind", "Stop", "--thread", &thread, "--host", "web-1"]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.starts_with("web-1 ") && shown.contains("Stop"), "{shown}");
    assert_eq!(tail(&["--host", "web-2"]), "");

    let threads = output(command(&["threads", "--all", "--json"], &server.url()).args(["--since", "1d"]));
    let threads: Vec<Value> = serde_json::from_str(&threads).expect("JSON");
    assert_eq!(threads.len(), 1);
    assert_eq!(
        (threads[0]["host"].as_str(), threads[0]["thread_id"].as_str()),
        (Some("web-1"), Some(&*thread))
    );
    assert_eq!(threads[0]["status"], "ended");
    let table = output(&mut command(&["threads", "--all"], &server.url()));
    assert!(table.starts_with("web-1\n") && table.contains("ended"), "{table}");
}

#[test]
fn every_host_has_its_part_of_the_stream_and_gives_no_more_than_it_is_told_to() {
    let server = NatsServer::start();
    let mut relays = Vec::new();
    for (number, host) in ["a", "b"].into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let spool = spool(dir.path());
        // The same event on both: it is two.
        record(&spool, 0, 1);
        let args = ["--create", "--host", host, "--payload", "metadata", "--kinds", "PostToolUse,Stop"];
        relays.push((Relay::start(spool.dir(), &server.url(), &args), dir));
        wait_for(&server, number + 1);
    }
    let told = output(&mut command(&["tail", "--no-follow", "--since", "1d", "--json"], &server.url()));
    let records: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let hosts: Vec<&str> = records.iter().filter_map(|record| record["host"].as_str()).collect();
    assert_eq!(hosts, ["a", "b"]);
    assert_eq!(records[0]["record"]["payload"]["tool_response"], "[redacted]");
    assert_eq!(records[0]["record"]["payload"]["cwd"], "/w");
}

#[test]
fn what_is_no_event_is_said_and_passed_over() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    record(&spool, 0, 1);
    let server = NatsServer::start();
    let _relay = Relay::start(spool.dir(), &server.url(), &["--create", "--host", "h"]);
    wait_for(&server, 1);
    ask(&server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        jetstream.publish("codex.h.Stop.x", "hello".into()).await.expect("sent").await.expect("it is taken");
    });
    let output = command(&["tail", "--no-follow"], &server.url()).output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("message 2 of the stream is no event"), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    assert!(command(&["threads"], &server.url()).output().expect("it can be started").status.success());
}

#[test]
fn a_tail_goes_on_though_the_server_is_killed() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let mut server = NatsServer::start();
    let _relay = Relay::start(spool.dir(), &server.url(), &["--create", "--host", "h"]);
    record(&spool, 0, 1);
    wait_for(&server, 1);
    let mut tail = command(&["tail", "--since", "1d", "--json"], &server.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be started");
    let mut lines = BufReader::new(tail.stdout.take().expect("it is piped")).lines();
    for number in 0..3 {
        if number > 0 {
            server.restart();
            record(&spool, number, 1);
        }
        let line = lines.next().expect("it goes on").expect("it is text");
        assert!(line.contains(&format!(r#""sequence":{},"#, number + 1)), "{line}");
    }
    tail.kill().and_then(|()| tail.wait()).expect("it can be killed");
}
