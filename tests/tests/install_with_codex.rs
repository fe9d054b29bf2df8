//! `hook install`, `status`, `doctor` and `uninstall` beside the real Codex: what they say is so, and what they have
//! written is what Codex runs.

#![cfg(unix)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use codex_hook::install::{Codex, Environment, InstallRequest, Scope, install, trust};
use codex_hook_tests::{Config, EVENTS, Hooks, Ran, Sandbox, Scenario, hook, run};
use serde_json::{Value, json};

/// What a turn with one command in it fires, in order; of the twelve events that are installed by default.
const TURN: [&str; 6] =
    ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"];
/// How many events are installed by default.
const DEFAULT: usize = 12;

fn sandbox() -> Sandbox {
    Sandbox::new().with_programs()
}

/// The installed `hook`, as it is called at a shell in the project's folder.
fn command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command(sandbox.bin().join("hook"));
    command.args(args);
    command
}

#[track_caller]
fn call(sandbox: &Sandbox, args: &[&str]) -> Ran {
    run(&mut command(sandbox, args), b"")
}

/// Calls it, expects it to end well without a complaint, and gives what it printed.
#[track_caller]
fn said(sandbox: &Sandbox, args: &[&str]) -> String {
    call(sandbox, args).assert_printed().join("\n")
}

/// Calls it with `--json`; gives the exit code and what it printed.
#[track_caller]
fn told(sandbox: &Sandbox, args: &[&str]) -> (i32, Value) {
    let ran = run(command(sandbox, args).arg("--json"), b"");
    let json = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran.status.code().expect("it exits"), json)
}

/// What `hook status` says of all hooks alike, and its exit code.
#[track_caller]
fn state(sandbox: &Sandbox) -> (i32, String) {
    let (code, status) = told(sandbox, &["status"]);
    let mut states = of_each(&status["hooks"], "state");
    states.dedup();
    (code, states.join(", "))
}

