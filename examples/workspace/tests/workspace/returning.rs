//! What becomes of results, by return mode.

use codex_hook_tests::{Gate, Scenario, Step, run};

use crate::support::{Desk, wait_for};

#[test]
fn a_result_wakes_the_operator_once() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", Scenario::new().answer("Seven.")));
    let wakes = desk.wait_for_wakes(1);
    assert!(wakes[0].contains(&format!("## Result {id}: completed")), "{wakes:?}");
    assert!(wakes[0].ends_with("Seven."), "{wakes:?}");
    desk.wait_until_listed(&id, "returned");
    assert_eq!(desk.ask(&["read", &id]), "Seven.");
    desk.wait_for_rest();
    assert_eq!(desk.wakes().len(), 1);
}

#[test]
fn a_result_that_came_while_no_operator_ran_wakes_it_when_one_does() {
    let desk = Desk::new();
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", Scenario::new().answer("Seven.")));
    desk.wait_for_rest();
    let _operator = desk.operate();
    assert!(desk.wait_for_wakes(1)[0].contains(&format!("## Result {id}: completed")));
}

#[test]
fn of_a_long_result_the_wake_has_the_beginning() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let answer = "é".repeat(30_000);
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", Scenario::new().answer(&answer)));
    let wakes = desk.wait_for_wakes(1);
    let end = format!("é\n[cut; the whole of it: workspace read {id}]");
    assert!(wakes[0].ends_with(&end), "{wakes:?}");
    assert_eq!(wakes[0].matches('é').count(), 20_000);
    assert_eq!(desk.ask(&["read", &id]), answer);
}

#[test]
fn a_group_wakes_the_operator_once_when_its_last_delegation_is_over_however_it_ended() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gate = Gate::new();
    let group = ["wake_on_group", "--group", "g"];
    // The first: while it is at work, the group is not whole.
    let held = Scenario::new().step(Step::new().gate(&gate).answer("2"));
    let last = desk.delegate(&group, &desk.task("Two.", held));
    let done = desk.delegate(&group, &desk.task("One.", Scenario::new().answer("1")));
    let failed = desk.delegate(&group, &desk.task("Three.", Scenario::new().fail(500)));
    desk.wait_until_listed(&done, "completed");
    desk.wait_until_listed(&failed, "failed");
    assert_eq!(desk.ask(&["groups"]), "g: 2 of 3 are over");
    assert_eq!(desk.operator_thread(), None, "nothing was returned");
    gate.open();
    let wakes = desk.wait_for_wakes(1);
    for (id, how) in [(done, "completed"), (last, "completed"), (failed, "failed")] {
        assert!(wakes[0].contains(&format!("## Result {id}: {how}, group g")), "{wakes:?}");
    }
    desk.wait_for_rest();
    assert_eq!((desk.wakes().len(), desk.ask(&["groups"])), (1, String::new()));
}

#[test]
fn a_group_with_a_size_waits_for_all_its_members() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let group = ["wake_on_group", "--group", "g", "--group-size", "2"];
    let first = desk.delegate(&group, "One.");
    desk.wait_until_listed(&first, "completed");
    assert_eq!(desk.ask(&["groups"]), "g: 1 of 2 are over");
    let second = desk.delegate(&group, "Two.");
    let wakes = desk.wait_for_wakes(1);
    assert!(wakes[0].contains(&first) && wakes[0].contains(&second), "{wakes:?}");
}

#[test]
fn what_is_recorded_held_or_detached_wakes_nobody() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let recorded = desk.delegate(&["record_only"], &desk.task("Record.", Scenario::new().answer("1")));
    let held = desk.delegate(&["manual"], &desk.task("Hold.", Scenario::new().answer("2")));
    let detached = desk.delegate(&["detached"], &desk.task("Go.", Scenario::new().answer("3")));
    desk.wait_until_listed(&recorded, "completed");
    desk.wait_until_listed(&held, "manual, held");
    desk.wait_until_listed(&detached, "idle");
    assert_eq!(desk.ask(&["read", &recorded]), "1");
    assert!(desk.say(&["read", &detached]).stderr.contains("has no result yet: join it: codex resume"));
    assert_eq!(desk.operator_thread(), None, "nothing was returned");

    assert_eq!(desk.ask(&["flush"]), held);
    assert!(desk.wait_for_wakes(1)[0].contains(&format!("## Result {held}: completed")));
    desk.wait_until_listed(&held, "returned");
    let refused = desk.say(&["policy", &held, "--return", "wake_on_done"]).stderr;
    assert_eq!(refused, format!("workspace: the result of {held} has been returned\n"));

    // What is over may yet be returned otherwise.
    desk.ask(&["policy", &recorded, "--return", "wake_on_done"]);
    assert!(desk.wait_for_wakes(2)[1].contains(&format!("## Result {recorded}: completed")));
    desk.ask(&["policy", &detached, "--return", "wake_on_done"]);
    assert!(desk.wait_for_wakes(3)[2].contains(&format!("## Result {detached}: completed")));
    desk.wait_for_rest();
    assert_eq!(desk.wakes().len(), 3);
}

