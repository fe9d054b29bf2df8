//! `hook status`.

use std::fs;

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
