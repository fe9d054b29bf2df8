//! What is kept, and by whom it can be seen.

use state_dir::{Error, StateDir};
use tempfile::TempDir;

fn state() -> (TempDir, StateDir) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let state = StateDir::open(Some(dir.path().join("a/b")), "unused").expect("it is made");
    (dir, state)
}

#[test]
fn what_was_written_last_is_read_and_what_a_kill_has_left_is_not() {
    let (_dir, state) = state();
    assert_eq!(state.read::<u64>("one.json").expect("read"), None);
    assert!(state.read_all::<u64>("folder").expect("read").is_empty());
    for value in [1, 2] {
        state.write("folder/one.json", &value).expect("written");
    }
    std::fs::write(state.join("folder/.new-abc"), "torn").expect("written");
    assert_eq!(state.read_all::<u64>("folder").expect("read"), [2]);
    std::fs::write(state.join("folder/one.json"), "torn").expect("written");
    assert!(matches!(state.read_all::<u64>("folder"), Err(Error::Damaged { .. })));
}

#[test]
fn a_lock_is_one_holders_until_that_drops_it() {
    let (_dir, state) = state();
    let held = state.lock("lock").expect("locked");
    assert!(state.try_lock("lock").expect("asked").is_none());
    drop(held);
    assert!(state.try_lock("lock").expect("asked").is_some());
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_enter_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, state) = state();
    state.write("folder/one.json", &1).expect("written");
    for (name, mode) in [(".", 0o700), ("folder", 0o700), ("folder/one.json", 0o600)] {
        let metadata = std::fs::metadata(state.join(name)).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}
