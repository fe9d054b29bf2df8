//! Sessions: what is said to them, and those of others.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use codex_hook_tests::{Config, Gate, Scenario, Step};

use crate::support::{Desk, wait_for};

#[test]
fn what_is_sent_reaches_the_turn_that_runs() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gate = Gate::new();
    let work = Scenario::new().step(Step::new().shell("true").gate(&gate)).answer("Both.");
    let id = desk.delegate(&["record_only"], &desk.task("Work.", work));
    gate.wait_until_reached();
    desk.ask(&["send", &id, "Mind the gap."]);
    gate.open();
    desk.wait_until_listed(&id, "completed");
    assert!(desk.all_prompts().iter().any(|prompt| prompt == "Mind the gap."));
    let late = desk.say(&["send", &id, "And this."]);
    assert_eq!(
        late.stderr,
        format!("workspace: {id} is not at work here: give it another task by `workspace resume {id}`\n")
    );
}

#[test]
fn a_session_can_be_given_another_task_once_it_is_idle() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gate = Gate::new();
    let held = Scenario::new().step(Step::new().gate(&gate).answer("1"));
    let first = desk.delegate(&["record_only"], &desk.task("One.", held));
    gate.wait_until_reached();
    let task = desk.task("Two.", Scenario::new().answer("2"));
    let second = desk.ask(&["resume", "--return", "wake_on_done", &first, &task]);
    desk.wait_until_listed(&second, "starting");
    gate.open();
    assert!(desk.wait_for_wakes(1)[0].contains(&format!("## Result {second}: completed")));
    assert_eq!([desk.ask(&["read", &first]), desk.ask(&["read", &second])], ["1", "2"]);
}

#[test]
fn a_session_that_is_busy_keeps_no_other_from_its_task() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gates = [Gate::new(), Gate::new()];
    let resumed = gates.each_ref().map(|gate| {
        let held = Scenario::new().step(Step::new().gate(gate).answer("1"));
        let first = desk.delegate(&["record_only"], &desk.task("One.", held));
        desk.ask(&["resume", "--return", "record_only", &first, "Two."])
    });
    gates[1].open();
    desk.wait_until_listed(&resumed[1], "completed");
    desk.wait_until_listed(&resumed[0], "starting");
}

#[test]
fn the_sessions_of_others_are_observed_and_can_be_given_a_task() {
    let desk = Desk::new();
    let _operator = desk.operate();
    let gate = Gate::new();
    let held = Scenario::new().step(Step::new().gate(&gate).answer("Mine."));
    let exec = desk.sandbox.exec(&desk.task("By hand.", held)).spawn();
    gate.wait_until_reached();
    let project = desk.sandbox.project().display().to_string();
    let status = desk.ask(&["status"]);
    let (_, below) = status.split_once(&project).expect("the project has a heading");
    let line = below.lines().find(|line| line.contains("By hand.")).expect("the session is listed");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[1..3], ["running", "observed"], "{line}");
    let resumed = desk.ask(&["resume", "--return", "record_only", words[0], "More."]);
    gate.open();
    exec.wait().assert_success();
    desk.wait_until_listed(&resumed, "completed");
    assert_eq!(desk.prompts(words[0])[1], "More.");
    assert_eq!(desk.operator_thread(), None, "nobody was woken");
}

#[test]
fn an_approval_is_left_to_people_who_are_told_how_to_join() {
    let desk = Desk::with(&Config::asking());
    let _operator = desk.operate();
    let work = Scenario::new().escalated("touch asked", "It is needed.").answer("Done.");
    let id = desk.delegate(&["wake_on_done"], &desk.task("Work.", work));
    desk.wait_until_listed(&id, "waiting");
    let told = desk.say(&["read", &id]).stderr;
    let join = format!("workspace: {id} has no result yet: join it: codex resume --remote unix://");
    assert!(told.starts_with(&join), "{told}");
    assert_eq!(desk.operator_thread(), None, "nothing was returned");
}

#[test]
fn the_state_is_where_it_is_asked_to_be() {
    let desk = Desk::new();
    let state = desk.sandbox.project().join("here");
    let id = desk.ask(&["--state", "here", "delegate", "--return", "record_only", "Count."]);
    assert!(state.join(format!("delegations/{id}.json")).exists());
    assert!(!desk.state().exists());
    // Ends the Codex that was started there.
    let mut operator = desk.command(&["--state", "here", "run"]);
    let mut operator = operator.stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut lines = BufReader::new(operator.stdout.take().expect("stdout is a pipe")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == format!("{id} completed"))));
    let asked = Command::new("kill").args(["-TERM", &operator.id().to_string()]).status();
    assert!(asked.expect("kill can be run").success());
    assert!(operator.wait().expect("it can be waited for").success());
}

#[test]
fn what_cannot_be_meant_is_refused_in_one_line() {
    let desk = Desk::new();
    for (args, words) in [
        (&["read", "ff"][..], "workspace: no delegation is meant by ff: see `workspace list`\n"),
        (&["delegate", "--cwd", "/nowhere", "--return", "manual", "x"], "workspace: cannot enter /nowhere: "),
        (
            &["resume", "--return", "manual", "nothing", "x"],
            "workspace: no delegation and no known thread: nothing: ",
        ),
    ] {
        let ran = desk.say(args);
        assert_eq!((ran.status.code(), ran.stderr.lines().count()), (Some(1), 1), "{ran:?}");
        assert!(ran.stderr.starts_with(words), "{ran:?}");
    }
    assert_eq!(desk.say(&["delegate", "--return", "wake_on_group", "x"]).status.code(), Some(2));
    let _operator = desk.operate();
    let second = desk.say(&["run", "--thread", "another"]);
    assert!(second.stderr.starts_with("workspace: ") && second.stderr.contains("workspace"), "{second:?}");
    assert_eq!((second.status.code(), second.stderr.lines().count()), (Some(1), 1), "{second:?}");
    assert_eq!(desk.operator_thread(), None, "the first one is the operator");
}

#[test]
fn an_operator_that_is_asked_to_end_leaves_no_codex_behind_but_one_at_work() {
    let desk = Desk::new();
    let codex = desk.codex();
    let operator = desk.operate();
    let gate = Gate::new();
    let held = Scenario::new().step(Step::new().gate(&gate).answer("1"));
    let id = desk.delegate(&["record_only"], &desk.task("One.", held));
    gate.wait_until_reached();
    assert!(operator.ask_to_end().success());
    assert!(codex.is_any_there());
    gate.open();
    let operator = desk.operate();
    desk.wait_until_listed(&id, "completed");
    desk.wait_for_rest();
    assert!(operator.ask_to_end().success());
    wait_for("its end", || (!codex.is_any_there()).then_some(()));
}
