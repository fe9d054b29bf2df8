//! Which command is written, and which one is known as ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codex_hook::install::{Environment, HookCommand, InstallRequest, install, stable_program};

use crate::home::{COMMAND, Home};
use crate::support::*;

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
    for program in ["/a b/hook", "/it's/hook", "/é/hook", "/a;b/hook", "/it's (new)/hook", "/plain/hook"] {
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
    refused(at(&[&other, &bin], &cellar), "this other program first");
    let built = program("src/target/release");
    refused(at(&[&built], &built), "build folder");
    let store = program("nix/store/abc-hook-1.0/bin");
    refused(at(&[&store], &store), "Nix store");
    let mise = program("share/mise/installs/hook/1.0/bin");
    refused(at(&[&mise], &mise), "mise");
}
