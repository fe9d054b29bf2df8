//! Runs `hook-cli` in a home of its own, and takes what it prints apart.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::home::{COMMAND, Home};

/// Runs `hook-cli` with an environment of its own: nothing on PATH but what the test puts into `bin`.
pub(crate) fn hook(home: &Home, args: &[&str]) -> Output {
    command(home, args).output().expect("runs")
}

pub(crate) fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hook-cli"));
    command.args(args).env_clear().current_dir(home.root()).stdin(Stdio::null());
    command.env("CODEX_HOME", home.path("")).env("HOME", home.root()).env("PATH", home.root().join("bin"));
    command
}

pub(crate) fn command_with_tools(home: &Home, args: &[&str]) -> Output {
    let path = format!("{}:/usr/bin:/bin", home.root().join("bin").display());
    command(home, args).env("PATH", path).output().expect("runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A program on the test's PATH.
pub(crate) fn program(home: &Home, name: &str, script: &str) -> PathBuf {
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).expect("creates");
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("sets");
    path
}

pub(crate) fn installed() -> Home {
    let home = Home::new();
    assert!(hook(&home, &["install", "--command", COMMAND]).status.success());
    home
}

/// Where a spool keeps an event.
pub(crate) const DAY: &str = "journal/2026-11-21";

pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef";

/// Runs a command line at a terminal, which `script` is, with something typed there. `None`: there is no `script` here.
pub(crate) fn at_a_terminal(home: &Home, line: &str, typed: &[u8]) -> Option<(Option<i32>, String)> {
    let line = format!("{} {line}", env!("CARGO_BIN_EXE_hook-cli"));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("CODEX_HOME", home.path("")).env("HOME", home.root());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take().expect("piped").write_all(typed).expect("writes");
    let output = child.wait_with_output().expect("ends");
    Some((output.status.code(), stdout(&output).replace('\r', "")))
}
