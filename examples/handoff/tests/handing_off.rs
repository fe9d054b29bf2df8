//! What handoff promises, against the real Codex.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use codex_hook_tests::{
    AppServers, Config, Decision, Gate, Hooks, Ran, Sandbox, Scenario, Step, hook, run as run_command,
};
use serde_json::Value;

/// A sandbox with `codex` in its `PATH`, in which every event is recorded.
fn recording(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config).with_programs();
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    sandbox.app().trust();
    sandbox
}

fn command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_handoff"));
    command.env("USER", "tester").args(args);
    command
}

#[track_caller]
fn handoff(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let ran = run_command(&mut command(sandbox, args), b"");
    ran.assert_printed().into_iter().map(str::to_owned).collect()
}

fn refused(sandbox: &Sandbox, args: &[&str]) -> String {
    let ran: Ran = run_command(&mut command(sandbox, args), b"");
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    ran.stderr
}

/// A `handoff run` that goes on. Dropping it kills it, as `kill -9` does.
struct Runs(Child);

impl Runs {
    fn start(sandbox: &Sandbox) -> Self {
        let child = command(sandbox, &["run"]).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.expect("it can be started"))
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it can be waited for");
    }
}

fn request(sandbox: &Sandbox, key: &str) -> Value {
    let lines = handoff(sandbox, &["list", "--all", "--json"]);
    let requests = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
    requests.into_iter().find(|request| request["key"] == key).expect("it was sent")
}

/// Waits until a request is in that state.
#[track_caller]
fn wait_for(sandbox: &Sandbox, key: &str, state: &str) -> Value {
    for _ in 0..600 {
        let request = request(sandbox, key);
        if request["state"] == state {
            return request;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{key} is not {state} within a minute: {}", request(sandbox, key));
}

/// The turn that a request became.
#[track_caller]
fn turn_of(sandbox: &Sandbox, key: &str) -> String {
    wait_for(sandbox, key, "delivered")["end"]["turn_id"].as_str().expect("it has a turn").to_owned()
}

/// In which turns, by the transcript, a request is.
fn turns_with(sandbox: &Sandbox, thread: &str, key: &str) -> Vec<String> {
    let events = hook(sandbox).events();
    let event = events.iter().find(|event| event.thread_id().is_some_and(|id| id.as_str() == thread));
    let payload: Value = serde_json::from_str(event.expect("it is recorded").payload()).expect("it is JSON");
    let path = payload["transcript_path"].as_str().expect("it has a transcript");
    let lines = fs::read_to_string(path).expect("the transcript can be read");
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["payload"]["item"]["client_id"] == format!("handoff:{key}"))
        .map(|line| line["payload"]["turn_id"].as_str().expect("it has a turn").to_owned())
        .collect()
}

/// A thread that has had a turn, and is not loaded.
fn unloaded_thread(sandbox: &Sandbox) -> String {
    sandbox.exec("First.").run().assert_success().thread_id()
}

#[test]
fn a_follow_up_is_delivered_the_moment_the_turn_is_over_and_the_trail_tells_all() {
    let sandbox = recording(&Config::new());
    let _servers = AppServers::of(&sandbox);
    let _runs = Runs::start(&sandbox);
    let gate = Gate::new();
    let work = sandbox.model().prompt("Work.", Scenario::new().step(Step::new().gate(&gate)));
    let exec = sandbox.exec(&work).spawn();
    gate.wait_until_reached();
    let project = sandbox.project();
    let project = project.to_str().expect("it is UTF-8");
    let send =
        ["send", "--cwd", project, "--id", "next", "--from", "ci", "--reason", "red build", "Mend it."];
    assert_eq!(handoff(&sandbox, &send), ["next"]);
    assert_eq!(handoff(&sandbox, &send), ["next"], "the same key is the same request");
    assert!(
        refused(&sandbox, &["send", "--cwd", project, "--id", "next", "Other."]).contains("another --id")
    );
    // It has been looked at, and waits.
    while request(&sandbox, "next")["thread"].is_null() {}
    assert_eq!(sandbox.model().requests().len(), 1);
    gate.open();
    let thread = exec.wait().assert_success().thread_id();
    let turn = turn_of(&sandbox, "next");
    assert_eq!(turns_with(&sandbox, &thread, "next"), [turn]);
    let request = request(&sandbox, "next");
    assert_eq!((&request["from"], &request["reason"]), (&"ci".into(), &"red build".into()));
    assert_eq!(request["thread"], thread);
    assert!(refused(&sandbox, &["cancel", "next"]).contains("delivered"));
}

#[test]
fn whoever_is_killed_in_the_middle_it_is_delivered_once() {
    let sandbox = recording(&Config::new());
    let servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    for who in ["handoff", "both"] {
        // Codex asks its hooks before it writes a prompt down.
        let gate = sandbox.shell_gate();
        let once = sandbox.root().join(who);
        let hold = format!("test -e {0} || {{ touch {0}; {1}; }}", once.display(), gate.command());
        sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()).and(hold));
        sandbox.app().trust();
        handoff(&sandbox, &["send", "--thread", &thread, "--id", who, "Go on."]);
        let runs = Runs::start(&sandbox);
        gate.wait_until_reached();
        drop(runs);
        if who == "both" {
            servers.kill();
        }
        gate.open();
        handoff(&sandbox, &["run", "--once"]);
        let turn = turn_of(&sandbox, who);
        assert_eq!(turns_with(&sandbox, &thread, who), [turn]);
    }
    assert!(handoff(&sandbox, &["list"]).is_empty());
}

