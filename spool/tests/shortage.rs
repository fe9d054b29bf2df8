//! A program that has no file descriptors left for a while. In a process of its own, whose limit it sets.
#![cfg(unix)]

use std::time::Duration;

use codex_spool::testing::{TestSpool, payload};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_want_of_file_descriptors_breaks_no_order() -> Result<(), Box<dyn std::error::Error>> {
    let spool = TestSpool::new();
    let mut consumer =
        spool.consumer("a")?.ordered_by_thread(true).poll_interval(Duration::from_secs(60)).open()?;
    for n in 0..4 {
        spool.fire(payload::pre_tool_use("t").tool_use_id(n.to_string()));
    }
    consumer.recv()?.expect("nobody stops it").ack()?;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit })?;
    let told = consumer.recv();
    assert!(consumer.recv_timeout(Duration::ZERO)?.is_none(), "it is told once");
    setrlimit(Resource::Nofile, limit)?;
    assert!(told.is_err());
    for n in 1..4 {
        let delivery = consumer.recv()?.expect("nobody stops it");
        assert!(
            delivery.event().payload().contains(&format!(r#""tool_use_id":"{n}""#)) && !delivery.is_late()
        );
        delivery.ack()?;
    }
    Ok(())
}
