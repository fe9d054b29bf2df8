//! Whoever is killed, no result is lost, and none is returned twice.

use std::fs;
use std::time::Duration;

use codex_hook_tests::{Gate, Scenario, ShellGate, Step};

use crate::support::{Desk, wait_for};

#[test]
fn five_results_of_a_group_are_one_wake_though_the_operator_is_killed_twice() {
    let mut random = fastrand::Rng::new();
    for _ in 0..3 {
        // The second is somewhere between the end of the last delegation and the end of the wake, or soon after.
        let kills = [random.u64(..250), random.u64(..500)];
        killed_twice(kills.map(Duration::from_millis));
    }
}

/// Has the operator killed so long after four of five delegations may end, and so long after the last may.
fn killed_twice(kills: [Duration; 2]) {
    let desk = Desk::new();
    let operator = desk.operate();
    let gates: [Gate; 5] = Default::default();
    let delegate = |(number, gate): (usize, &Gate)| {
        let held = Scenario::new().step(Step::new().gate(gate).answer(&format!("Answer {number}.")));
        desk.delegate(&["wake_on_group", "--group", "g"], &desk.task("Work.", held))
    };
    let ids: Vec<String> = gates.iter().enumerate().map(delegate).collect();
    for gate in &gates[..4] {
        gate.open();
    }
    std::thread::sleep(kills[0]);
    operator.kill();
    let operator = desk.operate();
    gates[4].open();
    std::thread::sleep(kills[1]);
    operator.kill();
    let _operator = desk.operate();
    for id in &ids {
        desk.wait_until_listed(id, "returned");
    }
    desk.wait_for_rest();
    let wakes = desk.wakes();
    assert_eq!(wakes.len(), 1, "{kills:?}: {wakes:?}\n{}", desk.log());
    for (number, id) in ids.iter().enumerate() {
        let result = format!("## Result {id}: completed");
        assert_eq!(wakes[0].matches(&result).count(), 1, "{kills:?}: {wakes:?}");
        assert_eq!(wakes[0].matches(&format!("Answer {number}.")).count(), 1, "{kills:?}: {wakes:?}");
    }
}

#[test]
fn an_operator_that_is_killed_at_any_file_of_a_wake_returns_it_once() {
    // What comes into being while a result is returned, in this order, and how long after it the kill comes at most.
    let mut random = fastrand::Rng::new();
    for (file, longest) in
        [("operator.json", 0), ("wakes", 0), ("codex/in-flight", 30), ("codex/in-flight", 60)]
    {
        let desk = Desk::new();
        let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", Scenario::new().answer("Seven.")));
        desk.wait_for_rest();
        let path = desk.state().join(file);
        let is_there = || match fs::read_dir(&path) {
            Ok(mut names) => names.next().is_some(),
            Err(_) => path.exists(),
        };
        assert!(!is_there(), "{file}");
        let operator = desk.start_operator();
        while !is_there() {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_millis(random.u64(0..=longest)));
        operator.kill();
        let _operator = desk.operate();
        desk.wait_until_listed(&id, "returned");
        desk.wait_for_rest();
        let wakes = desk.wakes();
        assert_eq!(wakes.len(), 1, "{file}: {wakes:?}");
        assert!(wakes[0].contains(&format!("## Result {id}: completed")), "{file}: {wakes:?}");
    }
}

/// Has Codex hold the first prompt with a result in it, when it has taken it and not written it down.
fn hold_first_wake(desk: &Desk) -> ShellGate {
    let gate = desk.sandbox.shell_gate();
    let hook = format!("grep -q 'Result' && mkdir once 2>&- && {{ {}; }}; true", gate.command());
    desk.add_hook("UserPromptSubmit", &hook);
    gate
}

#[test]
fn a_wake_that_codex_had_in_hand_when_the_operator_was_killed_is_not_sent_again() {
    let desk = Desk::new();
    let gate = hold_first_wake(&desk);
    let operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], "Count.");
    gate.wait_until_reached();
    operator.kill();
    let _operator = desk.operate();
    gate.open();
    desk.wait_until_listed(&id, "returned");
    desk.wait_for_rest();
    assert_eq!(desk.wakes().len(), 1, "{:?}", desk.wakes());
}

