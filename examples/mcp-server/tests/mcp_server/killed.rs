//! A server that is killed in the middle.

use codex_spool::testing::TestSpool;
use serde_json::{Value, json};

use crate::client;
use crate::events::{assert_each_once, read_on, write_many};

#[test]
fn a_cursor_outlives_the_servers_that_are_killed_while_they_give_pages() {
    let spool = TestSpool::new();
    let (mut cursor, mut told) = (Value::Null, Vec::new());
    let mut client = client::on(&spool);
    let mut kills = 0;
    let recorded = write_many(&spool, 100, || {
        // Another client's call is under way when the server dies; the one that has its answer goes on from there.
        let mut doomed = client::on(&spool);
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| read_on(&client, &mut cursor, &mut told));
            doomed.begin("codex_events", json!({}));
            doomed.kill();
            busy.join().expect("it does not panic");
        });
        client.kill();
        client = client::on(&spool);
        kills += 2;
    });
    read_on(&client, &mut cursor, &mut told);
    assert!(kills > 1);
    assert_each_once(&told, &recorded);
}
