//! Disks that really are full, read-only, or out of reach, as far as this machine lets the tests have them; what it does
//! not is printed as skipped, which is a failure where `HOOK_TESTS_SKIP_NOTHING` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

use std::collections::BTreeSet;
use std::process::Command;

use codex_hook_tests::{Ran, hook_binary, run};
use serde_json::Value;

/// How to get a place for mounts of one's own: as root, as anybody, or as whoever may become root.
const NAMESPACES: [&[&str]; 3] = [
    &["unshare", "--mount"],
    &["unshare", "--user", "--map-root-user", "--mount"],
    &["sudo", "-n", "unshare", "--mount"],
];

/// Runs a script with mounts of its own: `$hook` is the program, `$disk` an empty folder, `event N` records an event and
/// says how that ended, `tail` has a consumer take what there is. `None`: this machine does not let us.
fn with_mounts(script: &str) -> Option<Ran> {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let prelude = r#"
        set -u
        hook=$1 disk=$2
        event() {
            printf '{"hook_event_name":"Stop","session_id":"%s","text":"%0900d"}' "$1" 0 |
                "$hook" event --spool-dir "$disk/spool" 2>"$disk/../stderr"
            echo "event $1 $? $(cat "$disk/../stderr")"
        }
        tail() { "$hook" tail --spool-dir "$disk/spool" --consumer a --no-follow --json "$@"; }
    "#;
    let is_possible = |namespace: &&&[&str]| {
        let mut command = Command::new(namespace[0]);
        command.args(&namespace[1..]).args(["mount", "-t", "tmpfs", "none"]).arg(home.path());
        command.output().is_ok_and(|output| output.status.success())
    };
    let namespace = NAMESPACES.iter().find(is_possible)?;
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder can be made");
    let mut command = Command::new(namespace[0]);
    command.args(&namespace[1..]).args(["sh", "-c", &format!("{prelude}{script}"), "sh"]);
    command.arg(hook_binary()).arg(&disk).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Some(run(&mut command, b""))
}

fn skip(what: &str) {
    println!("skipped: {what}: this machine lets us mount nothing");
    assert!(std::env::var_os("HOOK_TESTS_SKIP_NOTHING").is_none(), "nothing may be skipped here");
}

/// What a script has said.
struct Said {
    recorded: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// What a consumer was given.
    given: BTreeSet<u64>,
}

/// Nothing but what the script is to say; each refusal says `remedy`.
#[track_caller]
fn said(ran: &Ran, remedy: &str) -> Said {
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}\n{}", ran.lines().join("\n"), ran.stderr);
    let mut said = Said { recorded: BTreeSet::new(), refused: BTreeSet::new(), given: BTreeSet::new() };
    for line in ran.lines() {
        if let Some(event) = line.strip_prefix("event ") {
            let words: Vec<&str> = event.splitn(3, ' ').collect();
            let number = words[0].parse().expect("a number");
            match words[1] {
                "0" => {
                    assert_eq!(words[2], "", "{line}");
                    said.recorded.insert(number);
                }
                "1" => {
                    assert!(words[2].starts_with("hook: ") && words[2].contains(remedy), "{line}");
                    said.refused.insert(number);
                }
                _ => panic!("{line}"),
            }
        } else {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            let number = record["payload"]["session_id"].as_str().and_then(|number| number.parse().ok());
            assert!(said.given.insert(number.expect("one of ours")), "twice: {line}");
        }
    }
    said
}

impl Said {
    /// What was recorded was given; of what was refused, some may have been.
    #[track_caller]
    fn assert_nothing_lost(&self) {
        assert!(self.recorded.is_subset(&self.given), "lost: {:?}", self.recorded.difference(&self.given));
        let known = &self.recorded | &self.refused;
        assert!(self.given.is_subset(&known), "from nowhere: {:?}", self.given.difference(&known));
    }
}

#[test]
fn a_disk_that_fills_up_refuses_and_loses_nothing() {
    for limit in ["size=256k", "nr_inodes=60"] {
        let ran = with_mounts(&format!(
            r#"
            mount -t tmpfs -o mode=700,{limit} none "$disk" || exit 9
            event 0
            tail --from earliest
            n=0; failed=0
            while [ $failed -lt 10 ]; do
                n=$((n + 1)) said=$(event $n); echo "$said"
                case $said in "event $n 0 "*) ;; *) failed=$((failed + 1)) ;; esac
            done
            # A week later.
            rm -r "$disk"/spool/journal/*
            tail
            event 1000
            tail
            "#
        ));
        let Some(ran) = ran else { return skip("a full disk") };
        let said = said(&ran, "free some space");
        assert!(said.recorded.len() > 10 && said.refused.len() == 10, "{limit}: {ran:?}");
        assert!(said.recorded.contains(&1000), "{limit}: it does not go on: {ran:?}");
        said.assert_nothing_lost();
    }
}

#[test]
fn a_disk_that_becomes_read_only_refuses_and_loses_nothing() {
    let ran = with_mounts(
        r#"
        mount -t tmpfs -o mode=700 none "$disk" || exit 9
        event 0
        tail --from earliest
        mount -o remount,ro "$disk" || exit 9
        event 2
        mount -o remount,rw "$disk" || exit 9
        event 3
        mount --bind "$disk/spool/consumers/a/queue" "$disk/spool/consumers/a/queue" || exit 9
        mount -o remount,bind,ro "$disk/spool/consumers/a/queue" || exit 9
        event 4
        umount "$disk/spool/consumers/a/queue" || exit 9
        tail
        "#,
    );
    let Some(ran) = ran else { return skip("a disk that is read-only") };
    let said = said(&ran, "");
    assert_eq!((said.recorded.len(), said.refused.len()), (2, 2), "{ran:?}");
    // One is read-only, the other, as a mount of its own, another file system.
    let told: Vec<&str> = ran.lines().into_iter().filter(|line| line.contains("hook: ")).collect();
    assert!(told[0].contains("make it writable, or name another spool directory"), "{ran:?}");
    assert!(told[1].contains("recorded, but not yet in every queue"), "{ran:?}");
    assert_eq!(said.given, BTreeSet::from([0, 3, 4]), "{ran:?}");
}

/// Any user may have too few files open.
#[test]
fn a_writer_that_may_open_no_file_refuses_and_loses_nothing() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let spool = home.path().join("spool");
    let hook = |script: &str, stdin: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(hook_binary()).arg(&spool).env_clear();
        run(&mut command, stdin.as_bytes())
    };
    let tail = |more: &str| {
        hook(&format!(r#""$0" tail --spool-dir "$1" --consumer a --no-follow --json {more}"#), "")
    };
    hook(r#""$0" event --spool-dir "$1""#, r#"{"hook_event_name":"Stop"}"#).assert_silent();
    assert_eq!(tail("--from earliest").assert_printed().len(), 1);
    let mut codes = BTreeSet::new();
    let mut recorded = 0;
    // With three of them not even a program can be loaded.
    for files in 4..12 {
        let payload = format!(r#"{{"hook_event_name":"Stop","session_id":"{files}"}}"#);
        let ran = hook(&format!(r#"ulimit -n {files}; "$0" event --spool-dir "$1""#), &payload);
        match ran.status.code() {
            Some(0) => ran.assert_silent(),
            _ => assert!(ran.assert_refused().contains("os error 24"), "{ran:?}"),
        }
        recorded += usize::from(ran.status.success());
        codes.insert(ran.status.code());
    }
    assert_eq!(codes, BTreeSet::from([Some(0), Some(1)]));
    assert_eq!(tail("").assert_printed().len(), recorded);
}
