//! What the tests of this binary share: the installed `hook`, a turn, and what is asked of both.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use codex_hook::install::{Environment, InstallRequest, Scope};
use codex_hook_tests::{EVENTS, Ran, Sandbox, Scenario, hook, run};
use serde_json::Value;

/// What a turn with one command in it fires, in order; of the twelve events that are installed by default.
pub(crate) const TURN: [&str; 6] =
    ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"];
/// How many events are installed by default.
pub(crate) const DEFAULT: usize = 12;

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new().with_programs()
}

/// The installed `hook`, as it is called at a shell in the project's folder.
pub(crate) fn command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command(sandbox.bin().join("hook"));
    command.args(args);
    command
}

#[track_caller]
pub(crate) fn call(sandbox: &Sandbox, args: &[&str]) -> Ran {
    run(&mut command(sandbox, args), b"")
}

/// Calls it, expects it to end well without a complaint, and gives what it printed.
#[track_caller]
pub(crate) fn said(sandbox: &Sandbox, args: &[&str]) -> String {
    call(sandbox, args).assert_printed().join("\n")
}

/// Calls it with `--json`; gives the exit code and what it printed.
#[track_caller]
pub(crate) fn told(sandbox: &Sandbox, args: &[&str]) -> (i32, Value) {
    let ran = run(command(sandbox, args).arg("--json"), b"");
    let json = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran.status.code().expect("it exits"), json)
}

/// What `hook status` says of all hooks alike, and its exit code.
#[track_caller]
pub(crate) fn state(sandbox: &Sandbox) -> (i32, String) {
    let (code, status) = told(sandbox, &["status"]);
    let mut states = of_each(&status["hooks"], "state");
    states.dedup();
    (code, states.join(", "))
}

/// A check of `hook doctor`: its status, what it found, and what mends it.
#[track_caller]
pub(crate) fn check(sandbox: &Sandbox, name: &str) -> (String, String, String) {
    let (_, report) = told(sandbox, &["doctor"]);
    let checks = report["checks"].as_array().expect("a list");
    let check = checks.iter().find(|check| check["name"] == name && check["status"] != "ok");
    let check = check.or_else(|| checks.iter().find(|check| check["name"] == name));
    let check = check.unwrap_or_else(|| panic!("no check {name}: {report}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), text("remedy"))
}

pub(crate) fn of_each(list: &Value, key: &str) -> Vec<String> {
    let text = |value: &Value| value[key].as_str().expect("text").to_owned();
    list.as_array().expect("a list").iter().map(text).collect()
}

/// One turn with one command in it, as a user's: no flag that bypasses anything.
#[track_caller]
pub(crate) fn turn(sandbox: &Sandbox) {
    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi"));
    let ran = sandbox.exec(&prompt).run().assert_success();
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

pub(crate) fn recorded(sandbox: &Sandbox) -> Vec<String> {
    hook(sandbox).events().iter().map(|event| event.kind().as_str().to_owned()).collect()
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What install has to do with in a Codex home: the two files and the spool, as text.
pub(crate) fn files(home: &Path) -> BTreeMap<PathBuf, String> {
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
pub(crate) fn stamps(sandbox: &Sandbox) -> Vec<(Vec<u8>, u64, i64, i64)> {
    let stamp = |name: &str| {
        let path = sandbox.codex_home().join(name);
        let meta = fs::metadata(&path).expect("it is there");
        (fs::read(&path).expect("it can be read"), meta.ino(), meta.mtime(), meta.mtime_nsec())
    };
    ["hooks.json", "config.toml", "hook-spool/install.json"].map(stamp).to_vec()
}

/// What the library needs to do as the installed program does.
pub(crate) fn environment(sandbox: &Sandbox, path: &Path) -> Environment {
    Environment {
        codex_home: Some(sandbox.codex_home().into()),
        home: Some(sandbox.home()),
        path: Some(path.into()),
        cwd: sandbox.project(),
        program: sandbox.bin().join("hook-cli"),
        ..Environment::default()
    }
}

pub(crate) fn request(environment: &Environment) -> InstallRequest {
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

/// A foreign hook, known by a word that its script does not read.
pub(crate) fn foreign(sandbox: &Sandbox, name: &str) -> String {
    format!("{} {name}", sandbox.dump_command())
}

/// All `count` foreign hooks are trusted, and a turn runs them.
#[track_caller]
pub(crate) fn assert_foreign_hooks_run(sandbox: &Sandbox, count: usize) {
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
