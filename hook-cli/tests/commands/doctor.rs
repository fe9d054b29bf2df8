//! `hook doctor`.

use std::fs;

use crate::home::Home;
use crate::support::*;

#[test]
fn doctor_explains_a_file_that_codex_would_refuse() {
    let home = installed();
    home.write("hooks.json", "{\"hooks\": {} /* mine */}");
    let output = hook(&home, &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!(keys(&report), ["checks", "format", "ok"]);
    let checks = report["checks"].as_array().expect("a list");
    let files = checks.iter().find(|check| check["name"] == "files").expect("a check");
    assert_eq!(files["status"], "fail");
    assert!(files["detail"].as_str().expect("text").contains("hooks.json:1:14"), "{files}");
    assert_eq!(files["remedy"], "remove it: hooks.json is strict JSON");
}

#[test]
fn doctor_runs_the_command_as_codex_does() {
    let home = Home::new();
    let record = format!("mkdir -p \"$3/{DAY}\" && cat > \"$3/{DAY}/{ID}.json\"");
    let check = |script: &str| {
        let recorder = program(&home, "hook", script);
        let command = format!("{} event", recorder.display());
        // Nothing but builtins and absolute paths: the shell's PATH is the test's.
        assert!(hook(&home, &["install", "--command", &command]).status.success());
        let report = json(&command_with_tools(&home, &["doctor", "--json"]));
        let checks = report["checks"].as_array().expect("a list").clone();
        checks.into_iter().find(|check| check["name"] == "command").expect("a check")
    };
    let well = check(&record);
    assert_eq!(well["status"], "ok", "{well}");
    assert!(well["detail"].as_str().expect("text").contains("of it the shell"), "{well}");
    for (script, fault) in [
        ("cat >/dev/null; exit 3", "it exits 3"),
        ("cat >/dev/null", "recorded nothing"),
        ("cat", "prints to stdout"),
    ] {
        let ill = check(script);
        assert_eq!(ill["status"], "fail");
        assert!(ill["detail"].as_str().expect("text").contains(fault), "{ill}");
    }
    let mut days = fs::read_dir(home.path("hook-spool/journal")).expect("the spool is there");
    assert!(days.next().is_none(), "the trial has a spool of its own");
}
