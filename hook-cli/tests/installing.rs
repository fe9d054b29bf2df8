//! What install does to files that others have a part in.

#![cfg(unix)]

mod home;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codex_hook::install::{
    Environment, Error, EventSet, HookCommand, HookEvent, InstallRequest, Scope, UninstallRequest, install,
    stable_program, uninstall,
};
use home::{COMMAND, Home};

fn group(command: &str) -> String {
    format!(r#"{{"hooks":[{{"type":"command","command":"{command}"}}]}}"#)
}

/// The commands of the groups of an event, in order.
fn commands(json: &str, event: &str) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(json).expect("valid");
    let groups = value["hooks"][event].as_array().cloned().unwrap_or_default();
    let handlers = groups.iter().flat_map(|group| group["hooks"].as_array().cloned().unwrap_or_default());
    handlers.map(|handler| handler["command"].as_str().unwrap_or_default().to_owned()).collect()
}

fn state(home: &Home, file: &str, entries: &[(&str, &str)]) -> String {
    let path = home.path(file);
    let entry = |(place, hash): &(&str, &str)| {
        format!("\n[hooks.state.\"{}:{place}\"]\ntrusted_hash = \"{hash}\"\n", path.display())
    };
    entries.iter().map(entry).collect()
}

#[test]
fn ours_comes_last_and_is_written_as_every_version_takes_it() {
    let home = Home::with(&[("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{}]}}}}"#, group("other")))]);
    home.install().expect("installs");
    let json = home.read("hooks.json");
    assert_eq!(commands(&json, "Stop"), ["other", COMMAND]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("valid");
    let handler =
        |timeout| serde_json::json!({"hooks": [{"type": "command", "command": COMMAND, "timeout": timeout}]});
    assert_eq!(value["hooks"]["Stop"][1], handler(10));
    assert_eq!(value["hooks"]["SessionEnd"][0], handler(3));
    assert_eq!(value["hooks"]["Interrupt"][0], handler(3));
    assert_eq!(value["hooks"]["PreModelRequest"], serde_json::Value::Null);
    assert_eq!(home.read("config.toml"), "[features]\nhooks = true\n");
}

#[test]
fn the_set_becomes_exactly_what_was_asked() {
    let home = Home::new();
    home.install_events("all");
    home.install_events("core,Interrupt");
    let json = home.read("hooks.json");
    for event in HookEvent::all() {
        let wanted = "core,Interrupt".parse::<EventSet>().expect("events").contains(event);
        assert_eq!(commands(&json, event.name()).len(), usize::from(wanted), "{event}");
    }
    home.uninstall().expect("uninstalls");
    assert!(home.files().is_empty(), "{:?}", home.files());
}

#[test]
fn a_second_install_does_not_touch_the_files() {
    let home = Home::new();
    home.install().expect("installs");
    let stamps = || {
        ["hooks.json", "config.toml", "hook-spool/install.json"].map(|name| {
            let meta = fs::metadata(home.path(name)).expect("there");
            (meta.ino(), meta.mtime_nsec())
        })
    };
    let before = stamps();
    assert!(!home.install().expect("installs").changed());
    assert_eq!(before, stamps());
}

#[test]
fn a_moved_program_is_refreshed_where_it_stands() {
    let text = format!(
        "{{\"hooks\": {{\"Stop\": [{}, {}, {}]}}}}\n",
        group("one"),
        r#"{"hooks":[{"type":"command","command":"'/old place/hook' event","timeout":10}]}"#,
        group("two")
    );
    let home = Home::with(&[("hooks.json", &text)]);
    let outcomes = home.install_events("Stop");
    assert_eq!(home.read("hooks.json"), text.replace("'/old place/hook' event", COMMAND));
    assert_eq!(outcomes.refreshed, ["'/old place/hook' event"]);
    assert!(outcomes.needs_trust);
}

#[test]
fn a_hook_of_ours_that_would_lose_events_is_put_right() {
    let ours =
        r#"{"matcher":"Bash","hooks":[{"type":"command","command":"/opt/bin/hook event","async":true}]}"#;
    let home = Home::with(&[("hooks.json", &format!(r#"{{"hooks":{{"PreToolUse":[{ours}]}}}}"#))]);
    home.install_events("PreToolUse");
    assert_eq!(
        home.read("hooks.json"),
        r#"{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"/opt/bin/hook event","timeout":10}]}]}}"#
    );
}

#[test]
fn a_command_that_only_looks_like_ours_is_left_alone() {
    for command in [
        "codex-discord-bridge hook event",
        "/x/hook event-log",
        "echo hook event",
        "/x/hook event --verbose",
        "/x/hook event; rm -rf x",
        "/x/hook event > /tmp/log",
        "/x/hook event && true",
        "/x/hooks event",
        "/x/webhook event",
        "/x/hook  'event '",
        "X=1 hook event",
        "$(which hook)/hook event",
        "hook tail",
        "hook",
    ] {
        assert_eq!(HookCommand::recognise(command), None, "{command}");
        let text = format!("{{\"hooks\":{{\"Stop\":[{}]}}}}", group(command));
        let home = Home::with(&[("hooks.json", &text)]);
        home.install_events("Stop");
        assert_eq!(commands(&home.read("hooks.json"), "Stop"), [command, COMMAND]);
        home.install_events("SessionStart");
        assert_eq!(commands(&home.read("hooks.json"), "Stop"), [command]);
        home.uninstall().expect("uninstalls");
        assert_eq!(home.read("hooks.json"), text);
    }
}

#[test]
fn ours_is_known_however_it_is_written() {
    let recognise = |command: &str| HookCommand::recognise(command).expect(command);
    assert_eq!(recognise("hook event").program, "hook");
    assert_eq!(recognise("~/.cargo/bin/hook event").spool_dir, None);
    assert_eq!(recognise("'/a b/hook' event").program, "/a b/hook");
    assert_eq!(recognise("/x/hook event --spool-dir '/a b'").spool_dir, Some("/a b".into()));
    assert_eq!(recognise("/x/hook event --spool-dir=/s").spool_dir, Some("/s".into()));
    for program in ["/a b/hook", "/it's/hook", "/é/hook", "/a;b/hook", "/plain/hook"] {
        let command = HookCommand { program: program.into(), spool_dir: Some("/s p".into()) };
        let line = command.line().expect("can be written");
        assert_eq!(recognise(&line), command);
    }
}

#[test]
fn a_command_of_the_users_own_making_is_known_by_the_record() {
    let home = Home::new();
    let request = InstallRequest { command: "nice my-recorder".into(), ..home.request() };
    install(&home.environment, &request, false).expect("installs");
    assert_eq!(commands(&home.read("hooks.json"), "Stop"), ["nice my-recorder"]);
    home.install().expect("installs");
    assert_eq!(commands(&home.read("hooks.json"), "Stop"), [COMMAND]);
    home.uninstall().expect("uninstalls");
    assert!(home.files().is_empty());
}

#[test]
fn trust_moves_with_the_groups_that_stand_behind_ours() {
    let home = Home::new();
    home.install_events("Stop");
    let json = home
        .read("hooks.json")
        .replace("\n    ]\n  }", &format!(",\n      {},\n      {}\n    ]\n  }}", group("a"), group("b")));
    home.write("hooks.json", &json);
    let config = home.read("config.toml")
        + &state(&home, "hooks.json", &[("stop:0:0", "ours"), ("stop:1:0", "a"), ("stop:2:0", "b")])
        + "\n[hooks.state.\"/elsewhere/hooks.json:stop:1:0\"]\ntrusted_hash = \"not ours\"\n";
    home.write("config.toml", &config);
    home.uninstall().expect("uninstalls");
    assert_eq!(commands(&home.read("hooks.json"), "Stop"), ["a", "b"]);
    let wanted = state(&home, "hooks.json", &[("stop:0:0", "a"), ("stop:1:0", "b")])
        + "\n[hooks.state.\"/elsewhere/hooks.json:stop:1:0\"]\ntrusted_hash = \"not ours\"\n";
    assert_eq!(home.read("config.toml").trim_start(), wanted.trim_start());
}

#[test]
fn trust_moves_in_every_spelling() {
    let home = Home::new();
    let path = home.path("hooks.json").display().to_string();
    let spellings = [
        format!(
            "hooks.state.'{path}:stop:0:0'.trusted_hash = 'o'\nhooks.state.'{path}:stop:1:0'.trusted_hash = 'a' # x\nhooks.state.'{path}:stop:1:0'.enabled = false\n"
        ),
        format!(
            "[hooks.state]\n'{path}:stop:0:0' = {{ trusted_hash = 'o' }}\n'{path}:stop:1:0' = {{ trusted_hash = 'a', enabled = false }} # x\n"
        ),
        format!(
            "[hooks]\nstate = {{ '{path}:stop:0:0' = {{ trusted_hash = 'o' }}, '{path}:stop:1:0' = {{ trusted_hash = 'a', enabled = false }} }}\n"
        ),
        format!(
            "[hooks.state.'{path}:stop:0:0']\ntrusted_hash = 'o'\n\n# mine\n[ hooks . state . '{path}:stop:1:0' ] # y\ntrusted_hash = 'a'\nenabled = false\n"
        ),
    ];
    for config in spellings {
        home.write("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{},{}]}}}}"#, group(COMMAND), group("a")));
        home.write("config.toml", &config);
        home.uninstall().expect("uninstalls");
        let left = home.read("config.toml");
        let document: toml_edit::Document<String> = left.parse().unwrap_or_else(|e| panic!("{left}\n{e}"));
        let state = document["hooks"]["state"].as_table_like().expect("a table");
        assert_eq!(state.len(), 1, "{left}");
        let entry = state.get(&format!("{path}:stop:0:0")).unwrap_or_else(|| panic!("moved:\n{left}"));
        assert_eq!(entry["trusted_hash"].as_str(), Some("a"), "{left}");
        assert_eq!(entry["enabled"].as_bool(), Some(false), "{left}");
        assert_eq!(left.matches('#').count(), config.matches('#').count(), "comments stay:\n{left}");
    }
}

#[test]
fn a_group_that_others_use_too_keeps_their_handlers_and_their_trust() {
    let home = Home::new();
    let mixed = format!(
        r#"{{"hooks":{{"Stop":[{{"hooks":[{{"type":"command","command":"{COMMAND}"}},{{"type":"command","command":"a"}}]}}]}}}}"#
    );
    home.write("hooks.json", &mixed);
    home.write("config.toml", &state(&home, "hooks.json", &[("stop:0:1", "a")]));
    home.uninstall().expect("uninstalls");
    assert_eq!(
        home.read("hooks.json"),
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"a"}]}]}}"#
    );
    assert_eq!(home.read("config.toml"), state(&home, "hooks.json", &[("stop:0:0", "a")]));
}

#[test]
fn inline_hooks_get_ours_inline_unless_codex_is_too_old_to_read_them() {
    let inline = "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"other\"\n";
    let home = Home::with(&[("config.toml", inline)]);
    home.install().expect("installs");
    assert!(!home.path("hooks.json").exists());
    assert!(home.read("config.toml").starts_with(inline));
    assert_eq!(home.read("config.toml").matches(COMMAND).count(), 12);

    let home = Home::with(&[("config.toml", inline)]);
    let version = codex_hook::install::CodexVersion::find_in("codex-cli 0.120.0");
    install(&home.environment, &InstallRequest { version, ..home.request() }, false).expect("installs");
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    assert!(home.read("config.toml").contains("codex_hooks = true"));
}

#[test]
fn every_file_that_codex_would_refuse_is_refused_with_its_place() {
    let handler = |fields: &str| format!("{{\"hooks\":{{\"Stop\":[\n{{\"hooks\":[{{{fields}}}]}}]}}}}");
    let killers: Vec<(&str, String, (usize, usize))> = vec![
        ("$schema", "{\"$schema\":\"x\",\"hooks\":{}}".into(), (1, 2)),
        ("another root key", "{\n  \"hooks\": {},\n  \"version\": 1\n}".into(), (3, 3)),
        ("an event at the root", "{\"Stop\":[]}".into(), (1, 2)),
        ("a line comment", "{\n  // mine\n  \"hooks\": {}\n}".into(), (2, 3)),
        ("a block comment", "{\n  /* mine */ \"hooks\": {}\n}".into(), (2, 3)),
        ("a trailing comma", "{\"hooks\": {\"Stop\": [],\n}}".into(), (2, 1)),
        ("a byte order mark", "\u{feff}{}".into(), (1, 1)),
        ("an empty file", "".into(), (1, 1)),
        ("white space", " \n".into(), (1, 1)),
        ("null", "null".into(), (1, 1)),
        ("an array", "[]".into(), (1, 1)),
        ("trailing garbage", "{}\n}".into(), (2, 1)),
        ("a duplicate event", "{\"hooks\":{\"Stop\":[],\n\"Stop\":[]}}".into(), (2, 1)),
        ("an unknown type", handler("\"type\":\"http\",\"command\":\"x\""), (2, 19)),
        ("no type", handler("\"command\":\"x\""), (2, 11)),
        ("no command", handler("\"type\":\"command\""), (2, 11)),
        ("a timeout in quotes", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":\"1\""), (2, 53)),
        ("a broken timeout", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":1.5"), (2, 53)),
        ("a negative timeout", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":-1"), (2, 53)),
        (
            "a timeout that kills hooks/list",
            handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":9223372036854775808"),
            (2, 53),
        ),
        ("async in quotes", handler("\"type\":\"command\",\"command\":\"x\",\"async\":\"no\""), (2, 51)),
        ("an event that is null", "{\"hooks\":{\"Stop\":null}}".into(), (1, 18)),
        ("columns in characters", "{\"description\":\"☃☃\",\"x\":1}".into(), (1, 21)),
    ];
    for (name, text, place) in killers {
        let home = Home::with(&[("hooks.json", &text), ("config.toml", "x = 1\n")]);
        let before = home.files();
        for error in [home.install().expect_err(name), home.uninstall().expect_err(name)] {
            let Error::Fault { line, column, path, .. } = &error else { panic!("{name}: {error}") };
            assert_eq!((*line, *column), place, "{name}: {error}");
            assert_eq!(path, &home.path("hooks.json"));
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
        assert_eq!(home.files(), before, "{name}: nothing is written anywhere");
    }
    let home = Home::new();
    fs::write(home.path("hooks.json"), b"{\"description\":\"\xff\"}").expect("writes");
    assert!(matches!(home.install(), Err(Error::Fault { line: 1, column: 17, .. })));
    for (config, place) in [
        ("x = 1\ny = \n", (2, 5)),
        ("[features]\nhooks = \"yes\"\n", (2, 9)),
        ("hooks = true\n", (1, 9)),
        ("features = 1\n", (1, 12)),
        ("a = 1\na = 2\n", (2, 1)),
    ] {
        let home = Home::with(&[("config.toml", config)]);
        let error = home.install().expect_err(config);
        let Error::Fault { line, column, .. } = &error else { panic!("{error}") };
        assert_eq!((*line, *column), place, "{error}");
        assert_eq!(home.files().len(), 1, "nothing is written anywhere");
    }
}

