//! Turns that do not end well, and Codex processes that are killed.

use std::time::{Duration, SystemTime};

use codex_hook_tests::{Config, Gate, Scenario, Signal, Step, hook};
use codex_spool::{Capture, Status, ThreadIndex};

use crate::support::{assert_at_rest, changes, fold, recording, told, trusting};

#[test]
fn an_interrupt_in_a_tool() {
    let sandbox = recording(&Config::new());
    let gate = sandbox.shell_gate();
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    let turn = app.start_turn(&id, &sandbox.model().prompt("Work.", Scenario::new().shell(&gate.command())));
    gate.wait_until_reached();
    assert_eq!(app.interrupt(&id, &turn).status, "interrupted");
    let folded = fold(&sandbox, "interrupt_in_a_tool");
    assert_eq!(folded.changes(), "turn_started tool_started tool_finished turn_interrupted");
    assert_at_rest(&folded.thread(), Status::Interrupted);
    // It goes on with the next prompt.
    assert_eq!(app.turn(&id, "Go on.").status, "completed");
    assert!(app.close().success());

    let folded = fold(&sandbox, "interrupt_in_a_tool");
    assert_eq!(
        folded.changes(),
        "turn_started tool_started tool_finished turn_interrupted turn_started turn_completed idle ended"
    );
}

#[test]
fn an_interrupt_in_a_model_request() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    let turn = app.start_turn(&id, &prompt);
    gate.wait_until_reached();
    assert_eq!(app.interrupt(&id, &turn).status, "interrupted");
    assert!(app.close().success());

    let folded = fold(&sandbox, "interrupt_in_a_model_request");
    assert_eq!(folded.changes(), "turn_started turn_interrupted ended");
}

#[test]
fn an_exec_that_is_interrupted() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Wait.", Scenario::new().step(Step::new().gate(&gate)));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().status.code(), Some(1));

    let folded = fold(&sandbox, "exec_interrupted");
    assert_eq!(folded.changes(), "turn_started turn_interrupted ended");
}

#[test]
fn a_model_that_fails_is_told_by_the_transcript() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    assert_eq!(app.turn(&id, &sandbox.model().prompt("Fail.", Scenario::new().fail(500))).status, "failed");
    let mut folded = fold(&sandbox, "model_failure");
    // No hook says so.
    assert_eq!(folded.changes(), "turn_started");
    assert_eq!(folded.thread().status, Status::Running);
    assert_eq!(told(&folded.reconcile()), "turn_failed by transcript");
    assert_at_rest(&folded.thread(), Status::Failed);
    assert_eq!(folded.reconcile(), []);

    // The next prompt says so too.
    assert_eq!(app.turn(&id, "Again.").status, "completed");
    assert!(app.close().success());
    let folded = fold(&sandbox, "model_failure");
    assert_eq!(folded.changes(), "turn_started turn_failed turn_started turn_completed idle ended");
}

#[test]
fn an_exec_whose_model_fails_has_failed_when_it_ends() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Fail.", Scenario::new().fail(500));
    assert!(!sandbox.exec(&prompt).bypass_trust().run().status.success());
    let folded = fold(&sandbox, "exec_model_failure");
    assert_eq!(folded.changes(), "turn_started turn_failed ended");
}

/// Kills a `codex exec` in the middle of a tool; `SIGTERM` is no different.
fn kill_in_a_tool(signal: Signal, name: &str) {
    let sandbox = recording(&Config::new());
    let gate = sandbox.shell_gate();
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell(&gate.command()));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    let mut folded = fold(&sandbox, name);
    assert_eq!(folded.thread().status, Status::Tool);
    assert_eq!(folded.reconcile(), [], "it lives");
    running.signal(signal);
    running.wait();

    // Not even the journal knows, whoever reads it.
    let mut later = fold(&sandbox, name);
    for folded in [&mut folded, &mut later] {
        assert_eq!(folded.changes(), "turn_started tool_started");
        let transitions = folded.reconcile();
        assert_eq!(changes(&transitions), "tool_finished turn_interrupted ended");
        assert!(told(&transitions).ends_with("ended by process"));
        assert_at_rest(&folded.thread(), Status::Ended);
    }
}

