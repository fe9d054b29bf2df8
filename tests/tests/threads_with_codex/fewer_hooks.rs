//! Sessions with the hooks that `hook install` registers: requests to the model fire none, and the transcript tells what
//! these would have told.

use codex_hook_tests::{Config, Decision, Gate, Scenario, Step};
use codex_spool::Status;
use serde_json::json;

use crate::support::{Folded, assert_at_rest, fold, recording_by_default, told, trusting};

#[test]
fn a_turn_with_tools_is_told_all_the_same() {
    let sandbox = recording_by_default(&Config::new());
    let scenario = Scenario::new().shell("echo one").step(Step::new().shell("echo two").shell("echo three"));
    let prompt = sandbox.model().prompt("Work.", scenario);
    sandbox.exec(&prompt).bypass_trust().run().assert_success();
    let folded = fold(&sandbox, "fewer_hooks_tools");
    let changes = folded.changes();
    let count = |word: &str| changes.split(' ').filter(|change| *change == word).count();
    assert!(changes.starts_with("turn_started tool_started tool_finished tool_started"), "{changes}");
    assert!(changes.ends_with("tool_finished turn_completed idle ended"), "{changes}");
    assert_eq!((count("tool_started"), count("tool_finished")), (3, 3), "{changes}");
}

/// Plays a turn up to the request to the model that follows its first step.
fn until_the_model_is_asked_again(config: &Config, step: Step, name: &str) -> Folded {
    let sandbox = recording_by_default(config);
    let app = trusting(sandbox.app_builder().on_request(|_| Decision::Decline));
    let gate = Gate::new();
    let scenario = Scenario::new().step(step).step(Step::new().gate(&gate));
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask.", scenario));
    gate.wait_until_reached();
    let mut folded = fold(&sandbox, name);
    let before = folded.changes();
    let transitions = folded.reconcile();
    folded.transitions.extend(transitions);
    assert!(folded.changes().len() > before.len(), "nothing was told: {before}");
    gate.open();
    app.wait_for_turn(&turn);
    folded
}

#[test]
fn an_approval_that_is_declined_is_told_by_the_transcript() {
    let step = Step::new().escalated("echo done", "May I?");
    let folded = until_the_model_is_asked_again(&Config::asking(), step, "fewer_hooks_declined");
    let (hooks, transcript) = folded.transitions.split_at(3);
    assert_eq!(crate::support::changes(hooks), "turn_started tool_started approval_requested");
    assert_eq!(told(transcript), "approval_resolved by transcript, tool_finished by transcript");
    assert_at_rest(&folded.thread(), Status::Running);
}

#[test]
fn a_command_in_the_background_is_told_by_the_transcript() {
    let step = Step::new().shell_with("sleep 600", json!({"yield_time_ms": 250}));
    let folded = until_the_model_is_asked_again(&Config::new(), step, "fewer_hooks_yielded");
    let (hooks, transcript) = folded.transitions.split_at(2);
    assert_eq!(crate::support::changes(hooks), "turn_started tool_started");
    assert_eq!(told(transcript), "tool_finished by transcript");
    assert_at_rest(&folded.thread(), Status::Running);
}

#[test]
fn a_model_that_fails_is_told_by_the_transcript() {
    let sandbox = recording_by_default(&Config::new());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    assert_eq!(app.turn(&id, &sandbox.model().prompt("Fail.", Scenario::new().fail(500))).status, "failed");
    let mut folded = fold(&sandbox, "fewer_hooks_model_failure");
    assert_eq!(folded.changes(), "turn_started");
    assert_eq!(told(&folded.reconcile()), "turn_failed by transcript");
    assert_at_rest(&folded.thread(), Status::Failed);
}
