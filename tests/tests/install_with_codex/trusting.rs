//! What is installed runs once it is trusted, and what others have installed goes on running.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codex_hook::install::{Codex, install, trust};
use codex_hook_tests::{EVENTS, Hooks};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn after_install_and_trust_every_event_of_a_turn_is_recorded() {
    let sandbox = sandbox();
    let (code, report) = told(&sandbox, &["install", "--trust"]);
    assert_eq!((code, &report["trust"]), (0, &json!("trusted")), "{report}");
    assert_eq!(report["command"], format!("{} event", sandbox.bin().join("hook").display()));
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()));

    said(&sandbox, &["install", "--trust", "--events", "all"]);
    turn(&sandbox);
    let second = &recorded(&sandbox)[TURN.len()..];
    let model = ["PreModelRequest", "PostModelRequest"];
    let expected = [&TURN[..2], &model, &TURN[2..4], &model, &TURN[4..]].concat();
    assert_eq!(second, expected);
}

#[test]
fn what_nobody_has_trusted_is_called_so_until_codex_is_told() {
    let sandbox = sandbox();
    let (code, report) = told(&sandbox, &["install"]);
    assert_eq!((code, &report["trust"]), (0, &json!("needed")));
    let (code, status) = told(&sandbox, &["status"]);
    assert_eq!((code, &status["active"]), (1, &json!(false)));
    assert_eq!(of_each(&status["hooks"], "state"), ["untrusted"; DEFAULT]);
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), [""; 0], "Codex runs none, and says nothing");

    sandbox.app().trust();
    let (code, status) = told(&sandbox, &["status"]);
    assert_eq!((code, &status["active"]), (0, &json!(true)));
    assert_eq!(of_each(&status["hooks"], "state"), ["trusted"; DEFAULT]);
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
}

#[test]
fn foreign_hooks_stay_trusted_and_run_whatever_we_do() {
    for ours_between in [false, true] {
        let sandbox = sandbox();
        let mut hooks = Hooks::new(foreign(&sandbox, "a"));
        if ours_between {
            hooks = hooks.and("/old/place/hook event");
        }
        let hooks = hooks.and(foreign(&sandbox, "b")).and(foreign(&sandbox, "c"));
        sandbox.write_hooks(&hooks);
        sandbox.app().trust_where(|hook| hook["command"].as_str().is_some_and(|c| c.contains("dump.sh")));
        let config = read(&sandbox.codex_home().join("config.toml"));
        assert_foreign_hooks_run(&sandbox, 3);
        assert_eq!(recorded(&sandbox), [""; 0]);

        said(&sandbox, &["install", "--trust", "--events", "all"]);
        assert_foreign_hooks_run(&sandbox, 3);
        let after_one = recorded(&sandbox).len();
        assert!(after_one > TURN.len());

        let before = stamps(&sandbox);
        assert_eq!(told(&sandbox, &["install"]).1["changed"], false);
        assert_eq!(stamps(&sandbox), before, "nothing is written");
        assert_foreign_hooks_run(&sandbox, 3);
        assert_eq!(recorded(&sandbox).len(), 2 * after_one);

        if !ours_between {
            let installed = fs::read(sandbox.codex_home().join("hooks.json")).expect("it is there");
            said(&sandbox, &["uninstall"]);
            assert_eq!(read(&sandbox.codex_home().join("hooks.json")), hooks.to_json());
            assert_eq!(read(&sandbox.codex_home().join("config.toml")), config);
            assert_foreign_hooks_run(&sandbox, 3);
            said(&sandbox, &["install", "--trust", "--events", "all"]);
            assert_eq!(fs::read(sandbox.codex_home().join("hooks.json")).expect("it is there"), installed);
        }

        // Somebody adds one behind ours.
        let path = sandbox.codex_home().join("hooks.json");
        let mut json: Value = serde_json::from_str(&read(&path)).expect("it is JSON");
        let d = json!({"hooks": [{"type": "command", "command": foreign(&sandbox, "d"), "timeout": 3}]});
        for event in EVENTS {
            json["hooks"][event].as_array_mut().expect("a list").push(d.clone());
        }
        fs::write(&path, format!("{json:#}")).expect("it can be written");
        sandbox.app().trust_where(|hook| hook["command"].as_str().is_some_and(|c| c.ends_with(" d")));
        assert_foreign_hooks_run(&sandbox, 4);
        let before = recorded(&sandbox).len();
        said(&sandbox, &["uninstall"]);
        assert!(!read(&path).contains("hook event"));
        assert_foreign_hooks_run(&sandbox, 4);
        assert_eq!(recorded(&sandbox).len(), before, "ours does not run any more");
    }
}

#[test]
fn what_only_looks_like_ours_is_never_edited_trusted_or_removed() {
    let sandbox = sandbox();
    let foreign =
        ["codex-discord-bridge hook event", "/x/hook event-log", "echo hook event", "hook event; true"];
    let hooks = foreign.iter().skip(1).fold(Hooks::new(foreign[0]), |hooks, command| hooks.and(*command));
    sandbox.write_hooks(&hooks);
    let before = files(&sandbox.codex_home());
    said(&sandbox, &["install", "--trust"]);
    let listed = sandbox.app().hooks();
    for hook in listed["hooks"].as_array().expect("a list") {
        let is_foreign = hook["command"].as_str().is_some_and(|command| foreign.contains(&command));
        assert_eq!(hook["trustStatus"], if is_foreign { "untrusted" } else { "trusted" }, "{hook}");
    }
    assert_eq!(listed["hooks"].as_array().expect("a list").len(), foreign.len() * EVENTS.len() + DEFAULT);
    said(&sandbox, &["uninstall"]);
    let after = files(&sandbox.codex_home());
    for (path, bytes) in before {
        assert_eq!(after.get(&path), Some(&bytes), "{}", path.display());
    }
}

