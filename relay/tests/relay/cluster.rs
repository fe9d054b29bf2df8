//! A cluster of three, whose leader is killed, or which has none yet.

use async_nats::jetstream::stream::Config;
use codex_hook_tests::NatsServer;

use crate::support::{Relay, ask, assert_exactly_once, events, record, spool, wait_for};

const EVENTS: usize = 6_000;
const THREADS: usize = 50;

#[test]
fn nothing_is_lost_or_doubled_when_the_leader_of_the_stream_is_killed() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    let mut servers = NatsServer::cluster(3);
    let urls: Vec<String> = servers.iter().map(NatsServer::url).collect();
    make_stream(&servers[0]);
    let relay = Relay::start(spool.dir(), &urls.join(","), &["--host", "h"]);
    relay.says("relaying as host h");
    std::thread::scope(|scope| {
        scope.spawn(|| (0..EVENTS).for_each(|number| record(&spool, number, THREADS)));
        wait_for(&servers[0], EVENTS / 3);
        let leader = leader(&servers[0]);
        servers[leader].kill();
    });
    let survivor = servers.iter().find(|server| server.is_running()).expect("two are left");
    wait_for(survivor, EVENTS);
    assert_exactly_once(&events(survivor), EVENTS, THREADS);
}

#[test]
fn a_cluster_that_is_not_ready_is_waited_for_and_that_is_said_once() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = spool(dir.path());
    record(&spool, 0, 1);
    let mut servers = NatsServer::cluster(3);
    // One alone has nobody to lead it.
    servers[1..].iter_mut().for_each(NatsServer::kill);
    let relay = Relay::start(spool.dir(), &servers[0].url(), &["--create", "--host", "h"]);
    let mut said = relay.lines_until("it is tried again");
    servers[1..].iter_mut().for_each(NatsServer::restart);
    said.extend(relay.lines_until("relaying as host h"));
    wait_for(&servers[0], 1);
    said.pop();
    // It refuses in one way or two, while the connection stays.
    assert!(said.len() <= 4 && said.iter().all(|line| line.contains("stream CODEX")), "{said:?}");
}

/// Makes a stream that is kept by all three, once they have found each other.
fn make_stream(server: &NatsServer) {
    ask(server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        let config = Config {
            name: "CODEX".to_owned(),
            subjects: vec!["codex.>".to_owned()],
            num_replicas: 3,
            allow_direct: true,
            ..Config::default()
        };
        // It fails until there is a leader of them all.
        while jetstream.create_stream(config.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
}

/// The number of the server that leads the stream.
fn leader(server: &NatsServer) -> usize {
    ask(server, async |client| {
        let jetstream = async_nats::jetstream::new(client);
        loop {
            let Ok(stream) = jetstream.get_stream("CODEX").await else { continue };
            let cluster = stream.cached_info().cluster.clone();
            if let Some(leader) = cluster.and_then(|cluster| cluster.leader) {
                return leader.trim_start_matches('n').parse().expect("servers are n0, n1, n2");
            }
        }
    })
}