#[test]
fn urgent_ones_go_into_the_turn_or_end_it() {
    let sandbox = recording(&Config::new());
    let _servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    let gate = Gate::new();
    let work =
        Scenario::new().step(Step::new().shell("true").gate(&gate)).step(Step::new().gate(&Gate::new()));
    let work = sandbox.model().prompt("Work.", work);
    let _runs = Runs::start(&sandbox);
    let send = |key: &str, how: &[&str], text: &str| {
        handoff(&sandbox, &[&["send", "--thread", &thread, "--id", key], how, &[text]].concat());
    };
    send("work", &[], &work);
    gate.wait_until_reached();
    let turn = turn_of(&sandbox, "work");
    send("later", &[], "Then that.");
    send("steered", &["--steer"], "And mind the gap.");
    wait_for(&sandbox, "steered", "steered");
    gate.open();
    assert_eq!(turn_of(&sandbox, "steered"), turn);
    send("now", &["--interrupt"], "Stop that.");
    let now = turn_of(&sandbox, "now");
    assert_eq!(request(&sandbox, "now")["interrupted"], turn);
    let later = turn_of(&sandbox, "later");
    assert!(now != turn && later != turn && later != now);
    for (key, turn) in [("steered", turn), ("now", now), ("later", later)] {
        assert_eq!(turns_with(&sandbox, &thread, key), [turn]);
    }
}

#[test]
fn nothing_goes_over_an_open_approval_and_what_another_codex_keeps_goes_through_its_queue() {
    let sandbox = recording(&Config::asking());
    let _servers = AppServers::of(&sandbox);
    let idle = unloaded_thread(&sandbox);
    let (person, asked) = (Gate::new(), Gate::new());
    let (answer, reached) = (person.clone(), asked.clone());
    // An editor: it has the thread loaded, and a person before it.
    let app = sandbox.app_builder().on_request(move |_| {
        reached.open();
        answer.wait_until_open();
        Decision::Accept
    });
    let app = app.start();
    let thread = app.start_thread();
    let asks = sandbox.model().prompt("Ask.", Scenario::new().escalated("true", "for a reason"));
    let turn = app.start_turn(&thread, &asks);
    asked.wait_until_open();
    let _runs = Runs::start(&sandbox);
    for key in ["steer", "interrupt"] {
        handoff(&sandbox, &["send", "--thread", &thread, "--id", key, &format!("--{key}"), "Go on."]);
        // One that is sent later is considered later.
        let later = format!("after {key}");
        handoff(&sandbox, &["send", "--thread", &idle, "--id", &later, "Meanwhile."]);
        turn_of(&sandbox, &later);
        assert_eq!(request(&sandbox, key)["state"], "waiting");
        handoff(&sandbox, &["cancel", key]);
    }
    handoff(&sandbox, &["send", "--thread", &thread, "--id", "follow-up", "Go on."]);
    person.open();
    assert_eq!(app.wait_for_turn(&turn).status, "completed");
    let own = turn_of(&sandbox, "follow-up");
    assert_ne!(own, turn);
    assert_eq!(turns_with(&sandbox, &thread, "follow-up"), [own]);
    assert_eq!(request(&sandbox, "follow-up")["is_handed_over"], true);
    assert!(app.close().success());
}

