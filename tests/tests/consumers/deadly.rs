//! An event that kills whoever reads it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use codex_spool::{Capture, ConsumerName, Spool};

const MAX_ATTEMPTS: u32 = 3;

#[test]
fn an_event_that_kills_its_reader_is_dead_after_its_attempts_and_the_others_are_unharmed() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let spool = Spool::open(home.path().join("spool")).expect("a spool can be made");
    let name = ConsumerName::new("fragile").expect("a good name");
    drop(spool.consumer("fragile").and_then(|consumer| consumer.open()).expect("it can be made"));
    let record = |number: &str| {
        let payload =
            format!(r#"{{"hook_event_name":"PreToolUse","session_id":"t","tool_use_id":"{number}"}}"#);
        spool.record(payload.as_bytes(), &Capture::now()).expect("an event can be recorded").id
    };
    record("before");
    let deadly = record("deadly");
    record("after");
    // Each reader says what it is about to settle, and dies of what is deadly.
    let read = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_listening-consumer"));
        command.arg(spool.dir()).args(["fragile", "die"]).stdout(Stdio::piped());
        let mut reader = command.spawn().expect("it can be started");
        let said: Vec<String> = BufReader::new(reader.stdout.take().expect("it is piped"))
            .lines()
            .map(|line| line.expect("it is text"))
            .take_while(|line| line != "t after")
            .collect();
        let _ = reader.kill();
        reader.wait().expect("it is ours");
        said
    };
    assert_eq!(read(), ["open", "t before", "t deadly"]);
    for _ in 1..MAX_ATTEMPTS {
        assert_eq!(read(), ["open", "t deadly"]);
    }
    assert_eq!(read(), ["open"], "the others are unharmed");
    let mut dead = spool.dead(&name).expect("it can be listed");
    assert_eq!(dead.len(), 1);
    let dead = dead.remove(0);
    assert_eq!(
        (dead.id(), dead.attempt(), dead.reason()),
        (deadly, MAX_ATTEMPTS, "given up: max_attempts is 3")
    );
    assert!(dead.requeue().expect("it can be moved"));
    let again = read();
    assert_eq!(again.last().map(String::as_str), Some("t deadly"), "{again:?}");
}