#[test]
fn a_wake_that_codex_had_in_hand_when_both_were_killed_is_sent_again() {
    let desk = Desk::new();
    let gate = hold_first_wake(&desk);
    let operator = desk.operate();
    let id = desk.delegate(&["wake_on_done"], "Count.");
    gate.wait_until_reached();
    operator.kill();
    desk.codex().kill();
    gate.open();
    assert_eq!(desk.wakes(), [""; 0], "it is lost");
    let _operator = desk.operate();
    desk.wait_until_listed(&id, "returned");
    desk.wait_for_rest();
    assert_eq!(desk.wakes().len(), 1, "{:?}", desk.wakes());
}

#[test]
fn a_delegation_that_was_killed_while_it_was_started_is_started_once() {
    for patience in [0, 20, 80, 160, 320].map(Duration::from_millis) {
        let desk = Desk::new();
        let task = desk.task("Count.", Scenario::new().answer("Seven."));
        let mut command = desk.command(&["delegate", "--return", "wake_on_done", &task]);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it can be started");
        let delegations = desk.state().join("delegations");
        wait_for("a record", || {
            fs::read_dir(&delegations).ok()?.flatten().find(|name| name.path().extension().is_some())
        });
        std::thread::sleep(patience);
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("it can be waited for");
        let _operator = desk.operate();
        let wakes = desk.wait_for_wakes(1);
        desk.wait_for_rest();
        assert_eq!(desk.all_prompts().iter().filter(|prompt| **prompt == task).count(), 1, "{patience:?}");
        assert_eq!(desk.wakes(), wakes, "{patience:?}");
    }
}

#[test]
fn a_delegation_whose_codex_was_killed_is_interrupted() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gate = Gate::new();
    let held = Scenario::new().step(Step::new().gate(&gate));
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", held));
    gate.wait_until_reached();
    desk.codex().kill();
    let wakes = desk.wait_for_wakes(1);
    assert!(wakes[0].contains(&format!("## Result {id}: interrupted")), "{wakes:?}");
}

#[test]
fn what_codex_was_killed_at_while_no_operator_ran_is_returned() {
    let desk = Desk::new();
    let gate = Gate::new();
    let held = Scenario::new().step(Step::new().gate(&gate));
    let id = desk.delegate(&["wake_on_done"], &desk.task("Count.", held));
    gate.wait_until_reached();
    desk.codex().kill();
    let _operator = desk.operate();
    let wakes = desk.wait_for_wakes(1);
    assert!(wakes[0].contains(&format!("## Result {id}: interrupted")), "{wakes:?}");
}

#[test]
fn whatever_is_killed_each_result_is_returned_once() {
    let desk = Desk::new();
    let mut random = fastrand::Rng::new();
    let mut operator = desk.operate();
    let mut ids = Vec::new();
    let mut kills = Vec::new();
    for _ in 0..8 {
        // Where Codex has just been killed, it may fail to start anything; the operator sees to that.
        let delegated = desk.say(&["delegate", "--return", "wake_on_done", "Count."]);
        ids.push(delegated.lines()[0].to_owned());
        let (nap, kills_codex) = (random.u64(..400), random.bool());
        kills.push((nap, kills_codex));
        std::thread::sleep(Duration::from_millis(nap));
        if kills_codex {
            desk.codex().kill();
        } else {
            operator.kill();
            operator = desk.operate();
        }
    }
    for id in &ids {
        desk.wait_until_listed(id, "returned");
    }
    desk.wait_for_rest();
    let prompts = desk.all_prompts();
    for id in &ids {
        let results: usize =
            prompts.iter().map(|prompt| prompt.matches(&format!("## Result {id}: ")).count()).sum();
        assert_eq!(results, 1, "{kills:?}: {prompts:#?}\n{}", desk.log());
    }
    let tasks = prompts.iter().filter(|prompt| *prompt == "Count.").count();
    assert_eq!(tasks, ids.len(), "{kills:?}: {prompts:#?}\n{}", desk.log());
}
