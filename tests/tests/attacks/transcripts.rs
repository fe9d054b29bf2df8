//! `transcript_path` names a file of whoever's: only its length is asked for, and it is never opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codex_hook_tests::{Sandbox, hook};
use serde_json::json;

use super::planted::{ALL, Planted};

/// The position that an event has whose transcript is there.
#[track_caller]
fn position(sandbox: &Sandbox, transcript: &Path) -> Option<u64> {
    let payload = json!({"hook_event_name": "Stop", "session_id": "s", "transcript_path": transcript});
    hook(sandbox).event(payload.to_string()).assert_silent();
    hook(sandbox).events().pop().expect("an event").position()
}

#[test]
fn what_is_no_regular_file_has_no_position_and_nobody_waits_for_it() {
    for planted in ALL {
        let sandbox = Sandbox::new();
        let (transcript, target) = (sandbox.root().join("transcript"), sandbox.root().join("target"));
        fs::write(&target, "12345").expect("the sandbox can be written to");
        if planted.at(&transcript, &target) {
            let expected = (planted == Planted::Symlink).then_some(5);
            assert_eq!(position(&sandbox, &transcript), expected, "{planted:?}");
        }
    }
    for path in
        ["/dev/zero", "/dev/tty", "/proc/self/mem", "/", "/root/.ssh/id_rsa/none", "relative", "", "/\0"]
    {
        let sandbox = Sandbox::new();
        let position = position(&sandbox, Path::new(path));
        assert!(position.is_none() || path == "/proc/self/mem", "{path}: {position:?}");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn it_is_never_opened_not_even_where_that_could_be_done() {
    use codex_hook_tests::trace::Tracee;
    let sandbox = Sandbox::new();
    let transcript = sandbox.root().join("rollout.jsonl");
    fs::write(&transcript, "12345").expect("the sandbox can be written to");
    fs::set_permissions(&transcript, fs::Permissions::from_mode(0o000)).expect("it is ours");
    let payload =
        json!({"hook_event_name": "Stop", "session_id": "s", "transcript_path": transcript}).to_string();
    let tracee = Tracee::start(&mut hook(&sandbox).command(["event"]), payload.as_bytes());
    let calls = tracee.calls();
    let on_it: Vec<&str> = calls
        .iter()
        .filter(|call| call.paths.iter().any(|path| path.ends_with("rollout.jsonl")))
        .map(|call| call.name)
        .collect();
    assert!(!on_it.is_empty(), "its length is asked for: {calls:?}");
    assert!(on_it.iter().all(|name| matches!(*name, "stat" | "statx" | "newfstatat")), "{on_it:?}");
    assert_eq!(hook(&sandbox).events()[0].position(), Some(5));
}