/// A check of `hook doctor`: its status, what it found, and what mends it.
#[track_caller]
fn check(sandbox: &Sandbox, name: &str) -> (String, String, String) {
    let (_, report) = told(sandbox, &["doctor"]);
    let checks = report["checks"].as_array().expect("a list");
    let check = checks.iter().find(|check| check["name"] == name && check["status"] != "ok");
    let check = check.or_else(|| checks.iter().find(|check| check["name"] == name));
    let check = check.unwrap_or_else(|| panic!("no check {name}: {report}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), text("remedy"))
}

fn of_each(list: &Value, key: &str) -> Vec<String> {
    let text = |value: &Value| value[key].as_str().expect("text").to_owned();
    list.as_array().expect("a list").iter().map(text).collect()
}

/// One turn with one command in it, as a user's: no flag that bypasses anything.
#[track_caller]
fn turn(sandbox: &Sandbox) {
    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi"));
    let ran = sandbox.exec(&prompt).run().assert_success();
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

fn recorded(sandbox: &Sandbox) -> Vec<String> {
    hook(sandbox).events().iter().map(|event| event.kind().as_str().to_owned()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What install has to do with in a Codex home: the two files and the spool, as text.
fn files(home: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut paths = ["hooks.json", "config.toml", "hook-spool"].map(|name| home.join(name)).to_vec();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("it can be listed");
            paths.extend(entries.map(|entry| entry.expect("it can be listed").path()));
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    files
}

/// The files that install writes to, by bytes and by the inode and time that a write would change.
fn stamps(sandbox: &Sandbox) -> Vec<(Vec<u8>, u64, i64, i64)> {
    let stamp = |name: &str| {
        let path = sandbox.codex_home().join(name);
        let meta = fs::metadata(&path).expect("it is there");
        (fs::read(&path).expect("it can be read"), meta.ino(), meta.mtime(), meta.mtime_nsec())
    };
    ["hooks.json", "config.toml", "hook-spool/install.json"].map(stamp).to_vec()
}

/// What the library needs to do as the installed program does.
fn environment(sandbox: &Sandbox, path: &Path) -> Environment {
    Environment {
        codex_home: Some(sandbox.codex_home().into()),
        home: Some(sandbox.home()),
        path: Some(path.into()),
        cwd: sandbox.project(),
        program: sandbox.bin().join("hook-cli"),
        ..Environment::default()
    }
}

fn request(environment: &Environment) -> InstallRequest {
    let home = environment.codex_home(None).expect("it is given");
    InstallRequest {
        spool_dir: home.default_spool(),
        home,
        scope: Scope::User,
        events: "all".parse().expect("a set of events"),
        command: "/opt/bin/hook event".to_owned(),
        version: None,
    }
}

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

/// A foreign hook, known by a word that its script does not read.
fn foreign(sandbox: &Sandbox, name: &str) -> String {
    format!("{} {name}", sandbox.dump_command())
}

/// All `count` foreign hooks are trusted, and a turn runs them.
#[track_caller]
fn assert_foreign_hooks_run(sandbox: &Sandbox, count: usize) {
    let hooks = sandbox.app().hooks();
    let mut found = 0;
    for hook in hooks["hooks"].as_array().expect("a list") {
        if hook["command"].as_str().is_some_and(|command| command.contains("dump.sh")) {
            assert_eq!(hook["trustStatus"], "trusted", "{hook}");
            found += 1;
        }
    }
    assert_eq!(found, count * EVENTS.len());
    let before = sandbox.dumped_events().len();
    turn(sandbox);
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    for event in sandbox.dumped_events().split_off(before) {
        *ran.entry(event).or_default() += 1;
    }
    for event in TURN {
        assert_eq!(ran.get(event), Some(&count), "{event}: {ran:?}");
    }
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

/// Texts that Codex refuses, each with the place that is to be named: those of its documentation, and near relatives.
fn killers() -> Vec<(String, &'static str)> {
    let handler = |fields: &str| format!("{{\"hooks\":{{\"Stop\":[\n{{\"hooks\":[{{{fields}}}]}}]}}}}");
    let command = |fields: &str| handler(&format!("\"type\":\"command\",\"command\":\"x\",{fields}"));
    vec![
        ("{\"$schema\":\"x\",\"hooks\":{}}".into(), "1:2"),
        ("{\n  \"hooks\": {},\n  \"version\": 1\n}".into(), "3:3"),
        ("{\"Stop\":[]}".into(), "1:2"),
        ("{\n  // mine\n  \"hooks\": {}\n}".into(), "2:3"),
        ("{\n  /* mine */ \"hooks\": {}\n}".into(), "2:3"),
        ("{\"hooks\": {\"Stop\": [],\n}}".into(), "2:1"),
        ("\u{feff}{}".into(), "1:1"),
        (String::new(), "1:1"),
        (" \n".into(), "1:1"),
        ("null".into(), "1:1"),
        ("{}\n}".into(), "2:1"),
        ("{} x".into(), "1:4"),
        ("{\"hooks\":{\"Stop\":[],\n\"Stop\":[]}}".into(), "2:1"),
        ("{\"hooks\":{\"Stop\":null}}".into(), "1:18"),
        ("{\"hooks\":{\"Stop\":[{\"matcher\":1}]}}".into(), "1:30"),
        ("{\"hooks\":{\"Stop\":[{\"hooks\":null}]}}".into(), "1:28"),
        ("{\"description\":\"☃☃\",\"x\":1}".into(), "1:21"),
        (handler("\"type\":\"http\",\"command\":\"x\""), "2:19"),
        (handler("\"command\":\"x\""), "2:11"),
        (handler("\"type\":\"command\""), "2:11"),
        (handler("\"type\":\"command\",\"command\":1"), "2:39"),
        (handler("\"type\":\"mcp_tool\",\"server\":\"a\""), "2:11"),
        (handler("\"type\":\"mcp_tool\",\"server\":\"a\",\"tool\":\"b\",\"input\":1"), "2:62"),
        (command("\"timeout\":\"1\""), "2:53"),
        (command("\"timeout\":1.5"), "2:53"),
        (command("\"timeout\":1.0"), "2:53"),
        (command("\"timeout\":-1"), "2:53"),
        (command("\"async\":\"no\""), "2:51"),
        (command("\"async\":null"), "2:51"),
        (command("\"statusMessage\":1"), "2:59"),
        (command("\"command_windows\":\"a\",\"commandWindows\":\"b\""), "2:65"),
        (command("\"additionalContextLimit\":\"x\""), "2:68"),
    ]
}

#[test]
fn what_codex_refuses_is_refused_with_its_place_and_explained() {
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("hooks.json");
    let app = sandbox.app();
    let mut texts: Vec<_> = killers().into_iter().map(|(text, place)| (text.into_bytes(), place)).collect();
    texts.push((b"{\"description\":\"\xff\"}".to_vec(), "1:17"));
    for (text, place) in texts {
        let shown = String::from_utf8_lossy(&text).into_owned();
        fs::write(&path, &text).expect("it can be written");
        let hooks = app.hooks();
        let warnings = hooks["warnings"].to_string();
        assert!(
            ["failed to parse", "failed to read"].iter().any(|w| warnings.contains(w)),
            "{shown}: {hooks}"
        );

        let before = files(&sandbox.codex_home());
        let place = format!("{}:{place}", path.display());
        for args in [&["install", "--trust"][..], &["uninstall"]] {
            let ran = call(&sandbox, args);
            let line = ran.assert_refused();
            assert!(line.contains(&format!("{place}: ")), "{shown}: {line}");
        }
        let (status, detail, remedy) = check(&sandbox, "files");
        assert_eq!(status, "fail");
        assert!(detail.contains(&place) && !remedy.is_empty(), "{shown}: {detail}");
        assert_eq!(files(&sandbox.codex_home()), before, "{shown}: nothing is written");
    }
}

#[test]
fn what_codex_takes_is_taken() {
    let handler = |fields: &str| format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{{{fields}}}]}}]}}}}"#);
    let command = |fields: &str| handler(&format!(r#""type":"command","command":"x",{fields}"#));
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("hooks.json");
    let app = sandbox.app();
    for text in [
        "{}".to_owned(),
        "{\r\n\t\"description\": \"☃\",\r\n\t\"hooks\": {}\r\n}\r\n".into(),
        r#"{"hooks":{"Unknown":[],"Unknown":1,"pre_tool_use":[]}}"#.into(),
        r#"{"hooks":{"Stop":[{"type":"command","command":"x"}]}}"#.into(),
        r#"{"h\u006foks":{"St\u006fp":[]}}"#.into(),
        r#"{"hooks":{"Stop":[{"matcher":null,"hooks":[]}]}}"#.into(),
        r#"{"hooks":{"state":{}}}"#.into(),
        handler(r#""type":"prompt","timeout":"x""#),
        command(r#""timeout":0"#),
        command(r#""timeout":-0"#),
        command(r#""timeout":null"#),
        command(r#""timeout":9223372036854775807"#),
        command(r#""async":true"#),
        command(r#""unknown":[{"deep":null}],"timeoutSec":"x""#),
    ] {
        fs::write(&path, &text).expect("it can be written");
        let warnings = app.hooks()["warnings"].to_string();
        assert!(!warnings.contains("failed to parse"), "{text}: {warnings}");
        said(&sandbox, &["install", "--events", "Stop,SessionEnd"]);
        let warnings = app.hooks()["warnings"].to_string();
        assert!(!warnings.contains("failed to parse"), "{}: {warnings}", read(&path));
        assert_eq!(check(&sandbox, "files").0, "ok", "{text}");
        said(&sandbox, &["uninstall"]);
        assert_eq!(read(&path), text);
    }
}

#[test]
fn a_moved_program_is_refreshed_in_its_place_and_needs_trust_again() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    let (old, new) = (sandbox.bin(), sandbox.root().join("new"));
    fs::rename(&old, &new).expect("it can be moved");
    let sandbox = sandbox.env("PATH", format!("{}:/usr/bin:/bin", new.display()));
    let ran = |args: &[&str]| run(sandbox.command(new.join("hook")).args(args), b"");
    let fault = ran(&["doctor"]);
    assert!(
        fault.lines().iter().any(|line| line.starts_with("FAIL  command") && line.contains("127")),
        "{fault:?}"
    );
    let place = |ran: &Ran| {
        let status: Value = serde_json::from_slice(&ran.stdout).expect("it is JSON");
        (of_each(&status["hooks"], "index"), of_each(&status["hooks"], "state"))
    };
    let (places, _) = place(&ran(&["status", "--json"]));

    let lines = ran(&["install"]);
    let lines = lines.assert_printed().join("\n");
    assert!(lines.contains(&format!("{}/hook event", old.display())) && lines.contains("again"), "{lines}");
    let status = ran(&["status", "--json"]);
    assert_eq!(place(&status), (places, vec!["modified".to_owned(); DEFAULT]));
    turn(&sandbox);
    ran(&["install", "--trust"]).assert_printed();
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
}

#[test]
fn a_project_has_its_own_file_which_all_who_work_there_share() {
    let sandbox = sandbox();
    let repository = sandbox.project();
    fs::create_dir(repository.join(".git")).expect("it can be made");
    let user = |sandbox: &Sandbox| read(&sandbox.codex_home().join("config.toml"));
    let before = user(&sandbox);
    said(&sandbox, &["install", "--scope", "project", "--trust"]);
    let file = repository.join(".codex/hooks.json");
    assert_eq!(read(&file).matches("\"hook event\"").count(), DEFAULT);
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o444, 0o444);
    assert!(!sandbox.codex_home().join("hooks.json").exists());
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()));
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);

    said(&sandbox, &["install", "--trust"]);
    let (code, status) = told(&sandbox, &["status"]);
    assert_eq!((code, status["also_registered"].as_array().map(Vec::len)), (0, Some(DEFAULT)));
    assert_eq!(check(&sandbox, "registrations").0, "warn");
    turn(&sandbox);
    assert_eq!(recorded(&sandbox).len(), 2 * TURN.len(), "each event once");
    said(&sandbox, &["uninstall"]);
    said(&sandbox, &["uninstall", "--scope", "project"]);
    assert!(!repository.join(".codex").exists());
    assert_eq!(user(&sandbox), before);
}

#[test]
fn where_hooks_stand_in_config_toml_ours_go_there_too() {
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("config.toml");
    sandbox.write_inline_hooks(&Hooks::new(foreign(&sandbox, "a")));
    sandbox.app().trust();
    let before = read(&path);
    said(&sandbox, &["install", "--trust"]);
    assert!(!sandbox.codex_home().join("hooks.json").exists());
    assert_foreign_hooks_run(&sandbox, 1);
    assert_eq!(recorded(&sandbox), TURN);
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()));
    said(&sandbox, &["uninstall"]);
    assert_eq!(read(&path), before);
    assert_foreign_hooks_run(&sandbox, 1);
    assert_eq!(recorded(&sandbox).len(), TURN.len());
}

#[test]
fn hooks_that_were_switched_off_are_switched_on_which_is_said_and_given_back() {
    for off in ["[features]\nhooks = false # mine\n", "[features]\n\"hooks\" = false\n"] {
        let sandbox = Sandbox::with(&Config::new().table(off)).with_programs();
        let path = sandbox.codex_home().join("config.toml");
        let before = read(&path);
        assert!(check(&sandbox, "feature").1.contains("hooks are off"));
        let lines = said(&sandbox, &["install", "--trust"]);
        assert!(lines.contains("switched off in config.toml"), "{lines}");
        assert_eq!(check(&sandbox, "feature").0, "ok");
        turn(&sandbox);
        assert_eq!(recorded(&sandbox), TURN);
        said(&sandbox, &["uninstall"]);
        assert_eq!(read(&path), before);
    }
}

#[test]
fn another_codex_home_can_be_named() {
    let sandbox = sandbox();
    let named = sandbox.root().join("named home");
    fs::create_dir(&named).expect("it can be made");
    fs::rename(sandbox.codex_home().join("config.toml"), named.join("config.toml")).expect("it can be moved");
    let before = files(&sandbox.codex_home());
    let option = ["--codex-home", named.to_str().expect("UTF-8")];
    said(&sandbox, &[&["install", "--trust"], &option[..]].concat());
    said(&sandbox, &[&["status"], &option[..]].concat());
    let doctor = said(&sandbox, &[&["doctor"], &option[..]].concat());
    assert!(!doctor.contains("FAIL"), "{doctor}");
    assert_eq!(files(&sandbox.codex_home()), before, "the other one is left alone");
    assert_eq!(call(&sandbox, &["status"]).status.code(), Some(1));
    let sandbox = sandbox.env("CODEX_HOME", &named);
    turn(&sandbox);
    let spool = codex_spool::Spool::open(named.join("hook-spool")).expect("it is there");
    assert_eq!(spool.report().events, TURN.len() as u64);
    said(&sandbox, &[&["uninstall"], &option[..]].concat());
    assert!(!named.join("hooks.json").exists());
}

#[test]
fn a_linked_home_that_nothing_names_is_spelled_as_codex_spells_it() {
    let sandbox = sandbox().env_remove("CODEX_HOME");
    let link = sandbox.home().join(".codex");
    symlink(sandbox.codex_home(), &link).expect("it can be made");
    let before = read(&link.join("config.toml"));
    sandbox.write_hooks(&Hooks::new("/x/hook event").and(foreign(&sandbox, "a")));
    sandbox.app().trust_where(|hook| hook["command"].as_str().is_some_and(|c| c.contains("dump.sh")));
    said(&sandbox, &["install", "--trust"]);
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()));
    let key = format!("{}/hooks.json:stop:0:0", link.display());
    assert!(read(&link.join("config.toml")).contains(&key), "{}", read(&link.join("config.toml")));
    assert_foreign_hooks_run(&sandbox, 1);
    assert_eq!(recorded(&sandbox), TURN);
    said(&sandbox, &["uninstall"]);
    assert_foreign_hooks_run(&sandbox, 1);
    assert!(link.is_symlink());
    fs::remove_file(link.join("hooks.json")).expect("it is there");
    assert!(read(&link.join("config.toml")).starts_with(before.trim_end()));
}

