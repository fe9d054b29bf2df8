//! Where the system has no watch to spare, a consumer polls, and says so.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use codex_spool::{Capture, Spool};

/// In a user namespace of its own, which may have no inotify instance.
#[test]
fn without_a_watch_it_polls_and_says_so() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let spool = Spool::open(home.path().join("spool")).expect("a spool can be made");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "sh", "-c"])
        .arg("echo 0 > /proc/sys/user/max_inotify_instances && exec \"$0\" \"$1\" polling ack")
        .arg(env!("CARGO_BIN_EXE_listening-consumer"))
        .arg(spool.dir())
        .stdout(Stdio::piped());
    let mut consumer = command.spawn().expect("unshare is part of every Linux");
    let mut lines = BufReader::new(consumer.stdout.take().expect("it is piped")).lines();
    let mut line = || lines.next().expect("it goes on").expect("it is text");
    assert_eq!(line(), "open");
    for n in 0..3 {
        let payload = format!(r#"{{"hook_event_name":"PreToolUse","session_id":"t","tool_use_id":"{n}"}}"#);
        spool.record(payload.as_bytes(), &Capture::now()).expect("an event can be recorded");
        assert_eq!(line(), format!("t {n}"));
    }
    let report = spool.report();
    assert_eq!(report.consumers[0].wake.as_deref(), Some("poll"));
    consumer.kill().expect("it runs");
    consumer.wait().expect("it is ours");
}