#[test]
fn an_approval_is_told_to_people_and_left_to_them() {
    let sandbox = recording(&Config::asking());
    let _servers = AppServers::of(&sandbox);
    // One that `codex exec` has made never asks, whoever goes on with it.
    let app = sandbox.app();
    let thread = app.start_thread();
    app.turn(&thread, "First.");
    assert!(app.close().success());
    let asks = sandbox.model().prompt("Ask.", Scenario::new().escalated("true", "for a reason"));
    handoff(&sandbox, &["send", "--thread", &thread, "--id", "ask", &asks]);
    // Also by one that begins when it is open already.
    for _ in 0..2 {
        let run = command(&sandbox, &["run"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut runs = Runs(run.expect("it can be started"));
        let stdout = runs.0.stdout.take().expect("it is a pipe");
        let told =
            BufReader::new(stdout).lines().map_while(Result::ok).find(|line| line.contains("approval"));
        let told = told.expect("it goes on");
        assert!(told.starts_with(&thread), "{told}");
        assert!(told.contains("codex resume --remote unix://") && told.ends_with(&thread), "{told}");
    }
    assert_eq!(sandbox.model().requests().len(), 2, "nobody has answered");
}

#[test]
fn what_cannot_be_a_thread_is_given_up_and_nobody_has_to_read_what_is_told() {
    let sandbox = recording(&Config::new());
    let _servers = AppServers::of(&sandbox);
    handoff(&sandbox, &["send", "--thread", "nonsense", "--id", "one", "Go on."]);
    assert!(refused(&sandbox, &["send", "--thread", "another", "--id", "one", "Go on."]).contains("another"));
    let ran = run_command(&mut command(&sandbox, &["run", "--once"]), b"");
    assert_eq!(ran.stderr, "handoff: one: Codex knows no such thread\n");
    assert_eq!(request(&sandbox, "one")["state"], "failed");
    handoff(&sandbox, &["send", "--thread", "nonsense", "--id", "two", "Go on."]);
    handoff(&sandbox, &["cancel", "two"]);
    let listed = command(&sandbox, &["list", "--all"]).stdout(Stdio::piped()).spawn();
    let mut listed = listed.expect("it can be started");
    drop(listed.stdout.take());
    assert!(listed.wait().expect("it ends").success());
}

#[test]
fn what_is_cancelled_in_time_is_never_delivered() {
    let sandbox = recording(&Config::new());
    let _servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    handoff(&sandbox, &["send", "--thread", &thread, "--id", "one", "Not this."]);
    handoff(&sandbox, &["send", "--thread", &thread, "--id", "two", "But this."]);
    handoff(&sandbox, &["cancel", "one"]);
    handoff(&sandbox, &["run", "--once"]);
    turn_of(&sandbox, "two");
    assert_eq!(request(&sandbox, "one")["state"], "cancelled");
    assert!(turns_with(&sandbox, &thread, "one").is_empty());
    assert!(refused(&sandbox, &["cancel", "three"]).contains("nothing was sent"));
}

#[test]
fn a_line_of_the_log_that_a_crash_has_torn_was_never_there() {
    let sandbox = Sandbox::new().with_programs();
    handoff(&sandbox, &["send", "--thread", "t", "--id", "one", "Go on."]);
    let log = sandbox.home().join(".local/state/codex-handoff/log.jsonl");
    let whole = fs::read(&log).expect("the log can be read");
    for torn in 1..whole.len() {
        fs::write(&log, [&whole[..], &whole[..torn]].concat()).expect("the log can be written");
        handoff(&sandbox, &["send", "--thread", "t", "--id", "two", "Go on."]);
        let listed = handoff(&sandbox, &["list"]);
        let keys: Vec<&str> = listed.iter().filter_map(|line| line.split("  ").next()).collect();
        assert_eq!(keys, ["one", "two"], "{torn}");
    }
}
