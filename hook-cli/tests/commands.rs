//! The commands as people and scripts use them.

#![cfg(unix)]

mod home;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use home::{COMMAND, Home};
use serde_json::Value;

/// Runs `hook-cli` with an environment of its own: nothing on PATH but what the test puts into `bin`.
fn hook(home: &Home, args: &[&str]) -> Output {
    command(home, args).output().expect("runs")
}

fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hook-cli"));
    command.args(args).env_clear().current_dir(home.root()).stdin(Stdio::null());
    command.env("CODEX_HOME", home.path("")).env("HOME", home.root()).env("PATH", home.root().join("bin"));
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A program on the test's PATH.
fn program(home: &Home, name: &str, script: &str) -> PathBuf {
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).expect("creates");
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("sets");
    path
}

/// Where a spool keeps an event.
const DAY: &str = "journal/2026-11-21";
const ID: &str = "0123456789abcdef0123456789abcdef";

fn installed() -> Home {
    let home = Home::new();
    assert!(hook(&home, &["install", "--command", COMMAND]).status.success());
    home
}

#[test]
fn install_tells_scripts_what_it_did() {
    let home = Home::new();
    let output = hook(&home, &["install", "--command", COMMAND, "--events", "core", "--json"]);
    let report = json(&output);
    assert!(output.status.success());
    let names = ["changed", "command", "events", "files", "format", "next", "trust"];
    assert_eq!(keys(&report), names);
    assert_eq!(report["format"], 1);
    assert_eq!(report["changed"], true);
    assert_eq!(report["command"], COMMAND);
    assert_eq!(report["events"].as_array().expect("a list").len(), 6);
    assert_eq!(report["trust"], "needed");
    assert_eq!(report["files"][0]["action"], "created");
    assert_eq!(report["files"][0]["path"], home.path("hooks.json").display().to_string());
    let again = json(&hook(&home, &["install", "--command", COMMAND, "--events", "core", "--json"]));
    assert_eq!(again["changed"], false);
    assert_eq!(again["trust"], "unknown");
    assert_eq!(again["files"][1]["action"], "unchanged");
}

#[test]
fn install_ends_by_saying_what_is_still_to_be_done() {
    let home = Home::new();
    let said = stdout(&hook(&home, &["install", "--command", COMMAND]));
    assert!(said.contains("hook install --trust"), "{said}");
    assert!(said.contains("keep their old hooks until they are restarted"), "{said}");
}