#[test]
fn trust_is_asked_for_the_very_commands_written_and_no_others() {
    let sandbox = sandbox();
    let before = read(&sandbox.codex_home().join("config.toml"));
    let environment = environment(&sandbox, &sandbox.bin());
    let request = request(&environment);
    let codex = Codex::find(&environment, &request.home).expect("it is on PATH");
    let outcomes = install(&environment, &request, false).expect("it installs");
    // Somebody adds commands like ours between the install and the trust.
    let path = sandbox.codex_home().join("hooks.json");
    let written = read(&path);
    let mut json: Value = serde_json::from_str(&written).expect("it is JSON");
    let others = ["/other/hook event", "/opt/bin/hook event ", "/opt/bin/hook event --spool-dir /x"];
    for command in others {
        let group = json!({"hooks": [{"type": "command", "command": command}]});
        json["hooks"]["Stop"].as_array_mut().expect("a list").push(group);
    }
    fs::write(&path, json.to_string()).expect("it can be written");
    sandbox.write_project_hooks(&Hooks::new("/opt/bin/hook event").events(&["Stop"]));
    let report = trust(&environment, &codex, &request, &outcomes).expect("Codex trusts");
    assert!(report.all_trusted() && report.hooks.len() == EVENTS.len());
    for hook in sandbox.app().hooks()["hooks"].as_array().expect("a list") {
        let ours = hook["command"] == request.command.as_str() && hook["sourcePath"] == json!(path);
        assert_eq!(hook["trustStatus"] == "trusted", ours, "{hook}");
    }
    fs::write(&path, written).expect("it can be written");
    said(&sandbox, &["uninstall"]);
    assert_eq!(read(&sandbox.codex_home().join("config.toml")), before, "trust is taken back to the byte");
}

#[test]
fn status_says_what_codex_makes_of_each_hook() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    let home = sandbox.codex_home();
    let edit = |name: &str, from: &str, to: &str| {
        let text = read(&home.join(name));
        assert!(text.contains(from), "{text}");
        fs::write(home.join(name), text.replacen(from, to, 1)).expect("it can be written");
    };
    edit("config.toml", "trusted_hash", "enabled = false\ntrusted_hash");
    let (code, states) = state(&sandbox);
    assert!(code == 1 && states.contains("trusted") && states.contains("disabled"), "{states}");
    edit("config.toml", "enabled = false\ntrusted_hash", "trusted_hash");
    edit("hooks.json", "\"timeout\": 10", "\"timeout\": 11");
    let (code, states) = state(&sandbox);
    assert!(code == 1 && states.contains("trusted") && states.contains("modified"), "{states}");
    edit("hooks.json", "\"timeout\": 11", "\"timeout\": 10");
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()));
    edit("config.toml", "hooks = true", "hooks = false");
    let (code, status) = told(&sandbox, &["status"]);
    let set_by = home.join("config.toml").display().to_string();
    assert_eq!((code, &status["feature"]), (1, &json!({"enabled": false, "set_by": set_by})));
}

#[test]
fn what_codex_writes_is_told_as_written() {
    let sandbox = sandbox();
    said(&sandbox, &["install"]);
    let config = sandbox.codex_home().join("config.toml").display().to_string();
    let lines = said(&sandbox, &["install", "--trust"]);
    assert!(lines.contains(&format!("updated   {config} (trust, written by Codex)")), "{lines}");
    assert!(lines.contains("unchanged") && lines.contains("12 of 12 hooks trusted"), "{lines}");
    let (_, report) = told(&sandbox, &["install", "--trust"]);
    assert_eq!(report["changed"], false, "all were trusted before: {report}");
    said(&sandbox, &["uninstall"]);
    said(&sandbox, &["install"]);
    let (_, report) = told(&sandbox, &["install", "--trust"]);
    assert_eq!(report["changed"], true);
    assert_eq!(report["files"][1], json!({"path": config, "action": "updated"}));
}

#[test]
fn who_could_read_config_toml_before_can_so_after() {
    for (by_hand, once_more) in [(false, false), (true, false), (true, true)] {
        let sandbox = sandbox();
        let path = sandbox.codex_home().join("config.toml");
        let mode = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it can be set");
        let before = read(&path);
        if by_hand {
            said(&sandbox, &["install"]);
            sandbox.app().trust();
            assert_eq!(mode(), 0o600, "this is what Codex does");
            if once_more {
                said(&sandbox, &["install"]);
                assert_eq!(mode(), 0o644);
            }
        } else {
            said(&sandbox, &["install", "--trust"]);
            assert_eq!(mode(), 0o644);
        }
        said(&sandbox, &["uninstall"]);
        assert_eq!((mode(), read(&path)), (0o644, before));
    }
}