/// A program in place of Codex.
fn fake_codex(sandbox: &Sandbox, script: &str) {
    let path = sandbox.bin().join("codex");
    fs::remove_file(&path).expect("it is there");
    // The file itself is never executed: a thread's child may still have it open for writing.
    let (program, text) = (sandbox.root().join("fake-codex.sh"), format!("#!/bin/sh\n{script}\n"));
    fs::write(&program, text).expect("it can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be set");
    symlink(&program, &path).expect("it can be made");
}

#[test]
fn a_codex_that_does_not_do_its_part_is_named_and_the_install_stands() {
    let sandbox = sandbox();
    fake_codex(&sandbox, "[ \"$1\" = --version ] && echo codex-cli 0.169.0");
    let ran = call(&sandbox, &["install", "--trust"]);
    assert!(ran.assert_one_complaint().starts_with("hook: codex app-server ended"), "{ran:?}");
    assert_eq!(ran.status.code(), Some(1));
    let stands = |sandbox: &Sandbox| {
        assert_eq!(read(&sandbox.codex_home().join("hooks.json")).matches("hook event").count(), DEFAULT);
    };
    stands(&sandbox);

    fs::remove_file(sandbox.bin().join("codex")).expect("it is there");
    let alone = sandbox.bin();
    let ran = run(command(&sandbox, &["install", "--trust"]).env("PATH", &alone), b"");
    assert!(ran.assert_one_complaint().starts_with("hook: there is no codex to ask for trust"), "{ran:?}");
    assert_eq!(ran.status.code(), Some(1));
    stands(&sandbox);
}

