//! What the driver promises, against the real Codex.

#![cfg(unix)]

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use codex_driver::{Addressee, Codex, Confinement, Outcome, Pending, Place, Run, find_prompt};
use codex_hook_tests::{
    App, AppServers, Config, Gate, Hooks, Sandbox, Scenario, Signal, Step, Tmux, codex_binary,
};
use serde_json::json;

fn driver(sandbox: &Sandbox) -> Codex {
    let mut codex =
        Codex::new(sandbox.root().join("driver")).program(codex_binary()).home(sandbox.codex_home());
    for (name, value) in sandbox.codex().get_envs() {
        codex = codex.env(name, value.expect("it is set"));
    }
    codex
}

fn transcript(app: &App, thread: &str) -> PathBuf {
    let read = app.call("thread/read", json!({ "threadId": thread }));
    read["thread"]["path"].as_str().expect("it has a transcript").into()
}

/// A thread that has had a turn, and is not loaded.
fn unloaded_thread(sandbox: &Sandbox) -> String {
    let prompt = sandbox.model().prompt("First.", Scenario::new());
    sandbox.exec(&prompt).run().assert_success().thread_id()
}

fn delivered(outcome: Outcome) -> String {
    match outcome {
        Outcome::Delivered { turn_id } => turn_id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prompt_is_delivered_once_whoever_asks_however_often() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    let before = sandbox.model().requests().len();
    let prompt = sandbox.model().prompt("Second.", Scenario::new());
    let turn = delivered(driver(&sandbox).deliver(&thread, "key", &prompt).expect("delivered"));
    assert_eq!(delivered(driver(&sandbox).deliver(&thread, "key", &prompt).expect("delivered")), turn);
    sandbox.model().wait_for_requests(before + 1);
    while !driver(&sandbox).release().expect("it ends") {}
    assert_eq!(sandbox.model().requests().len(), before + 1);
    // Whoever comes now can have the thread.
    sandbox.exec("Third.").resume(&thread).run().assert_success();
    assert_eq!(driver(&sandbox).find(&thread, "key").expect("found"), Place::Turn(turn));
    assert!(driver(&sandbox).release().expect("it ends"));
}

#[test]
fn what_a_turn_may_do_is_asked_before_it_begins() {
    let sandbox = Sandbox::with(&Config::new().sandbox_mode("workspace-write"));
    let _servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    let before = sandbox.model().requests().len();
    // Codex does not keep that sandbox.
    sandbox.write_config(&Config::new());
    let may = |run: &Run| {
        assert_eq!(run.cwd, sandbox.project());
        run.confinement != Confinement::Other("dangerFullAccess".to_owned())
    };
    let mut codex = driver(&sandbox);
    assert_eq!(codex.deliver_if(&thread, "key", "Second.", may).expect("asked"), Outcome::Refused);
    assert_eq!(codex.find(&thread, "key").expect("looked for"), Place::Nowhere);
    assert!(codex.release().expect("it ends"));
    assert_eq!(sandbox.model().requests().len(), before);
    sandbox.write_config(&Config::new().sandbox_mode("workspace-write"));
    let thread = unloaded_thread(&sandbox);
    let turn = delivered(codex.deliver_if(&thread, "key", "Second.", may).expect("delivered"));
    assert_eq!(codex.find(&thread, "key").expect("found"), Place::Turn(turn));
}

#[test]
fn a_prompt_that_a_killed_codex_has_lost_is_delivered_again() {
    let sandbox = Sandbox::new();
    let servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    // Codex asks its hooks before it writes the prompt down.
    let gate = sandbox.shell_gate();
    let hook = format!("test -e once || {{ touch once; {}; }}", gate.command());
    sandbox.write_hooks(&Hooks::new(hook).events(&["UserPromptSubmit"]));
    sandbox.app().trust();
    let prompt = sandbox.model().prompt("Second.", Scenario::new());
    std::thread::scope(|scope| {
        let lost = scope.spawn(|| driver(&sandbox).deliver(&thread, "key", &prompt));
        gate.wait_until_reached();
        servers.kill();
        lost.join().expect("it does not panic").expect_err("its server is gone");
    });
    assert_eq!(driver(&sandbox).find(&thread, "key").expect("looked for"), Place::Nowhere);
    let turn = delivered(driver(&sandbox).deliver(&thread, "key", &prompt).expect("delivered"));
    assert_eq!(delivered(driver(&sandbox).deliver(&thread, "key", &prompt).expect("delivered")), turn);
}

#[test]
fn where_the_background_server_of_the_terminals_runs_it_is_used() {
    let sandbox = Sandbox::new();
    let servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    let socket = sandbox.codex_home().join("app-server-control/app-server-control.sock");
    std::fs::create_dir(socket.parent().expect("it has one")).expect("the sandbox can be written to");
    let mut server = sandbox.codex();
    server.args(["app-server", "--listen", &format!("unix://{}", socket.display())]);
    let mut server = server.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be started");
    while !socket.canonicalize().is_ok_and(|socket| UnixStream::connect(socket).is_ok()) {}
    let mut codex = driver(&sandbox);
    let turn = delivered(codex.deliver(&thread, "key", "Second.").expect("delivered"));
    assert_eq!(codex.find(&thread, "key").expect("found"), Place::Turn(turn));
    assert_eq!(codex.attach_command(&thread)[1..], ["resume", &thread], "as people do");
    assert!(!sandbox.root().join("driver/server.sock").exists());
    assert!(codex.release().expect("there is none"));
    assert!(server.try_wait().expect("it can be asked").is_none(), "it is not the driver's to end");
    servers.kill();
    server.wait().expect("it can be waited for");
}

#[test]
fn a_prompt_that_a_hook_blocks_is_told_as_such() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let thread = unloaded_thread(&sandbox);
    sandbox.write_hooks(&Hooks::new("echo no >&2; exit 2").events(&["UserPromptSubmit"]));
    sandbox.app().trust();
    let outcome = driver(&sandbox).deliver(&thread, "key", "Second.").expect("asked");
    assert!(matches!(outcome, Outcome::Blocked { .. }), "{outcome:?}");
    assert_eq!(driver(&sandbox).find(&thread, "key").expect("asked"), Place::Nowhere);
}