#[test]
fn a_codex_killed_in_a_turn_has_ended() {
    kill_in_a_tool(Signal::Kill, "killed");
}

#[test]
fn a_codex_terminated_in_a_turn_has_ended() {
    kill_in_a_tool(Signal::Terminate, "terminated");
}

#[test]
fn an_app_server_killed_while_it_is_idle_has_ended_its_threads() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    app.turn(&app.start_thread(), "Begin.");
    app.turn(&app.start_thread(), "Begin.");
    app.signal(Signal::Kill);
    app.wait_for_exit();
    let mut folded = fold(&sandbox, "killed_while_idle");
    assert_eq!(told(&folded.reconcile()), "ended by process, ended by process");
}

#[test]
fn an_app_server_terminated_in_a_turn_says_so_itself() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let app = trusting(sandbox.app_builder());
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    app.start_turn(&app.start_thread(), &prompt);
    gate.wait_until_reached();
    app.signal(Signal::Terminate);
    app.wait_for_exit();
    let folded = fold(&sandbox, "app_server_terminated");
    assert_eq!(folded.changes(), "turn_started turn_interrupted ended");
}

#[test]
fn a_thread_that_is_resumed_after_a_kill_goes_on() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Kill);
    running.wait();
    let mut folded = fold(&sandbox, "resumed_after_a_kill");
    let id = folded.thread().thread_id.to_string();
    folded.reconcile();
    sandbox.exec("Go on.").resume(&id).bypass_trust().run().assert_success();

    // Whether the kill was noticed or not.
    let all = fold(&sandbox, "resumed_after_a_kill");
    let next = "turn_started turn_completed idle ended";
    assert_eq!(all.changes(), format!("turn_started turn_interrupted {next}"));
    let events = hook(&sandbox).events();
    let transitions: Vec<_> = events.iter().flat_map(|event| folded.index.apply(event)).collect();
    assert_eq!(changes(&transitions), next);
    assert_eq!(folded.thread(), all.thread());
}

#[test]
fn a_turn_in_which_nothing_happens_for_long_is_stalled_until_it_goes_on() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let app = trusting(sandbox.app_builder());
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    let turn = app.start_turn(&app.start_thread(), &prompt);
    gate.wait_until_reached();
    let mut folded = fold(&sandbox, "stalled");
    let later = |seconds| SystemTime::now() + Duration::from_secs(seconds);
    assert_eq!(folded.index.reconcile(later(50)), []);
    assert_eq!(told(&folded.index.reconcile(later(70))), "stalled by transcript");
    assert_eq!(folded.thread().status, Status::Stalled);
    assert_eq!(folded.index.reconcile(later(80)), []);
    gate.open();
    app.wait_for_turn(&turn);
    let events = hook(&sandbox).events();
    let transitions: Vec<_> = events.iter().flat_map(|event| folded.index.apply(event)).collect();
    assert_eq!(changes(&transitions), "turn_completed idle");
}

#[test]
fn a_number_that_another_program_got_is_not_the_codex_that_had_it() {
    let sandbox = recording(&Config::new());
    sandbox.exec("Begin.").bypass_trust().run().assert_success();
    let spool = hook(&sandbox).spool();
    let before = SystemTime::now() - Duration::from_secs(3600);
    // Two events of an hour ago, by a process that had the number which this test has now.
    let mut index = ThreadIndex::new();
    for kind in ["UserPromptSubmit", "PreModelRequest"] {
        let payload =
            format!(r#"{{"hook_event_name":"{kind}","session_id":"old","turn_id":"t","prompt":"x"}}"#);
        let capture = Capture::at(before).parent_pid(std::process::id());
        spool.record(payload.as_bytes(), &capture).expect("it can be recorded");
    }
    let old = "old".parse().expect("a thread id");
    for event in spool.journal().expect("there is one").thread(&old) {
        index.apply(&event.expect("it is whole"));
    }
    assert_eq!(told(&index.reconcile(SystemTime::now())), "turn_interrupted by process, ended by process");
}