#[test]
fn a_codex_that_hangs_is_given_up_in_time() {
    for script in ["[ \"$1\" = --version ] && echo codex-cli 0.169.0 || exec sleep 600", "exec sleep 600"] {
        let sandbox = sandbox();
        fake_codex(&sandbox, script);
        let tools =
            std::env::join_paths([sandbox.bin(), "/usr/bin".into(), "/bin".into()]).expect("they are plain");
        let patience = Duration::from_millis(400);
        let environment =
            Environment { codex_patience: patience, ..environment(&sandbox, Path::new(&tools)) };
        let request = request(&environment);
        let start = std::time::Instant::now();
        let codex = Codex::find(&environment, &request.home).expect("it is on PATH");
        let outcomes = install(&environment, &request, false).expect("it installs");
        let error = trust(&environment, &codex, &request, &outcomes).expect_err("nobody answers").to_string();
        assert!(start.elapsed() < patience * 5, "{:?}", start.elapsed());
        assert!(error.contains("did not answer") && error.contains("/hooks"), "{error}");
        assert!(sandbox.codex_home().join("hooks.json").exists(), "the install stands");
    }
}

#[test]
fn a_purge_says_what_is_in_it_and_is_refused_while_a_consumer_runs() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    turn(&sandbox);
    let consumer =
        hook(&sandbox).spool().consumer("dashboard").expect("a good name").open().expect("it opens");
    let ran = call(&sandbox, &["uninstall", "--purge", "--yes"]);
    let line = ran.assert_refused();
    assert!(
        line.contains(&format!("the consumer dashboard is running, process {}", std::process::id())),
        "{line}"
    );
    assert_eq!(state(&sandbox).0, 0, "nothing was done");
    drop(consumer);

    let ran = call(&sandbox, &["uninstall", "--purge"]);
    assert!(ran.assert_refused().contains("--yes"), "nobody can be asked: {ran:?}");
    assert_eq!(state(&sandbox).0, 0, "nothing was done");
    let lines = said(&sandbox, &["uninstall", "--purge", "--yes"]);
    assert!(lines.contains("6 events") && lines.contains("1 consumer"), "{lines}");
    assert!(!sandbox.spool().exists() && !sandbox.codex_home().join("hooks.json").exists());

    fs::create_dir(sandbox.spool()).expect("it can be made");
    fs::write(sandbox.spool().join("mine"), "x").expect("it can be written");
    let ran = call(&sandbox, &["uninstall", "--purge", "--yes"]);
    assert!(ran.assert_refused().contains("format"), "{ran:?}");
    assert_eq!(read(&sandbox.spool().join("mine")), "x");
}