#[test]
fn a_new_thread_can_be_steered_and_interrupted() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let gate = Gate::new();
    let work =
        Scenario::new().step(Step::new().shell("true").gate(&gate)).step(Step::new().gate(&Gate::new()));
    let prompt = sandbox.model().prompt("Work.", work);
    let thread = codex.create_thread(&sandbox.project(), json!({})).expect("made");
    let turn = delivered(codex.deliver(&thread, "start", &prompt).expect("delivered"));
    gate.wait_until_reached();
    assert_eq!(
        codex.deliver(&thread, "other", "Not now.").expect("asked"),
        Outcome::Busy { is_waiting: false }
    );
    assert!(!codex.steer(&thread, "01a1fe77-2dd7-7492-9c92-974673bc2056", "other", "No.").expect("asked"));
    assert!(codex.steer(&thread, &turn, "steered", "And mind the gap.").expect("steered"));
    gate.open();
    sandbox.model().wait_for_requests(2);
    assert_eq!(codex.find(&thread, "steered").expect("found"), Place::Turn(turn.clone()));
    assert!(codex.interrupt(&thread, &turn).expect("interrupted"));
    while codex.interrupt(&thread, &turn).expect("asked") {}
    let next = delivered(codex.deliver(&thread, "other", "Now.").expect("delivered"));
    assert_ne!(next, turn);
}

