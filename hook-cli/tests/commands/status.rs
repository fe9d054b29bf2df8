//! `hook status`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use codex_spool::{Capture, Spool};
use serde_json::Value;

use crate::home::Home;
use crate::support::*;

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
    let said = stdout(&output);
    assert!(said.starts_with("not active: nothing is installed\n"), "{said}");
    assert!(said.ends_with("\nRun `hook install --trust`.\n"), "{said}");
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

/// A home in which all is well: an old Codex, which asks for no trust, and a program for the hooks.
fn well() -> (Home, PathBuf) {
    let home = Home::new();
    program(&home, "codex", "echo codex-cli 0.116.0");
    let recorder = program(&home, "hook", "cat >/dev/null");
    assert!(
        hook(&home, &["install", "--command", &format!("{} event", recorder.display())]).status.success()
    );
    (home, recorder)
}

#[test]
fn what_is_well_is_told_in_a_few_lines() {
    let (home, _) = well();
    let output = hook(&home, &["status"]);
    let (dir, said) = (home.path(""), stdout(&output));
    let dir = dir.display().to_string();
    let dir = dir.trim_end_matches('/');
    assert!(output.status.success(), "{said}");
    let expected = [
        "active: all 12 hooks will run".to_owned(),
        format!("codex      0.116.0, {}/bin/codex, home {dir}", home.root().display()),
        format!("feature    Codex's hooks feature: on (set by {dir}/config.toml)"),
        format!("hooks      12 trusted, in {dir}/hooks.json"),
        format!("spool      {dir}/hook-spool: 0 events, last event: none yet"),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn one_event_is_no_events_and_a_consumer_says_what_it_has_to_do() {
    let (home, _) = well();
    let spool = Spool::open(home.path("hook-spool")).expect("opens");
    drop(spool.consumer("dashboard").expect("a name").open().expect("opens"));
    let tail = spool.ephemeral_consumer().open().expect("opens");
    spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now()).expect("records");
    let said = stdout(&hook(&home, &["status"]));
    assert!(said.contains("/hook-spool: 1 event, ") && said.contains(" bytes, last event: 20"), "{said}");
    assert!(said.contains("\nconsumer   dashboard: 1 event pending, the oldest of 20"), "{said}");
    assert!(said.contains(", not running\n") && !said.contains("0 "), "{said}");
    let named = format!("\nconsumer   a `hook tail` (pid {}): 1 event pending", std::process::id());
    assert!(said.contains(&named), "{said}");
    drop(tail);
}

#[test]
fn hooks_that_differ_are_named_and_those_alike_are_one_line() {
    let home = installed();
    let path = home.path("hooks.json").display().to_string();
    home.write(
        "config.toml",
        &format!("[hooks.state.'{path}:stop:0:0']\ntrusted_hash = 'x'\nenabled = false\n"),
    );
    let said = stdout(&hook(&home, &["status", "--offline"]));
    assert!(said.contains(&format!("1 disabled, in {path}: Stop\n")), "{said}");
    assert!(said.contains(&format!("11 untrusted, in {path}: SessionStart, SessionEnd, ")), "{said}");
    assert!(said.starts_with("not active: "), "{said}");
    assert!(
        said.ends_with("\nRun `hook install --trust`, or approve them in Codex's /hooks dialogue.\n"),
        "{said}"
    );
}

#[test]
fn hooks_whose_program_is_gone_are_not_active() {
    let (home, recorder) = well();
    let path = recorder.display().to_string();
    let check = || {
        let output = hook(&home, &["status", "--json"]);
        (output.status.code(), json(&output)["warnings"].to_string())
    };
    assert_eq!(check(), (Some(0), "[]".to_owned()));
    fs::set_permissions(&recorder, fs::Permissions::from_mode(0o644)).expect("sets");
    let (code, warnings) = check();
    assert!(
        code == Some(1) && warnings.contains(&path) && warnings.contains("hook install --trust"),
        "{warnings}"
    );
    fs::remove_file(&recorder).expect("removes");
    let (code, warnings) = check();
    assert!(code == Some(1) && warnings.contains(&path), "{warnings}");
    assert!(warnings.contains("install codex-hook again, then run `hook install --trust`"), "{warnings}");
    let said = stdout(&hook(&home, &["status"]));
    assert!(said.starts_with("not active: the program of the hooks is not there\n"), "{said}");
    assert_eq!(said.matches(&path).count(), 1, "said once: {said}");
}

#[test]
fn a_program_that_path_is_to_find_is_looked_for_there() {
    let home = Home::new();
    program(&home, "codex", "echo codex-cli 0.116.0");
    assert!(hook(&home, &["install", "--command", "hook event"]).status.success());
    let output = hook(&home, &["status"]);
    assert!(output.status.code() == Some(1) && stdout(&output).contains("not on PATH"), "{output:?}");
    program(&home, "hook", "cat >/dev/null");
    assert!(hook(&home, &["status"]).status.success());
    assert!(hook(&home, &["install", "--command", "X=1 \"$Y\"/my-recorder"]).status.success());
    assert!(hook(&home, &["status"]).status.success(), "what nobody can tell is not called ill");
}

#[test]
fn a_program_that_only_a_project_names_is_none_of_ours() {
    let (home, _) = well();
    let repo = home.root().join("repo");
    fs::create_dir_all(repo.join(".git")).expect("creates");
    let args = ["install", "--scope", "project", "--events", "Stop"];
    assert!(command(&home, &args).current_dir(&repo).output().expect("runs").status.success());
    // On a PATH that has Codex and nothing else.
    let bin = home.root().join("codex-bin");
    fs::create_dir(&bin).expect("creates");
    fs::rename(home.root().join("bin/codex"), bin.join("codex")).expect("renames");
    let output = command(&home, &["status"]).current_dir(&repo).env("PATH", &bin).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    let also =
        format!("also       in {}/.codex/hooks.json: Stop (recorded once all the same)\n", repo.display());
    assert!(stdout(&output).contains(&also), "{output:?}");
}

#[test]
fn a_setting_that_is_none_is_told_with_its_line() {
    let (home, _) = well();
    home.write("hook-spool/spool.toml", "# mine\nretention_day = 3\n");
    let output = hook(&home, &["status"]);
    assert!(output.status.success());
    let line = "spool.toml: line 2: retention_day is not a setting: did you mean retention_days?";
    assert!(stdout(&output).contains(line), "{output:?}");
}

#[test]
fn who_is_interrupted_leaves_no_codex_behind() {
    // It tells who it is, and who it has started, and hangs: at its version, or in the dialogue.
    for hangs_at in ["--version", "app-server"] {
        for signal in ["INT", "TERM"] {
            let home = Home::new();
            let pids = home.root().join("pids");
            let made = Command::new("mkfifo").arg(&pids).env("PATH", "/usr/bin:/bin").status().expect("runs");
            assert!(made.success());
            let script = format!(
                "if [ \"$1\" != {hangs_at} ]; then echo codex-cli 0.169.0; exit; fi\n\
                 trap '' INT TERM; /bin/sleep 600 & echo $$ $! > '{}'; wait; wait",
                pids.display()
            );
            program(&home, "codex", &script);
            let mut hook = command(&home, &["status"]).stdout(Stdio::null()).spawn().expect("starts");
            let pids = fs::read_to_string(&pids).expect("it tells");
            let kill = |flag: &str, pid: &str| {
                let mut kill = Command::new("/bin/kill");
                kill.args([flag, pid]).stderr(Stdio::null()).status().expect("runs").success()
            };
            assert!(kill(&format!("-{signal}"), &hook.id().to_string()));
            assert_eq!(hook.wait().expect("ends").code(), Some(130));
            for pid in pids.split_whitespace() {
                while is_running(pid) {
                    std::thread::yield_now();
                }
            }
        }
    }
}

/// Whether the process does anything: one that nobody has waited for does not.
fn is_running(pid: &str) -> bool {
    let state = Command::new("/bin/ps").args(["-o", "stat=", "-p", pid]).output().expect("runs");
    let state = stdout(&state);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}
