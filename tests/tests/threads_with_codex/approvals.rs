//! Turns in which Codex asks for an approval.

use std::sync::{Arc, Condvar, Mutex, mpsc};

use codex_hook_tests::{Config, Decision, Gate, Scenario, Step};
use codex_spool::{Status, Thread};

use crate::support::{Folded, assert_at_rest, fold, recording, trusting};

/// Plays a turn that asks for `scenario`'s approvals, each answered by `decision`. Gives the thread as it was while the
/// first was asked for, and what came of it.
fn play(name: &str, scenario: Scenario, decision: Decision) -> (Thread, Folded) {
    let sandbox = recording(&Config::asking());
    let (asked, told) = mpsc::channel();
    let gate = Arc::new(Latch::default());
    let latch = Arc::clone(&gate);
    let app = trusting(sandbox.app_builder().on_request(move |_| {
        let _ = asked.send(());
        latch.wait();
        decision
    }));
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask.", scenario));
    told.recv().expect("the approval is asked for");
    let waiting = fold(&sandbox, name).thread();
    gate.open();
    app.wait_for_turn(&turn);
    assert!(app.close().success());
    (waiting, fold(&sandbox, name))
}

/// Holds an answer back.
#[derive(Default)]
struct Latch {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    fn wait(&self) {
        let is_open = self.is_open.lock().expect("nobody panics while holding it");
        drop(self.opened.wait_while(is_open, |open| !*open).expect("nobody panics while holding it"));
    }

    fn open(&self) {
        *self.is_open.lock().expect("nobody panics while holding it") = true;
        self.opened.notify_all();
    }
}

fn asking() -> Scenario {
    Scenario::new().escalated("echo done", "May I?")
}

#[track_caller]
fn assert_waiting(thread: &Thread) {
    assert_eq!(thread.status, Status::Waiting, "{thread:#?}");
    let asked = thread.waiting_for.as_ref().expect("it says for what");
    assert_eq!((&*asked.tool, &*asked.command), ("Bash", "echo done"));
    assert_eq!((asked.reason.as_deref(), asked.since), (Some("May I?"), thread.since));
    assert_eq!(thread.tools.len(), 1);
}

const ASKED: &str = "turn_started tool_started approval_requested approval_resolved tool_finished";

#[test]
fn an_approval_that_is_accepted() {
    let (waiting, folded) = play("approval_accepted", asking(), Decision::Accept);
    assert_waiting(&waiting);
    assert_eq!(folded.changes(), format!("{ASKED} turn_completed idle ended"));
    assert_at_rest(&folded.thread(), Status::Ended);
    assert_eq!((folded.thread().approvals, folded.thread().tool_calls), (1, 1));
}

#[test]
fn an_approval_that_is_declined() {
    let (waiting, folded) = play("approval_declined", asking(), Decision::Decline);
    assert_waiting(&waiting);
    // No hook tells of the denial: the next request to the model does.
    assert_eq!(folded.changes(), format!("{ASKED} turn_completed idle ended"));
    assert_eq!(folded.thread().approvals, 1);
}

#[test]
fn an_approval_that_is_cancelled() {
    let (waiting, folded) = play("approval_cancelled", asking(), Decision::Cancel);
    assert_waiting(&waiting);
    assert_eq!(folded.changes(), format!("{ASKED} turn_interrupted ended"));
}

#[test]
fn an_approval_that_is_asked_for_again() {
    let scenario = asking().escalated("echo done", "May I?");
    let (waiting, folded) = play("approval_repeated", scenario, Decision::Accept);
    assert_waiting(&waiting);
    let again = ASKED.strip_prefix("turn_started ").expect("it begins so");
    assert_eq!(folded.changes(), format!("{ASKED} {again} turn_completed idle ended"));
    assert_eq!((folded.thread().approvals, folded.thread().tool_calls), (2, 2));
}

#[test]
fn an_approval_beside_a_tool_that_runs() {
    let step = Step::new().shell("echo beside").escalated("echo done", "May I?");
    let (waiting, folded) = play("approval_beside_a_tool", Scenario::new().step(step), Decision::Accept);
    assert_eq!(waiting.status, Status::Waiting);
    assert_at_rest(&folded.thread(), Status::Ended);
    assert_eq!((folded.thread().approvals, folded.thread().tool_calls), (1, 2));
}

#[test]
fn a_patch_that_is_approved_is_known_by_its_files() {
    let patch = "*** Begin Patch\n*** Add File: new.txt\n+x\n*** End Patch\n";
    let scenario = Scenario::new().apply_patch(patch);
    let (waiting, folded) = play("approval_of_a_patch", scenario, Decision::Accept);
    let asked = waiting.waiting_for.expect("it is asked for");
    assert_eq!((&*asked.tool, &*asked.command), ("apply_patch", "new.txt"));
    // Codex trims the patch that it asks about; it is the same approval all the same.
    assert_eq!(folded.changes(), format!("{ASKED} turn_completed idle ended"));
}

#[test]
fn a_thread_waits_no_longer_once_the_model_is_asked() {
    let sandbox = recording(&Config::asking());
    let app = trusting(sandbox.app_builder().on_request(|_| Decision::Decline));
    let gate = Gate::new();
    let scenario = asking().step(Step::new().gate(&gate));
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask.", scenario));
    gate.wait_until_reached();
    let thread = fold(&sandbox, "declined_and_thinking").thread();
    assert_at_rest(&thread, Status::Running);
    gate.open();
    app.wait_for_turn(&turn);
}