#[test]
fn an_approval_stays_open_until_a_person_comes() {
    let sandbox = Sandbox::with(&Config::asking());
    let _servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let prompt = sandbox.model().prompt("Ask.", Scenario::new().escalated("true", "for a reason"));
    let thread = codex.create_thread(&sandbox.project(), json!({})).expect("made");
    delivered(codex.deliver(&thread, "ask", &prompt).expect("delivered"));
    loop {
        match codex.deliver(&thread, "other", "Not now.").expect("asked") {
            Outcome::Busy { is_waiting: true } => break,
            Outcome::Busy { is_waiting: false } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(codex.is_waiting(&thread).expect("asked"));
    assert!(!codex.release().expect("asked"), "a turn waits there");
    let attach = codex.attach_command(&thread);
    let attach: Vec<String> = attach.iter().map(|word| format!("'{word}'")).collect();
    let terminal = Tmux::start(&sandbox, (120, 40), &attach.join(" "));
    // It passes over keys for a moment, lest somebody decides by mistake: they are pressed until it takes them.
    let asks = |screen: &str| screen.contains("Would you like to run the following command?");
    let offers = |screen: &str| screen.contains("Use existing model");
    if !asks(&terminal.wait_until("question", |screen| asks(screen) || offers(screen))) {
        while offers(&terminal.text()) {
            terminal.press(&["2", "Enter"]);
        }
        terminal.wait_until("question", asks);
    }
    while asks(&terminal.text()) {
        terminal.press(&["y"]);
    }
    sandbox.model().wait_for_requests(2);
    loop {
        match codex.deliver(&thread, "other", "Now.").expect("asked") {
            Outcome::Busy { .. } => {}
            outcome => break drop(delivered(outcome)),
        }
    }
}

#[test]
fn a_thread_that_another_codex_has_is_served_through_its_queue() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let app = sandbox.app();
    let thread = app.start_thread();
    app.turn(&thread, "First.");
    assert_eq!(codex.deliver(&thread, "key", "Second.").expect("asked"), Outcome::Elsewhere);
    assert_eq!(codex.enqueue(&thread, "key", "Second.").expect("queued"), Outcome::Queued);
    assert_eq!(codex.enqueue(&thread, "key", "Second.").expect("queued"), Outcome::Queued, "once");
    assert!(codex.withdraw(&thread, "key").expect("asked"));
    assert_eq!(codex.find(&thread, "key").expect("asked"), Place::Nowhere);
    assert_eq!(codex.enqueue(&thread, "key", "Second.").expect("queued"), Outcome::Queued);
    app.wait_for("item/completed", |params| params["item"]["clientId"] == "key");
    let turn = find_prompt(&transcript(&app, &thread), "key").expect("it can be read").expect("it is there");
    app.wait_for_turn(&turn);
    assert_eq!(delivered(codex.enqueue(&thread, "key", "Second.").expect("asked")), turn);
    assert!(!codex.withdraw(&thread, "key").expect("asked"));
    app.signal(Signal::Kill);
}

/// Tries a prompt that was queued until something has become of it.
fn see_through(codex: &mut Codex, thread: &str) -> Outcome {
    let mut pending = Pending::queued();
    loop {
        match pending.deliver(codex, thread, "key", "Second.", true).expect("asked") {
            Outcome::Queued | Outcome::Unconfirmed | Outcome::Busy { .. } => {}
            outcome => return outcome,
        }
    }
}

#[test]
fn what_was_queued_is_delivered_once_though_the_codex_that_had_the_thread_is_closed() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let app = sandbox.app();
    let thread = app.start_thread();
    app.turn(&thread, "First.");
    let transcript = transcript(&app, &thread);
    assert_eq!(codex.enqueue(&thread, "key", "Second.").expect("queued"), Outcome::Queued);
    app.signal(Signal::Kill);
    let turn = delivered(see_through(&mut codex, &thread));
    assert_eq!(find_prompt(&transcript, "key").expect("it can be read"), Some(turn));
    while !codex.release().expect("it ends") {}
    let lines = std::fs::read_to_string(&transcript).expect("it can be read");
    let prompts = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    assert_eq!(prompts.filter(|line| line["payload"]["item"]["client_id"] == "key").count(), 1);
}

#[test]
fn what_somebody_has_taken_out_of_the_queue_is_lost() {
    let sandbox = Sandbox::new();
    let _servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let app = sandbox.app();
    let thread = app.start_thread();
    app.turn(&thread, "First.");
    assert_eq!(codex.enqueue(&thread, "key", "Second.").expect("queued"), Outcome::Queued);
    assert!(codex.withdraw(&thread, "key").expect("asked"));
    assert_eq!(see_through(&mut codex, &thread), Outcome::Lost);
    app.signal(Signal::Kill);
}

#[test]
fn a_thread_that_codex_forgets_before_its_first_turn_is_made_again() {
    let sandbox = Sandbox::new();
    let servers = AppServers::of(&sandbox);
    let mut codex = driver(&sandbox);
    let mut addressee = Addressee::new(None, sandbox.project());
    let deliver = |addressee: &mut Addressee, codex: &mut Codex, key: &str| {
        addressee.deliver(codex, &mut Pending::default(), key, "Work.", true).expect("asked")
    };
    assert!(addressee.make(&mut codex).expect("made"));
    servers.kill();
    assert_eq!(deliver(&mut addressee, &mut codex, "one"), Outcome::NoThread);
    assert_eq!(addressee.thread, None);
    assert!(addressee.make(&mut codex).expect("made"));
    assert!(!addressee.make(&mut codex).expect("it is there"));
    delivered(deliver(&mut addressee, &mut codex, "one"));
    while !codex.release().expect("it ends") {}
    let thread = addressee.thread.clone();
    delivered(deliver(&mut addressee, &mut codex, "two"));
    assert_eq!(addressee.thread, thread);
    let mut nowhere =
        Addressee::new(Some("01a1fe77-2dd7-7492-9c92-974673bc2056".to_owned()), sandbox.project());
    assert_eq!(deliver(&mut nowhere, &mut codex, "three"), Outcome::NoThread);
    assert!(nowhere.thread.is_some(), "it is not ours to replace");
}