#[test]
fn links_stay_links_and_modes_stay() {
    let home = Home::new();
    let elsewhere = home.root().join("dotfiles");
    fs::create_dir(&elsewhere).expect("creates");
    for (name, mode) in [("hooks.json", 0o600), ("config.toml", 0o640)] {
        fs::write(elsewhere.join(name), if name == "hooks.json" { "{}" } else { "x = 1\n" }).expect("writes");
        fs::set_permissions(elsewhere.join(name), fs::Permissions::from_mode(mode)).expect("sets");
        std::os::unix::fs::symlink(format!("../dotfiles/{name}"), home.path(name)).expect("links");
    }
    home.install().expect("installs");
    for (name, mode) in [("hooks.json", 0o600), ("config.toml", 0o640)] {
        assert!(fs::symlink_metadata(home.path(name)).expect("there").is_symlink());
        let meta = fs::metadata(elsewhere.join(name)).expect("there");
        assert_eq!(meta.permissions().mode() & 0o777, mode);
    }
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    home.uninstall().expect("uninstalls");
    assert_eq!(fs::read_to_string(elsewhere.join("hooks.json")).expect("there"), "{}");
    assert!(fs::symlink_metadata(home.path("config.toml")).expect("there").is_symlink());
}

#[test]
fn what_is_new_is_for_the_user_alone() {
    let home = Home::new();
    home.install().expect("installs");
    for name in ["hooks.json", "config.toml", "hook-spool/install.json"] {
        assert_eq!(
            fs::metadata(home.path(name)).expect("there").permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    assert_eq!(fs::metadata(home.path("hook-spool")).expect("there").permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_project_gets_its_own_file_and_loses_it_again() {
    let home = Home::new();
    let root = home.root().join("repo");
    fs::create_dir_all(root.join(".git")).expect("creates");
    let scope = Scope::project_of(&root.join("deep/er"));
    assert_eq!(scope, Scope::Project(root.clone()));
    let request = InstallRequest { scope: scope.clone(), command: "hook event".into(), ..home.request() };
    install(&home.environment, &request, false).expect("installs");
    let json = fs::read_to_string(root.join(".codex/hooks.json")).expect("there");
    assert_eq!(commands(&json, "Stop"), ["hook event"]);
    assert!(!home.path("config.toml").exists() && !home.path("hooks.json").exists());
    uninstall(&home.environment, &UninstallRequest { home: home.codex_home(), scope }, false)
        .expect("uninstalls");
    assert!(!root.join(".codex").exists());
    assert!(home.files().is_empty());
}

#[test]
fn a_hook_that_somebody_else_took_out_leaves_nothing_to_do() {
    let home = Home::with(&[("hooks.json", "{}")]);
    home.install().expect("installs");
    home.write("hooks.json", "{ }");
    home.uninstall().expect("uninstalls");
    assert_eq!(home.read("hooks.json"), "{ }");
    assert!(!home.path("hook-spool").exists());
}

#[test]
fn the_command_is_the_path_by_which_the_users_path_finds_this_program() {
    let home = Home::new();
    let program = |dir: &str| {
        let dir = home.root().join(dir);
        fs::create_dir_all(&dir).expect("creates");
        for name in ["hook", "hook-cli"] {
            fs::write(dir.join(name), dir.display().to_string()).expect("writes");
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).expect("sets");
        }
        dir
    };
    let cellar = program("Cellar/codex-hook/1.0/bin");
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).expect("creates");
    std::os::unix::fs::symlink(cellar.join("hook"), bin.join("hook")).expect("links");
    let at = |path: &[&std::path::Path], program: &std::path::Path| {
        let environment = Environment {
            path: Some(std::env::join_paths(path).expect("joins")),
            program: program.join("hook-cli"),
            ..home.environment.clone()
        };
        stable_program(&environment).map_err(|error| error.to_string())
    };
    let refused = |result: Result<std::path::PathBuf, String>, reason: &str| {
        let error = result.expect_err(reason);
        assert!(error.contains(reason) && error.contains("--command"), "{error}");
    };
    assert_eq!(at(&[&bin], &cellar), Ok(bin.join("hook")), "the link, not what is behind it");
    refused(at(&[&cellar], &cellar), "Cellar");
    refused(at(&[], &cellar), "not on your PATH");
    let other = program("other/bin");
    refused(at(&[&other, &bin], &cellar), "another program first");
    let built = program("src/target/release");
    refused(at(&[&built], &built), "build folder");
    let store = program("nix/store/abc-hook-1.0/bin");
    refused(at(&[&store], &store), "Nix store");
    let mise = program("share/mise/installs/hook/1.0/bin");
    refused(at(&[&mise], &mise), "mise");
}

fn hook_cli(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hook-cli"));
    command.env_clear().env("CODEX_HOME", home.path("")).env("HOME", home.root()).current_dir(home.root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn twenty_installers_at_once_write_ours_once() {
    let home = Home::with(&[("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{}]}}}}"#, group("other")))]);
    let before = home.files();
    let start = || hook_cli(&home).args(["install", "--command", COMMAND]).spawn().expect("starts");
    let installers: Vec<_> = (0..20).map(|_| start()).collect();
    for mut installer in installers {
        assert!(installer.wait().expect("ends").success());
    }
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    assert_eq!(home.read("config.toml"), "[features]\nhooks = true\n");
    home.uninstall().expect("uninstalls");
    assert_eq!(home.files(), before);
}

#[test]
fn no_write_of_another_program_is_lost() {
    let home = Home::with(&[("config.toml", "counter = 0\n"), ("hooks.json", "{}")]);
    let path = home.path("config.toml");
    // As Codex does it: read, change, rename.
    let bump = |count: u32| {
        let text = fs::read_to_string(&path).expect("reads");
        let line = text.lines().find(|line| line.starts_with("counter")).expect("the counter is there");
        let new = text.replacen(line, &format!("counter = {count}"), 1);
        let temporary = home.path("config.toml.tmp");
        fs::write(&temporary, new).expect("writes");
        fs::rename(&temporary, &path).expect("renames");
    };
    for round in 0..30 {
        let mut installer = hook_cli(&home).args(["install", "--command", COMMAND]).spawn().expect("starts");
        let mut count = round * 1_000_000;
        while installer.try_wait().expect("waits").is_none() {
            count += 1;
            bump(count);
        }
        assert!(
            home.read("config.toml").contains(&format!("counter = {count}\n")),
            "{}",
            home.read("config.toml")
        );
        home.uninstall().expect("uninstalls");
    }
}

/// How long a whole run takes, to sweep the kills over; and a bit more.
fn run_time(command: &mut Command) -> Duration {
    let start = Instant::now();
    assert!(command.status().expect("runs").success());
    start.elapsed() * 3 / 2
}

fn kill_after(command: &mut Command, time: Duration) {
    let mut child = command.spawn().expect("starts");
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
    child.kill().expect("kills");
    child.wait().expect("ends");
}

#[test]
fn a_killed_installer_leaves_whole_files() {
    let home = Home::with(&[("hooks.json", "{\"hooks\": {}}"), ("config.toml", "x = 1")]);
    let before = home.files();
    let whole_run = run_time(hook_cli(&home).args(["install", "--command", COMMAND]));
    let after = home.files();
    home.uninstall().expect("uninstalls");
    for step in 0..100 {
        kill_after(hook_cli(&home).args(["install", "--command", COMMAND]), whole_run * step / 100);
        for name in ["hooks.json", "config.toml"] {
            let now = fs::read(home.path(name)).expect("there");
            let whole = [&before, &after].map(|files| &files[&home.path(name)]);
            assert!(whole.contains(&&now), "{name} after {step} steps: {}", String::from_utf8_lossy(&now));
        }
        if step % 2 == 0 {
            home.install().expect("completes it");
            let now = home.files();
            for (path, bytes) in &after {
                let text =
                    |bytes: Option<&Vec<u8>>| String::from_utf8_lossy(bytes.map_or(&[], |b| b)).into_owned();
                assert_eq!(text(now.get(path)), text(Some(bytes)), "{} after {step} steps", path.display());
            }
        }
        home.uninstall().expect("takes back what there is");
        home.install().expect("sweeps up");
        home.uninstall().expect("uninstalls");
        assert_eq!(home.files(), before, "after {step} steps");
    }
}

#[test]
fn trust_follows_though_the_uninstaller_is_killed() {
    let home = Home::new();
    let json = format!(r#"{{"hooks":{{"Stop":[{},{}]}}}}"#, group(COMMAND), group("a"));
    let entries = state(&home, "hooks.json", &[("stop:0:0", "ours"), ("stop:1:0", "a")]);
    let moved = state(&home, "hooks.json", &[("stop:0:0", "a")]);
    let installed = || {
        home.write("hooks.json", &json);
        home.write("config.toml", &entries);
        home.install_events("Stop");
        home.write("config.toml", &(home.read("config.toml") + "# mine\n"));
    };
    installed();
    let whole_run = run_time(hook_cli(&home).arg("uninstall"));
    let killed_in_between = (0..150).filter(|step| {
        installed();
        kill_after(hook_cli(&home).arg("uninstall"), whole_run * *step / 150);
        let in_between =
            !home.read("hooks.json").contains(COMMAND) && home.read("config.toml").contains("ours");
        home.uninstall().expect("completes it");
        assert_eq!(home.read("config.toml"), format!("{moved}# mine\n"), "after {step} steps");
        in_between
    });
    assert!(killed_in_between.count() > 0, "none of the kills fell between the two files");
}
