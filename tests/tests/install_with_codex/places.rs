//! Wherever the hooks stand: moved programs, projects, config.toml, other and linked homes.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use codex_hook_tests::{Config, Hooks, Ran, Sandbox, run};
use serde_json::Value;

use crate::support::*;

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
        fault.lines().iter().any(|line| line.starts_with("FAIL  command") && line.contains("cannot run")),
        "{fault:?}"
    );
    let place = |ran: &Ran| {
        let status: Value = serde_json::from_slice(&ran.stdout).expect("it is JSON");
        (of_each(&status["hooks"], "index"), of_each(&status["hooks"], "state"))
    };
    let (places, _) = place(&ran(&["status", "--json"]));

    let lines = ran(&["install"]);
    let lines = lines.assert_printed().join("\n");
    assert!(
        lines.contains(&format!("{}/hook event", old.display())) && lines.contains("hook install --trust"),
        "{lines}"
    );
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
        assert!(check(&sandbox, "feature").1.contains("feature is off"));
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
