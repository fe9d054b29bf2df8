//! Many threads at once.

use codex_hook_tests::{Config, Gate, Scenario, Step};
use codex_spool::Status;

use crate::support::{assert_at_rest, fold, recording, trusting};

#[test]
fn an_app_server_with_ten_threads_at_once() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    let gates: Vec<Gate> = (0..10).map(|_| Gate::new()).collect();
    let turns: Vec<(String, String)> = gates
        .iter()
        .map(|gate| {
            let thread = app.start_thread();
            let scenario = Scenario::new().shell("echo working").step(Step::new().gate(gate));
            let turn = app.start_turn(&thread, &sandbox.model().prompt("Work.", scenario));
            (thread, turn)
        })
        .collect();
    gates.iter().for_each(Gate::wait_until_reached);
    let folded = fold(&sandbox, "ten_threads");
    assert_eq!(folded.index.len(), 10);
    for (thread, _) in &turns {
        assert_at_rest(&folded.of(thread), Status::Running);
    }
    for (gate, (_, turn)) in gates.iter().zip(&turns) {
        gate.open();
        assert_eq!(app.wait_for_turn(turn).status, "completed");
    }
    assert!(app.close().success());

    let folded = fold(&sandbox, "ten_threads");
    for (thread, turn) in &turns {
        assert_eq!(
            folded.changes_of(thread),
            "turn_started tool_started tool_finished turn_completed idle ended"
        );
        assert_eq!(folded.of(thread).turn_id.as_ref(), Some(turn));
    }
}
