//! Names that lead elsewhere, steer a terminal or are no text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use codex_hook_tests::{Sandbox, hook};
use codex_spool::Start;

const EVIL: [&[u8]; 8] = [
    b"..evil",
    b"..\n..",
    b"line\nbreak.json",
    b"\xff\xfe.json",
    b"-rf",
    b"\x1b[31mred\x07",
    b"00000000000000000001-0123456789abcdef0123456789abcdef.json\n",
    b"2026-11-21\n",
];

const PAYLOAD: &str = r#"{"hook_event_name":"Stop","session_id":"s","cwd":"/"}"#;

#[test]
fn in_the_spool_they_are_passed_over_and_never_shown() {
    let sandbox = Sandbox::new();
    let spool = hook(&sandbox).spool();
    drop(spool.consumer("c").expect("a good name").start(Start::Earliest).open().expect("nobody has it"));
    hook(&sandbox).event(PAYLOAD).assert_silent();
    let days = fs::read_dir(sandbox.spool().join("journal")).expect("it is there");
    let day = days.map(|day| day.expect("it can be listed").path()).next().expect("one day");
    let folders =
        ["", "journal", "consumers", "rejected", "consumers/c", "consumers/c/queue", "consumers/c/dead"];
    let mut count = 0;
    for folder in folders.iter().map(|name| sandbox.spool().join(name)).chain([day]) {
        for (nth, name) in EVIL.iter().enumerate() {
            let path = folder.join(OsStr::from_bytes(name));
            match nth % 2 == 0 {
                true => fs::create_dir(path).expect("it can be made"),
                false => fs::write(path, "evil").expect("it can be written"),
            }
            count += 1;
        }
    }
    let is_evil = |text: &str| text.contains("evil") || text.contains('\u{1b}') || text.contains("-rf");
    for args in [
        &["status", "--offline"][..],
        &["consumers", "list"],
        &["consumers", "peek", "c"],
        &["consumers", "peek", "c", "--dead"],
        &["tail", "--no-follow"],
        &["prune", "--before", "2026-01-01"],
    ] {
        let output = hook(&sandbox).command(args).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(!is_evil(&said), "{args:?}: {said:?}");
    }
    hook(&sandbox).event(PAYLOAD.replace("Stop", "SessionEnd")).assert_silent();
    let mut consumer = spool.consumer("c").expect("a good name").open().expect("nobody has it");
    let delivered = consumer.drain().map(|delivery| delivery.and_then(|delivery| delivery.ack()));
    assert_eq!(delivered.collect::<Result<Vec<_>, _>>().expect("nothing is damaged").len(), 2);
    drop(consumer);
    let report = spool.report();
    assert_eq!((report.events, report.rejected, report.consumers.len()), (2, 0, 1));
    let left = evil_below(&sandbox.spool());
    assert_eq!(left, count, "what is not ours is left alone");
}

fn evil_below(folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let entry = entry.expect("it can be listed");
        count += usize::from(EVIL.contains(&entry.file_name().as_bytes()));
        if entry.file_type().expect("it is there").is_dir() {
            count += evil_below(&entry.path());
        }
    }
    count
}

/// Nothing that a payload or its surroundings say becomes part of a path.
#[test]
fn in_a_payload_they_are_text() {
    let sandbox = Sandbox::new();
    let spool = hook(&sandbox).spool();
    drop(spool.consumer("c").expect("a good name").open().expect("nobody has it"));
    let outside = fs::read_dir(sandbox.root()).expect("it can be listed").count();
    for evil in ["../../../evil", "/evil", "..", "a\\nb", "\\u0000", "~", ".new-evil"] {
        let payload = ["hook_event_name", "session_id", "agent_id", "turn_id", "tool_use_id", "cwd"]
            .map(|key| format!(r#""{key}":"{evil}""#))
            .join(",");
        let mut command = hook(&sandbox).command(["event"]);
        command.env("CODEX_HOOK_TAG", evil);
        codex_hook_tests::run(&mut command, format!("{{{payload}}}").as_bytes()).assert_silent();
    }
    assert_eq!(hook(&sandbox).events().len(), 7);
    assert_eq!(fs::read_dir(sandbox.root()).expect("it can be listed").count(), outside);
    for folder in ["journal", "consumers/c/queue"] {
        let names = fs::read_dir(sandbox.spool().join(folder)).expect("it can be listed");
        for name in names.map(|entry| entry.expect("it can be listed").file_name()) {
            let name = name.into_string().expect("it is text");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_hexdigit() || b"-.jsonx".contains(&byte)),
                "{name}"
            );
        }
    }
    for name in ["../c", "c/../c", "C", ".new-c", "~0123456789abcdef", "c\n", ""] {
        let output =
            hook(&sandbox).command(["tail", "--no-follow", "--consumer", name]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{name:?}: {output:?}");
    }
}