/// Runs a script as root of a namespace of its own. `None`: this system does not let us.
fn in_namespace(sandbox: &Sandbox, script: &str) -> Option<Ran> {
    let allowed = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    allowed.ok().filter(|output| output.status.success())?;
    Some(run(sandbox.command("unshare").args(["-rm", "sh", "-c", script]), b""))
}

#[test]
fn on_a_full_disk_the_old_files_stay_whole() {
    let sandbox = sandbox();
    let path = sandbox.codex_home();
    let hooks = Hooks::new("foreign").to_json();
    let script = format!(
        r#"set -e
        cp "$CODEX_HOME/config.toml" "$HOME/config.toml"
        mount -t tmpfs -o size=64k tmpfs "$CODEX_HOME"
        cp "$HOME/config.toml" "$CODEX_HOME/config.toml"
        printf %s '{hooks}' > "$CODEX_HOME/hooks.json"
        head -c 1000000 /dev/zero > "$CODEX_HOME/ballast" 2>/dev/null || true
        hook install --command "/opt/bin/hook event" --spool-dir "$HOME/spool" && exit 9
        cmp "$HOME/config.toml" "$CODEX_HOME/config.toml"
        printf %s '{hooks}' | cmp - "$CODEX_HOME/hooks.json"
        ls -A "$CODEX_HOME" | grep -v '^tmp$'"#
    );
    if let Some(ran) = in_namespace(&sandbox, &script) {
        assert_eq!(ran.lines(), ["ballast", "config.toml", "hooks.json"], "{ran:?}");
        assert!(
            ran.stderr.contains("No space left") && ran.stderr.contains("the old file is whole"),
            "{ran:?}"
        );
    }

    // Where nothing may be mounted, a limit stands in: of a file's size, as an error and as a deadly signal.
    fs::write(path.join("hooks.json"), &hooks).expect("it can be written");
    let before = files(&path);
    for prepare in ["trap '' XFSZ; ulimit -f 1;", "ulimit -f 1;"] {
        let ran = run(sandbox.command("sh").args(["-c", &format!("{prepare} exec hook install")]), b"");
        assert!(!ran.status.success(), "{ran:?}");
        if ran.status.code() == Some(1) {
            ran.assert_one_complaint();
        }
        for (path, text) in &before {
            assert_eq!(&read(path), text);
        }
    }
    said(&sandbox, &["install", "--trust"]);
    let names = fs::read_dir(&path).expect("it can be listed").map(|entry| entry.expect("it can be listed"));
    let mut left = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    assert_eq!(
        left.find(|name| name.starts_with(".hook-install-")),
        None,
        "what a killed one left is cleared away"
    );
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
}