#[test]
fn without_trust_hooks_are_not_active_and_status_says_so() {
    let home = installed();
    let output = hook(&home, &["status", "--offline", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let status = json(&output);
    let names = [
        "active",
        "also_registered",
        "codex",
        "consumers",
        "feature",
        "format",
        "hooks",
        "spool",
        "warnings",
    ];
    assert_eq!(keys(&status), names);
    assert_eq!(status["active"], false);
    assert_eq!(status["codex"], Value::Null);
    assert_eq!(status["feature"]["enabled"], true);
    assert_eq!(status["feature"]["set_by"], home.path("config.toml").display().to_string());
    let hooks = status["hooks"].as_array().expect("a list");
    assert_eq!(hooks.len(), 12);
    for hook in hooks {
        assert_eq!(keys(hook), ["event", "index", "source", "state"]);
        assert_eq!((&hook["state"], &hook["index"]), (&"untrusted".into(), &"0:0".into()));
    }
    let spool = ["bytes", "dir", "events", "last_event_at", "recovering", "rejected"];
    assert_eq!(keys(&status["spool"]), spool);
}

#[test]
fn nothing_installed_is_absent() {
    let home = Home::new();
    let output = hook(&home, &["status", "--offline"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("absent") && stdout(&output).contains("Run `hook install`"));
    assert!(home.files().is_empty(), "looking changes nothing");
}

#[test]
fn every_other_place_is_shown() {
    let home = installed();
    let repo = home.root().join("repo");
    fs::create_dir_all(repo.join(".git")).expect("creates");
    let args = ["install", "--scope", "project", "--events", "Stop"];
    assert!(command(&home, &args).current_dir(&repo).output().expect("runs").status.success());
    let project = repo.join(".codex/hooks.json");
    assert!(fs::read_to_string(&project).expect("there").contains("\"hook event\""));
    let output =
        command(&home, &["status", "--offline", "--json"]).current_dir(&repo).output().expect("runs");
    let also = &json(&output)["also_registered"];
    assert_eq!(also, &serde_json::json!([{"source": project, "event": "Stop"}]));
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let home = Home::with(&[("config.toml", "x = 1\n")]);
    let before = home.files();
    let output = hook(&home, &["install", "--command", COMMAND, "--dry-run"]);
    let said = stdout(&output);
    assert!(output.status.success());
    assert!(said.contains("--- /dev/null") && said.contains("+hooks = true"), "{said}");
    assert!(!said.contains('\x1b'), "no colours into a pipe");
    assert_eq!(home.files(), before);
    assert!(
        stdout(&hook(&installed(), &["install", "--command", COMMAND, "--dry-run"]))
            .contains("nothing to change")
    );
}

#[test]
fn what_to_add_by_hand_can_be_printed() {
    let home = Home::new();
    let said = stdout(&hook(&home, &["install", "--command", COMMAND, "--print"]));
    assert!(said.contains(COMMAND) && said.contains("[features]\nhooks = true"), "{said}");
    assert!(home.files().is_empty());
}

#[test]
fn an_error_is_one_line_that_ends_with_the_remedy() {
    let home = Home::with(&[("hooks.json", "{\n \"hooks\": {},\n}")]);
    let output = hook(&home, &["install", "--command", COMMAND]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let place = format!("{}:3:1", home.path("hooks.json").display());
    assert_eq!(
        said,
        format!("hook: Codex refuses this file (a trailing comma): {place}: remove the comma before this\n")
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_wrong_command_line_is_usage() {
    let home = Home::new();
    assert_eq!(hook(&home, &["install", "--events", "Nope"]).status.code(), Some(2));
    assert_eq!(hook(&home, &["install", "--no-such-option"]).status.code(), Some(2));
    let relative = hook(&home, &["install", "--command", COMMAND, "--spool-dir", "relative"]);
    assert_eq!(relative.status.code(), Some(1));
    let nowhere = hook(&home, &["install", "--scope", "project"]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("no repository"));
}

#[test]
fn event_never_ends_with_2_which_would_stop_codex() {
    let home = Home::new();
    for args in [&["event", "--foo"][..], &["event", "x", "y"], &["event", "--spool-dir"], &["event"]] {
        let output = hook(&home, args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.starts_with("hook: hook-cli does not record events: ") && said.lines().count() == 1);
        assert!(output.stdout.is_empty());
    }
    assert!(hook(&home, &["event", "--help"]).status.success());
}

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

fn command_with_tools(home: &Home, args: &[&str]) -> Output {
    let path = format!("{}:/usr/bin:/bin", home.root().join("bin").display());
    command(home, args).env("PATH", path).output().expect("runs")
}

#[test]
fn a_codex_that_does_not_answer_leaves_the_install_standing() {
    let home = Home::new();
    program(&home, "codex", "[ \"$1\" = --version ] && echo codex-cli 0.169.0");
    let output = hook(&home, &["install", "--command", COMMAND, "--trust"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.starts_with("hook: codex app-server ended"), "{said}");
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    let none = hook(&installed(), &["install", "--command", COMMAND, "--trust"]);
    let said = String::from_utf8(none.stderr).expect("UTF-8");
    assert!(said.starts_with("hook: there is no codex"), "{said}");
}

#[test]
fn an_old_codex_gets_the_switch_that_it_knows_and_needs_no_trust() {
    let home = Home::new();
    program(&home, "codex", "echo codex-cli 0.116.0");
    let report = json(&hook(&home, &["install", "--command", COMMAND, "--trust", "--json"]));
    assert_eq!(report["trust"], "not_applicable");
    assert_eq!(home.read("config.toml"), "[features]\ncodex_hooks = true\n");
    assert!(hook(&home, &["status"]).status.success());
    assert!(hook(&home, &["uninstall"]).status.success());
    assert!(home.files().is_empty());
}

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
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("the consumer dashboard is running, process 1")
    );
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
fn a_spool_elsewhere_is_named_in_the_command_and_found_again() {
    let home = Home::new();
    let spool = home.root().join("my spool");
    let own = PathBuf::from(env!("CARGO_BIN_EXE_hook-cli"));
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).expect("creates");
    for name in ["hook", "hook-cli"] {
        fs::copy(&own, bin.join(name)).expect("copies");
    }
    let run = |args: &[&str]| {
        let mut run = Command::new(bin.join("hook-cli"));
        run.args(args)
            .env_clear()
            .env("CODEX_HOME", home.path(""))
            .env("PATH", &bin)
            .current_dir(home.root());
        run.output().expect("runs")
    };
    let output = run(&["install", "--spool-dir", &spool.display().to_string()]);
    assert!(output.status.success(), "{output:?}");
    let command = format!("{}/hook event --spool-dir '{}'", bin.display(), spool.display());
    assert_eq!(home.read("hooks.json").matches(&command).count(), 12);
    assert!(spool.join("install.json").exists() && !home.path("hook-spool").exists());
    let status = json(&run(&["status", "--offline", "--json"]));
    assert_eq!(status["spool"]["dir"], spool.display().to_string());
    assert!(run(&["uninstall"]).status.success());
    assert!(home.files().is_empty() && !spool.exists());
}

#[test]
fn what_is_not_said_stays_as_it_was() {
    let home = Home::new();
    hook(&home, &["install", "--command", "nice my-recorder", "--events", "core"]);
    let before = home.files();
    let report = json(&hook(&home, &["install", "--json"]));
    assert_eq!(report["changed"], false, "{report}");
    assert_eq!(home.files(), before);
    let report = json(&hook(&home, &["install", "--json", "--events", "default"]));
    assert_eq!(report["events"].as_array().expect("a list").len(), 12);
    assert_eq!(report["command"], "nice my-recorder");
}

#[test]
fn a_full_disk_leaves_the_old_files_whole() {
    let script = r#"
        set -e
        mount -t tmpfs -o size=64k tmpfs "$HOME/codex"
        printf '{"hooks":{}}' > "$HOME/codex/hooks.json"
        printf 'x = 1' > "$HOME/codex/config.toml"
        head -c 1000000 /dev/zero > "$HOME/codex/ballast" 2>/dev/null || true
        mkdir "$HOME/spool"
        "$HOOK" install --command "/opt/bin/hook event" --spool-dir "$HOME/spool" 2> "$HOME/stderr" && exit 9
        printf '%s %s' "$(cat "$HOME/codex/hooks.json")" "$(cat "$HOME/codex/config.toml")"
        ls -A "$HOME/codex" | tr '\n' ' '
    "#;
    let home = Home::new();
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .env("HOME", home.root())
        .env("CODEX_HOME", home.path(""))
        .env("HOOK", env!("CARGO_BIN_EXE_hook-cli"))
        .output();
    // Where a test may not mount anything, it can't show this.
    let Some(output) = output.ok().filter(|output| output.status.success()) else { return };
    let said = fs::read_to_string(home.root().join("stderr")).expect("there");
    assert!(said.contains("the old file is whole"), "{said}");
    assert_eq!(stdout(&output), "{\"hooks\":{}} x = 1ballast config.toml hooks.json ");
}

#[test]
fn what_codex_may_have_been_told_to_run_never_ends_with_2() {
    let home = Home::new();
    for args in [&["event", "--foo"][..], &["--spool-dir", "/x", "event"], &["--foo", "event", "--bar"]] {
        let output = hook(&home, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(hook(&home, &["tail", "--foo"]).status.code(), Some(2));
}