#[test]
fn a_wake_waits_until_the_operators_thread_is_idle() {
    let desk = Desk::new();
    let _operator = desk.operate();
    // The prompt of a wake names its tasks, so what is left of a scenario is played to the operator.
    let gate = Gate::new();
    let first = Scenario::new().answer("1").step(Step::new().gate(&gate));
    let first = desk.delegate(&["wake_on_done"], &desk.task("One.", first));
    gate.wait_until_reached();
    let others = ["2", "3"]
        .map(|answer| desk.delegate(&["wake_on_done"], &desk.task("More.", Scenario::new().answer(answer))));
    for id in &others {
        desk.wait_until_listed(id, "completed");
    }
    assert_eq!(desk.wakes().len(), 1, "a turn runs");
    gate.open();
    let wakes = desk.wait_for_wakes(2);
    assert!(wakes[0].contains(&first), "{wakes:?}");
    assert!(others.iter().all(|id| wakes[1].contains(id)), "what has come meanwhile is one wake: {wakes:?}");
}

#[test]
fn a_named_thread_is_the_operators_and_stays_it() {
    let desk = Desk::new();
    let thread = desk.sandbox.exec("Be the operator.").run().assert_success().thread_id();
    desk.operate_with(&["--thread", &thread]).kill();
    let _operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], "Count.");
    let prompts = wait_for("a wake", || Some(desk.prompts(&thread)).filter(|prompts| prompts.len() > 1));
    assert!(prompts[1].contains(&format!("## Result {id}: completed")), "{prompts:?}");
}

#[test]
fn an_operators_thread_that_another_codex_holds_is_woken_by_that() {
    let desk = Desk::new();
    let app = desk.sandbox.app();
    let thread = app.start_thread();
    app.turn(&thread, "Be the operator.");
    let operator = desk.operate_with(&["--thread", &thread]);
    let id = desk.delegate(&["wake_on_done"], "Count.");
    app.wait_for("turn/started", |params| params["threadId"] == *thread && desk.prompts(&thread).len() > 1);
    operator.kill();
    let _operator = desk.operate();
    desk.wait_until_listed(&id, "returned");
    let prompts = desk.prompts(&thread);
    assert_eq!(prompts.len(), 2, "{prompts:?}");
    assert!(prompts[1].contains(&format!("## Result {id}: completed")), "{prompts:?}");
}

#[test]
fn a_wake_that_was_blocked_is_tried_again() {
    let desk = Desk::new();
    // The first prompt with a result in it is refused.
    let hook =
        "cat >prompt; if grep -q Result prompt && ! test -e once; then touch once; echo No. >&2; exit 2; fi";
    desk.add_hook("UserPromptSubmit", hook);
    let _operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], "Count.");
    assert!(desk.wait_for_wakes(1)[0].contains(&format!("## Result {id}: completed")));
    desk.wait_until_listed(&id, "returned");
    assert!(desk.log().contains("the operator is not woken: a hook has blocked it"), "{}", desk.log());
    assert_eq!(desk.wakes().len(), 1);
}

#[test]
fn a_result_comes_though_no_hook_runs_and_that_is_said() {
    let desk = Desk::new();
    let uninstalled = run(desk.sandbox.command("hook").arg("uninstall"), b"");
    assert!(uninstalled.status.success(), "{uninstalled:?}");
    let _operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", Scenario::new().answer("Seven.")));
    assert!(desk.wait_for_wakes(1)[0].contains(&format!("## Result {id}: completed")));
    assert!(desk.log().contains(&format!("workspace: {id}: no event has come: ")), "{}", desk.log());
}
