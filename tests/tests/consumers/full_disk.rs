//! A disk without room: what cannot be settled waits, what needs no room is settled, and nothing is lost.

use std::process::Command;

use codex_hook_tests::hook_binary;

/// A file system in memory, small, in a mount namespace of its own. After `$ ` comes the exit code of each step.
const SCRIPT: &str = r#"
    mount -t tmpfs -o size=512k tmpfs "$DIR" || { echo "no mount"; exit 9; }
    event() { printf '{"hook_event_name":"PreToolUse","session_id":"t","tool_use_id":"%s"}' "$1" | "$HOOK" event --spool-dir "$DIR/spool"; echo "\$ $?"; }
    consumer() { "$CONSUMER" "$DIR/spool" a latest "$1" < /dev/null; echo "\$ $?"; }
    consumer ack
    event 1
    event 2
    dd if=/dev/zero of="$DIR/filler" bs=4k 2> /dev/null
    event lost
    consumer reject
    consumer retry
    consumer ack
    rm "$DIR/filler"
    event 3
    consumer ack
"#;

#[test]
fn on_a_full_disk_nothing_is_lost_and_what_is_done_can_be_acknowledged() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT])
        .env("DIR", home.path())
        .env("HOOK", hook_binary())
        .env("CONSUMER", env!("CARGO_BIN_EXE_consumer-under-test"))
        .output()
        .expect("unshare is part of every Linux");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    // Ids are 32 digits; which is which the order tells.
    let mut ids = Vec::new();
    let mut steps = Vec::new();
    for line in said.lines() {
        if line.len() == 32 {
            if !ids.contains(&line) {
                ids.push(line);
            }
            steps.push(format!("event {}", ids.iter().position(|id| *id == line).expect("it is there") + 1));
        } else {
            steps.push(line.to_owned());
        }
    }
    let expected = [
        "opened", "$ 0", "$ 0", "$ 0", // The third event has no room, and Codex is told.
        "$ 1",
        // A reason has no room: the event stays. A retry takes none, nor does an acknowledgement.
        "opened", "$ 1", "opened", "event 1", "event 2", "$ 0", "opened", "event 1", "event 2", "$ 0", "$ 0",
        "opened", "event 3", "$ 0",
    ];
    assert_eq!(steps, expected, "{complaints}");
    let complaints: Vec<_> = complaints.lines().collect();
    assert!(
        matches!(complaints[..], [event, reject] if event.starts_with("hook: ") && event.contains("free some space") && reject.contains("free some space")),
        "{complaints:?}"
    );
}
