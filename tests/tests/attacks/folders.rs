//! Something else in the place of a folder of the spool. Only its owner can have put it there: a spool that others can
//! write to is refused. So a symbolic link is followed, as one to the spool itself is, and all else is an error.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use codex_hook_tests::{Sandbox, hook};
use codex_spool::Start;

use super::planted::{ALL, Planted, remove};

const FIRST: &str = r#"{"hook_event_name":"SessionStart","session_id":"s","cwd":"/"}"#;
const SECOND: &str = r#"{"hook_event_name":"Stop","session_id":"s","cwd":"/"}"#;

/// A spool with a consumer that has one event pending, and the folders in it.
fn spool(sandbox: &Sandbox) -> Vec<PathBuf> {
    let spool = hook(sandbox).spool();
    drop(spool.consumer("c").expect("a good name").open().expect("nobody has it"));
    hook(sandbox).event(FIRST).assert_silent();
    let dir = sandbox.spool();
    let days = fs::read_dir(dir.join("journal")).expect("it is there");
    let day = days.map(|day| day.expect("it can be listed").path()).next().expect("one day");
    let named = ["tmp", "journal", "consumers", "rejected", "consumers/c", "consumers/c/queue"];
    named.iter().map(|name| dir.join(name)).chain([day]).collect()
}

fn files_are_private(folder: &Path) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let entry = entry.expect("it can be listed");
        let meta = entry.metadata().expect("it is there");
        match meta.is_dir() {
            true => files_are_private(&entry.path()),
            false => assert_eq!(meta.mode() & 0o777, 0o600, "{}", entry.path().display()),
        }
    }
}

#[test]
fn a_symbolic_link_is_followed_and_what_is_behind_it_is_for_its_owner_alone() {
    for nth in 0..7 {
        let sandbox = Sandbox::new();
        let folder = spool(&sandbox).remove(nth);
        let elsewhere = sandbox.root().join("elsewhere");
        fs::rename(&folder, &elsewhere).expect("it is the same file system");
        symlink(&elsewhere, &folder).expect("it can be made");
        hook(&sandbox).event(SECOND).assert_silent();
        assert!(hook(&sandbox).event("no event").assert_refused().contains("kept in"));
        let consumer = hook(&sandbox).spool().consumer("c").expect("a good name").start(Start::Earliest);
        let delivered = consumer.open().expect("nobody has it").drain().filter_map(Result::ok).count();
        assert_eq!(delivered, 2, "{}", folder.display());
        files_are_private(&elsewhere);
    }
}

#[test]
fn anything_else_is_an_error_or_passed_over_and_nobody_waits() {
    for nth in 0..7 {
        for planted in ALL {
            if matches!(planted, Planted::Folder | Planted::Symlink) {
                continue;
            }
            let sandbox = Sandbox::new();
            let folder = spool(&sandbox).remove(nth);
            fs::rename(&folder, sandbox.root().join("away")).expect("it is the same file system");
            if !planted.at(&folder, &sandbox.root().join("nothing")) {
                continue;
            }
            let ran = hook(&sandbox).event(SECOND);
            let name = folder.strip_prefix(sandbox.spool()).expect("it is in the spool").to_owned();
            if !ran.status.success() {
                ran.assert_refused();
            }
            // What is behind a consumer or what was rejected is no condition of recording.
            let needed = name == Path::new("tmp") || name.starts_with("journal");
            assert!(!needed || !ran.status.success(), "{name:?} {planted:?}: {ran:?}");
            for args in
                [&["tail", "--no-follow"][..], &["consumers", "list"], &["status", "--offline"], &["prune"]]
            {
                hook(&sandbox).command(args).output().expect("it runs, and ends");
            }
            assert!(!sandbox.root().join("nothing").exists());
            remove(&folder);
        }
    }
}