#[test]
fn a_home_that_cannot_be_written_to_gets_the_snippets() {
    let sandbox = sandbox();
    let script = r#"mount --bind "$CODEX_HOME" "$CODEX_HOME" && mount -o remount,bind,ro "$CODEX_HOME" && hook install"#;
    if let Some(ran) = in_namespace(&sandbox, script) {
        let line = ran.assert_refused();
        assert!(line.contains("hook install --print"), "{line}");
    }
    let before = files(&sandbox.codex_home());
    let printed = said(&sandbox, &["install", "--print"]);
    assert_eq!(files(&sandbox.codex_home()), before);
    // What is printed works, once it is put where it says.
    let path = sandbox.codex_home().join("hooks.json");
    let (hooks, config) = printed.split_once("\n# ").expect("two parts");
    let hooks = hooks.strip_prefix(&format!("# {}\n", path.display())).expect("it says where");
    fs::write(&path, hooks).expect("it can be written");
    let (place, config) = config.split_once('\n').expect("it says where");
    assert_eq!(place, sandbox.codex_home().join("config.toml").display().to_string());
    let toml = read(&sandbox.codex_home().join("config.toml"));
    fs::write(sandbox.codex_home().join("config.toml"), format!("{toml}\n{config}\n"))
        .expect("it can be written");
    sandbox.app().trust();
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()), "what was added by hand is known too");
}

