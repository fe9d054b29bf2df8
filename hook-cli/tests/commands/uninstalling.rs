//! `hook uninstall`.

use std::fs;
use std::io::Write;

use crate::home::{COMMAND, Home};
use crate::support::*;

#[test]
fn a_purge_asks_first_and_only_removes_a_spool() {
    let home = installed();
    fs::create_dir_all(home.path("hook-spool").join(DAY)).expect("creates");
    home.write(&format!("hook-spool/{DAY}/{ID}.json"), "{}");
    let unasked = hook(&home, &["uninstall", "--purge"]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(home.path("hooks.json").exists(), "nothing was done");
    let said = stdout(&hook(&home, &["uninstall", "--purge", "--yes", "--dry-run"]));
    assert!(said.contains("1 event (2 bytes)"), "{said}");

    let lock = home.path("hook-spool/consumers/dashboard/lock");
    fs::create_dir_all(lock.parent().expect("a parent")).expect("creates");
    let mut held = fs::File::create(&lock).expect("creates");
    held.lock().expect("locks");
    held.write_all(b"{\"pid\":1}").expect("writes");
    let refused = hook(&home, &["uninstall", "--purge", "--yes"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the consumer dashboard (pid 1) is running"));
    assert!(home.path("hooks.json").exists());
    drop(held);
    assert!(hook(&home, &["uninstall", "--purge", "--yes"]).status.success());
    assert!(home.files().is_empty(), "{:?}", home.files());
    assert!(!home.path("hook-spool").exists());

    fs::create_dir(home.path("hook-spool")).expect("creates");
    home.write("hook-spool/mine", "x");
    let foreign = hook(&home, &["uninstall", "--purge", "--yes"]);
    assert!(String::from_utf8_lossy(&foreign.stderr).contains("no spool directory"));
    assert_eq!(home.read("hook-spool/mine"), "x");
}

#[test]
fn what_is_not_there_cannot_be_taken_away_and_that_is_all_that_is_said() {
    let home = Home::with(&[("config.toml", "x = 1\n")]);
    let nothing = format!("nothing of ours is installed in {}\n", home.path("").display());
    let nothing = nothing.replace("/\n", "\n");
    for args in [&["uninstall"][..], &["uninstall", "--dry-run"], &["uninstall", "--purge", "--dry-run"]] {
        let output = hook(&home, args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(stdout(&output), nothing, "{args:?}");
    }
    fs::create_dir_all(home.path("hook-spool")).expect("creates");
    drop(codex_spool::Spool::open(home.path("hook-spool")).expect("opens"));
    let said = stdout(&hook(&home, &["uninstall", "--purge", "--dry-run"]));
    assert!(said.starts_with("would remove ") && said.lines().count() == 1, "{said}");
    assert!(hook(&home, &["uninstall", "--purge"]).status.success());
    assert!(!home.path("hook-spool").exists());
}

#[test]
fn what_is_as_it_was_is_called_restored() {
    let home = Home::with(&[("config.toml", "x = 1\n"), ("hooks.json", "{}")]);
    assert!(hook(&home, &["install", "--command", COMMAND]).status.success());
    let said = stdout(&hook(&home, &["uninstall"]));
    for name in ["hooks.json", "config.toml"] {
        assert!(said.contains(&format!("restored  {}\n", home.path(name).display())), "{said}");
    }
    assert!(!said.contains("The events stay"), "there are none: {said}");

    assert!(hook(&home, &["install", "--command", COMMAND]).status.success());
    home.write("config.toml", &(home.read("config.toml") + "y = 2\n"));
    let report = json(&hook(&home, &["uninstall", "--json"]));
    assert_eq!(report["files"][0]["action"], "restored");
    assert_eq!(report["files"][1]["action"], "updated", "others have written there: {report}");
}

#[test]
fn a_purge_goes_where_the_hooks_send_their_events() {
    let home = Home::new();
    let elsewhere = home.root().join("elsewhere");
    let command = format!("/opt/bin/hook event --spool-dir {}", elsewhere.display());
    let spool = codex_spool::Spool::open(&elsewhere).expect("opens");
    spool.record(br#"{"hook_event_name":"Stop"}"#, &codex_spool::Capture::now()).expect("records");
    assert!(hook(&home, &["install", "--command", &command]).status.success());
    let said = stdout(&hook(&home, &["uninstall"]));
    assert!(said.contains(&format!("The events stay in {}", elsewhere.display())), "{said}");
    assert!(hook(&home, &["install", "--command", &command]).status.success());
    assert!(hook(&home, &["uninstall", "--purge", "--yes"]).status.success());
    assert!(!elsewhere.exists());
}

#[test]
fn a_purge_that_is_not_wanted_changes_nothing() {
    let home = installed();
    codex_spool::Spool::open(home.path("hook-spool"))
        .and_then(|spool| spool.record(br#"{"hook_event_name":"Stop"}"#, &codex_spool::Capture::now()))
        .expect("records");
    let before = home.files();
    let Some((code, said)) = at_a_terminal(&home, "uninstall --purge", b"n\n") else { return };
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("nothing was removed: the hooks and the spool stay as they are\n"), "{said}");
    assert_eq!(home.files(), before);

    let output = hook(&home, &["uninstall", "--purge"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.ends_with("add --yes, or call it at a terminal, where it asks\n"), "{said}");
}

#[test]
fn a_purge_of_a_spool_without_events_asks_as_well_and_tells_what_it_did() {
    let home = installed();
    let before = home.files();
    let Some((code, said)) = at_a_terminal(&home, "uninstall --purge", b"n\n") else { return };
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("nothing was removed: the hooks and the spool stay as they are\n"), "{said}");
    assert_eq!(home.files(), before);

    let (code, said) = at_a_terminal(&home, "uninstall --purge", b"y\n").expect("there is `script`");
    assert_eq!(code, Some(0), "{said}");
    for name in ["hooks.json", "config.toml", "hook-spool"] {
        assert!(said.contains(&format!("removed   {}", home.path(name).display())), "{said}");
        assert!(!home.path(name).exists(), "{said}");
    }
}

#[test]
fn the_end_of_input_is_no_answer_and_ends_the_line_of_the_question() {
    let home = installed();
    let Some((code, said)) = at_a_terminal(&home, "uninstall --purge", b"\x04") else { return };
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("[y/N] ") && said.contains("\nnothing was removed"), "{said}");
}

#[test]
fn who_looks_on_is_named_by_what_it_is() {
    let home = installed();
    let spool = codex_spool::Spool::open(home.path("hook-spool")).expect("opens");
    let tail = spool.ephemeral_consumer().open().expect("opens");
    let output = hook(&home, &["uninstall", "--purge", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let who = format!("hook: a `hook tail` (pid {}) is running: ", std::process::id());
    assert!(said.starts_with(&who) && !said.contains('~'), "{said}");
    drop(tail);
}

#[test]
fn what_is_not_known_any_more_is_never_called_restored() {
    for install_again in [false, true] {
        let home = installed();
        fs::remove_dir_all(home.path("hook-spool")).expect("removes");
        if install_again {
            let said = stdout(&hook(&home, &["install", "--command", COMMAND]));
            assert!(said.contains("not known any more"), "{said}");
        }
        let status = json(&hook(&home, &["status", "--offline", "--json"]));
        let warned = |warning: &serde_json::Value| warning.to_string().contains("not known any more");
        assert!(status["warnings"].as_array().expect("a list").iter().any(warned), "{status}");
        let said = stdout(&hook(&home, &["uninstall"]));
        assert!(said.contains(&format!("removed   {}\n", home.path("hooks.json").display())), "{said}");
        assert!(!said.contains("restored"), "{said}");
        assert!(said.contains("config.toml keeps `[features] hooks = true`"), "{said}");
        assert!(!home.path("hooks.json").exists());
        assert_eq!(home.read("config.toml"), "[features]\nhooks = true\n");
    }
}

#[test]
fn groups_of_others_stay_where_nothing_is_known_any_more() {
    let others = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "other"}]}]}}"#;
    let home = Home::with(&[("hooks.json", others)]);
    assert!(hook(&home, &["install", "--command", COMMAND]).status.success());
    fs::remove_dir_all(home.path("hook-spool")).expect("removes");
    let said = stdout(&hook(&home, &["uninstall"]));
    assert!(said.contains(&format!("updated   {}\n", home.path("hooks.json").display())), "{said}");
    assert!(home.read("hooks.json").contains("other") && !home.read("hooks.json").contains(COMMAND));
}
