//! What becomes of the hooks that stand in the files, ours and those of others.

use std::fs;
use std::os::unix::fs::MetadataExt;

use codex_hook::install::{EventSet, HookEvent, InstallRequest, Scope, UninstallRequest, install, uninstall};

use crate::home::{COMMAND, Home};
use crate::support::*;

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
fn of_two_hooks_of_ours_in_a_group_one_is_left_and_put_right_at_once() {
    let handler = |field: &str| format!(r#"{{"type":"command","command":"{COMMAND}","{field}":10}}"#);
    let (odd, plain) = (handler("timmout"), handler("timeout"));
    let home =
        Home::with(&[("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{odd},{plain}]}}]}}}}"#))]);
    home.install_events("Stop");
    assert_eq!(home.read("hooks.json"), format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{plain}]}}]}}}}"#));
    assert!(!home.install_events("Stop").changed());
}

#[test]
fn what_stands_in_the_middle_of_an_inline_hook_of_ours_stays() {
    let other = "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"other\"\n";
    let between = "\n[mcp_servers.x]\ncommand = \"y\"\n";
    let group = "[[hooks.Stop]]\n# ours\n";
    let handler = format!("[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"{COMMAND}\"\n");
    let home = Home::with(&[("config.toml", &format!("{group}{between}\n{handler}\n{other}"))]);
    home.uninstall().expect("uninstalls");
    assert_eq!(home.read("config.toml"), format!("# ours\n{between}\n\n{other}"));

    let home =
        Home::with(&[("config.toml", &format!("{other}\n{group}matcher = \"*\"\n{between}\n{handler}"))]);
    home.install_events("Stop");
    let text = home.read("config.toml");
    assert!(text.starts_with(&format!("{other}\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\n")), "{text}");
    assert!(text.contains(between) && text.matches(COMMAND).count() == 1, "{text}");
}

#[test]
fn comments_between_inline_hooks_stay() {
    let ours = format!("{{ hooks = [{{ type = \"command\", command = \"{COMMAND}\", timeout = 10 }}] }}");
    let other = "{ hooks = [{ type = 'command', command = 'other' }] }";
    for list in [
        format!("[\n  {other}, # one, two\n  {ours}\n]"),
        format!("[\n  {other}, # one,\n  # two,\n  {ours}, # three\n]"),
        format!("[\n  {other} # one,\n  , {ours} # two ]\n]"),
        format!("[ # one\n  {ours} # two,\n  , # three\n  {other}\n]"),
        format!("[\n  # one,\n  {ours} # two ]\n]"),
    ] {
        let text = format!("[hooks]\nStop = {list}\nPreToolUse = [{other}]\n");
        let home = Home::with(&[("config.toml", &text)]);
        home.uninstall().expect("uninstalls");
        let left = home.read("config.toml");
        assert!(left.parse::<toml_edit::Document<String>>().is_ok(), "{left}");
        let count = |text: &str, what: &str| text.matches(what).count();
        assert_eq!((count(&left, COMMAND), count(&left, "other")), (0, count(&text, "other")), "{left}");
        // With its last group the event goes, and what is said in it.
        if list.contains("other") {
            assert_eq!(count(&left, "#"), count(&text, "#"), "{left}");
        }
    }
}

#[test]
fn a_comment_where_nothing_else_is_stays() {
    for text in [
        "features = {\n  # none, yet }\n}\n",
        "features = { # none\n}\n",
        "features = {     }\n",
        "features = {\n}\n",
    ] {
        let home = Home::with(&[("config.toml", text)]);
        home.install().expect("installs");
        let on = text.replacen('{', "{ hooks = true", 1);
        assert_eq!(home.read("config.toml"), on);
        home.write("config.toml", &format!("{on}# mine\n"));
        home.uninstall().expect("uninstalls");
        let left = home.read("config.toml");
        assert!(left.parse::<toml_edit::Document<String>>().is_ok(), "{left}");
        assert_eq!(left.matches('#').count(), text.matches('#').count() + 1, "{left}");
    }
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