#[test]
fn doctor_finds_nothing_wrong_where_nothing_is() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    let (code, report) = told(&sandbox, &["doctor"]);
    assert_eq!((code, &report["ok"], &report["format"]), (0, &json!(true), &json!(1)));
    for check in report["checks"].as_array().expect("a list") {
        let by_the_machine = ["disk", "inotify"].contains(&check["name"].as_str().expect("a name"));
        assert!(check["status"] == "ok" || by_the_machine, "{check}");
    }
    assert_eq!(recorded(&sandbox), [""; 0], "its trial has a spool of its own");
}

#[test]
fn doctor_names_what_is_wrong_and_what_mends_it() {
    type Break = fn(&Sandbox);
    let cases: [(&str, Break, &str, &str, &str, &str); 7] = [
        (
            "not installed",
            |s| drop(said(s, &["uninstall"])),
            "hooks",
            "fail",
            "not installed: SessionStart",
            "hook install",
        ),
        (
            "untrusted",
            |s| {
                said(s, &["uninstall"]);
                said(s, &["install"]);
            },
            "hooks",
            "fail",
            "untrusted: SessionStart",
            "hook install --trust",
        ),
        (
            "config.toml that Codex does not start with",
            |s| {
                fs::write(s.codex_home().join("config.toml"), "[features]\nhooks = \"yes\"\n")
                    .expect("written")
            },
            "files",
            "fail",
            "config.toml:2:9",
            "make it true",
        ),
        (
            "a setting that is none",
            |s| fs::write(s.spool().join("spool.toml"), "colour = 1\n").expect("written"),
            "spool.toml",
            "warn",
            "colour is not a setting",
            "mend it",
        ),
        (
            "a spool of another format",
            |s| fs::write(s.spool().join("format"), "2\n").expect("written"),
            "spool",
            "fail",
            "unknown spool format",
            "use a version",
        ),
        (
            "a spool that others can write to",
            |s| fs::set_permissions(s.spool(), fs::Permissions::from_mode(0o777)).expect("set"),
            "permissions",
            "fail",
            "others can write",
            "chmod 700",
        ),
        (
            "secrets that were to be masked",
            |s| fs::write(s.spool().join("spool.toml"), "[redact]\npresets = [\"aws\"]\n").expect("written"),
            "spool",
            "fail",
            "redact",
            "",
        ),
    ];
    for (name, break_it, check_name, status, detail, remedy) in cases {
        let sandbox = sandbox();
        said(&sandbox, &["install", "--trust"]);
        break_it(&sandbox);
        let found = check(&sandbox, check_name);
        assert_eq!(found.0, status, "{name}: {found:?}");
        assert!(found.1.contains(detail) && found.2.contains(remedy), "{name}: {found:?}");
        let fails = status == "fail";
        assert_eq!(call(&sandbox, &["doctor"]).status.code(), Some(i32::from(fails)), "{name}");
    }
}
