//! What the harness promises the other tests, and what they lean on in the real Codex.

#![cfg(unix)]

use std::sync::{Arc, Barrier, mpsc};

use codex_hook_tests::{
    Config, Decision, Gate, Hooks, Sandbox, Scenario, Signal, Step, hook_bin_dir, hook_binary,
};
use serde_json::Value;

/// The events of a turn that calls one tool, in the order in which Codex fires them.
const TOOL_TURN: [&str; 10] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreModelRequest",
    "PostModelRequest",
    "PreToolUse",
    "PostToolUse",
    "PreModelRequest",
    "PostModelRequest",
    "Stop",
    "SessionEnd",
];

fn dumping(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    sandbox.write_hooks(&Hooks::new(sandbox.dump_command()));
    sandbox
}

fn of_event<'a>(payloads: &'a [Value], event: &str) -> Vec<&'a Value> {
    payloads.iter().filter(|payload| payload["hook_event_name"] == event).collect()
}

#[test]
fn a_turn_with_a_tool_call_fires_its_events_in_order() {
    let sandbox = dumping(&Config::new());
    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi").answer("I said it."));
    let finished = sandbox.exec(&prompt).bypass_trust().run().assert_success();

    assert_eq!(finished.stdout.trim(), "I said it.");
    assert_eq!(sandbox.dumped_events(), TOOL_TURN);
    let payloads = sandbox.dumped_json();
    assert!(payloads.iter().all(|payload| payload["session_id"] == finished.thread_id()));
    assert_eq!(payloads[1]["prompt"], prompt);
    assert_eq!(payloads[4]["tool_input"]["command"], "echo hi");
    assert_eq!(payloads[5]["tool_response"], "hi\n");
    assert_eq!(payloads[8]["last_assistant_message"], "I said it.");
}

#[test]
fn a_resumed_thread_starts_its_session_again() {
    let sandbox = dumping(&Config::new());
    let first = sandbox.exec("Begin.").bypass_trust().run().assert_success();
    let prompt = sandbox.model().prompt("Go on.", Scenario::new().answer("Going on."));
    let second = sandbox.exec(&prompt).resume(&first.thread_id()).bypass_trust().run().assert_success();

    assert_eq!(second.thread_id(), first.thread_id());
    assert_eq!(second.stdout.trim(), "Going on.");
    let payloads = sandbox.dumped_json();
    let sources: Vec<&Value> =
        of_event(&payloads, "SessionStart").iter().map(|payload| &payload["source"]).collect();
    assert_eq!(sources, ["startup", "resume"]);
}

#[test]
fn parallel_tool_calls_fire_a_pair_of_events_each() {
    let sandbox = dumping(&Config::new());
    let step = Step::new().shell("echo one").shell("echo two");
    let prompt = sandbox.model().prompt("Say both.", Scenario::new().step(step));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let payloads = sandbox.dumped_json();
    for event in ["PreToolUse", "PostToolUse"] {
        let mut commands: Vec<&Value> =
            of_event(&payloads, event).iter().map(|payload| &payload["tool_input"]["command"]).collect();
        commands.sort_by_key(|command| command.as_str());
        assert_eq!(commands, ["echo one", "echo two"], "{event}");
    }
    assert_eq!(of_event(&payloads, "PreModelRequest").len(), 2);
}

#[test]
fn a_patch_is_applied_and_reported() {
    let sandbox = dumping(&Config::new());
    let patch = "*** Begin Patch\n*** Add File: new.txt\n+new\n*** End Patch\n";
    let prompt = sandbox.model().prompt("Patch it.", Scenario::new().apply_patch(patch));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let written = std::fs::read_to_string(sandbox.project().join("new.txt")).expect("the patch adds it");
    assert_eq!(written, "new\n");
    assert_eq!(of_event(&sandbox.dumped_json(), "PostToolUse")[0]["tool_name"], "apply_patch");
}

#[test]
fn a_request_that_fails_reports_the_failure_and_no_stop() {
    let sandbox = dumping(&Config::new());
    let prompt = sandbox.model().prompt("Fail.", Scenario::new().fail(500));
    let finished = sandbox.exec(&prompt).bypass_trust().run();

    assert!(!finished.status.success(), "{}", finished.stderr);
    let payloads = sandbox.dumped_json();
    assert_eq!(of_event(&payloads, "PostModelRequest")[0]["status"], "failed");
    assert_eq!(of_event(&payloads, "Stop").len(), 0);
}

#[test]
fn an_approval_is_asked_for_and_answered() {
    let sandbox = dumping(&Config::asking());
    let (asked, questions) = mpsc::channel();
    let app = sandbox
        .app_builder()
        .on_request(move |request| {
            asked.send(request["method"].clone()).expect("the test waits for the question");
            Decision::Accept
        })
        .start();
    app.trust();
    let thread = app.start_thread();
    let scenario = Scenario::new().escalated("touch allowed", "May I touch?");
    let turn = app.turn(&thread, &sandbox.model().prompt("Touch it.", scenario));

    assert_eq!(turn.status, "completed");
    assert_eq!(questions.try_recv().expect("Codex has asked"), "item/commandExecution/requestApproval");
    assert!(sandbox.project().join("allowed").exists());
    assert!(app.close().success());
    let payloads = sandbox.dumped_json();
    let request = of_event(&payloads, "PermissionRequest")[0];
    assert_eq!(request["tool_input"]["description"], "May I touch?");
    assert_eq!(payloads.last().expect("hooks ran")["hook_event_name"], "SessionEnd");
}

#[test]
fn an_approval_may_be_kept_waiting() {
    let sandbox = dumping(&Config::asking());
    let meeting = Arc::new(Barrier::new(2));
    let answering = Arc::clone(&meeting);
    let app = sandbox
        .app_builder()
        .on_request(move |_| {
            answering.wait();
            answering.wait();
            Decision::Accept
        })
        .start();
    app.trust();
    let scenario = Scenario::new().escalated("true", "May I?");
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask.", scenario));
    meeting.wait();
    assert_eq!(sandbox.dumped_events()[4..], ["PreToolUse", "PermissionRequest"]);

    meeting.wait();
    assert_eq!(app.wait_for_turn(&turn).status, "completed");
    assert_eq!(sandbox.dumped_events()[6], "PostToolUse");
}

#[test]
fn a_thread_is_resumed_by_another_server() {
    let sandbox = dumping(&Config::new());
    let app = sandbox.app();
    app.trust();
    let thread = app.start_thread();
    app.turn(&thread, "Hello.");
    app.signal(Signal::Terminate);
    assert!(app.wait_for_exit().success());
    assert_eq!(sandbox.dumped_events().last().expect("hooks ran"), "SessionEnd");

    let app = sandbox.app();
    app.resume_thread(&thread);
    app.turn(&thread, "Hello again.");
    let payloads = sandbox.dumped_json();
    let resumed = of_event(&payloads, "SessionStart")[1];
    assert_eq!((&resumed["session_id"], &resumed["source"]), (&thread.into(), &"resume".into()));
}

#[test]
fn a_declined_command_does_not_run() {
    let sandbox = dumping(&Config::asking());
    let app = sandbox.app_builder().on_request(|_| Decision::Decline).start();
    let scenario = Scenario::new().escalated("touch refused", "May I touch?");
    let turn = app.turn(&app.start_thread(), &sandbox.model().prompt("Touch it.", scenario));

    assert_eq!(turn.status, "completed");
    assert!(!sandbox.project().join("refused").exists());
}

#[test]
fn a_turn_is_interrupted_while_the_model_thinks() {
    let sandbox = dumping(&Config::new());
    let app = sandbox.app();
    app.trust();
    let gate = Gate::new();
    let thread = app.start_thread();
    let scenario = Scenario::new().step(Step::new().gate(&gate));
    let turn = app.start_turn(&thread, &sandbox.model().prompt("Think.", scenario));
    gate.wait_until_reached();

    assert_eq!(app.interrupt(&thread, &turn).status, "interrupted");
    assert!(app.close().success());
    let events = sandbox.dumped_events();
    assert!(events.contains(&"Interrupt".to_owned()), "{events:?}");
    assert!(!events.contains(&"Stop".to_owned()), "{events:?}");
}

#[test]
fn a_gate_holds_the_turn_until_it_opens() {
    let sandbox = dumping(&Config::new());
    let gate = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&gate).answer("At last."));
    let running = sandbox.exec(&sandbox.model().prompt("Wait.", scenario)).bypass_trust().spawn();
    gate.wait_until_reached();
    assert_eq!(sandbox.dumped_events(), TOOL_TURN[..3]);

    gate.open();
    assert_eq!(running.wait().assert_success().stdout.trim(), "At last.");
}

#[test]
fn a_codex_killed_in_a_tool_leaves_the_tool_open() {
    let sandbox = dumping(&Config::new());
    let gate = sandbox.shell_gate();
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell(&gate.command()));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Kill);
    running.wait();

    assert_eq!(sandbox.dumped_events(), TOOL_TURN[..5]);
}

#[test]
fn a_tool_goes_on_when_its_gate_opens() {
    let sandbox = dumping(&Config::new());
    let gate = sandbox.shell_gate();
    let command = format!("{}; echo after", gate.command());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell(&command));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    gate.open();
    running.wait().assert_success();

    assert_eq!(of_event(&sandbox.dumped_json(), "PostToolUse")[0]["tool_response"], "after\n");
}

#[test]
fn the_programs_under_test_are_built() {
    assert!(hook_binary().is_file());
    assert!(hook_bin_dir().is_absolute());
}

#[test]
fn a_killed_codex_says_nothing_more() {
    let sandbox = dumping(&Config::new());
    let gate = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&gate));
    let running = sandbox.exec(&sandbox.model().prompt("Wait.", scenario)).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Kill);

    assert_eq!(running.wait().status.code(), None);
    assert_eq!(sandbox.dumped_events(), TOOL_TURN[..3]);
}

#[test]
fn an_interrupted_exec_reports_the_interrupt() {
    let sandbox = dumping(&Config::new());
    let gate = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&gate));
    let running = sandbox.exec(&sandbox.model().prompt("Wait.", scenario)).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Interrupt);

    assert_eq!(running.wait().status.code(), Some(1));
    let events = sandbox.dumped_events();
    assert!(events.contains(&"Interrupt".to_owned()), "{events:?}");
    assert_eq!(events.last().expect("hooks ran"), "SessionEnd");
}

#[test]
fn hooks_run_once_they_are_trusted() {
    let sandbox = dumping(&Config::new());
    sandbox.exec("Hello.").run().assert_success();
    assert_eq!(sandbox.dumped_events(), [""; 0]);

    let app = sandbox.app();
    let statuses = |app: &codex_hook_tests::App| {
        app.trust_statuses().into_iter().map(|trust| trust.status).collect::<std::collections::HashSet<_>>()
    };
    assert_eq!(statuses(&app), ["untrusted".to_owned()].into());
    app.trust();
    assert_eq!(statuses(&app), ["trusted".to_owned()].into());
    app.close();

    sandbox.exec("Hello.").run().assert_success();
    assert_eq!(sandbox.dumped_events().len(), 6);
}

#[test]
fn hooks_of_user_config_and_project_all_run() {
    let sandbox = Sandbox::new();
    let hooks = Hooks::new(sandbox.dump_command()).events(&["Stop"]);
    sandbox.write_hooks(&hooks);
    sandbox.write_inline_hooks(&hooks);
    sandbox.write_project_hooks(&hooks);
    sandbox.exec("Hello.").bypass_trust().run().assert_success();

    let payloads = sandbox.dumped();
    assert_eq!(payloads.len(), 3);
    assert!(payloads.iter().all(|payload| *payload == payloads[0]));
}

#[test]
fn threads_run_at_once_each_with_its_own_scenario() {
    let sandbox = dumping(&Config::new());
    let app = sandbox.app();
    app.trust();
    let gates = [Gate::new(), Gate::new()];
    let started: Vec<(String, String)> = gates
        .iter()
        .zip(["one", "two"])
        .map(|(gate, word)| {
            let scenario =
                Scenario::new().shell(&format!("echo {word}")).step(Step::new().gate(gate).answer(word));
            let thread = app.start_thread();
            let turn = app.start_turn(&thread, &sandbox.model().prompt("Say it.", scenario));
            (thread, turn)
        })
        .collect();
    gates.iter().for_each(Gate::wait_until_reached);
    for (gate, (_, turn)) in gates.iter().zip(&started).rev() {
        gate.open();
        assert_eq!(app.wait_for_turn(turn).status, "completed");
    }

    let payloads = sandbox.dumped_json();
    let answers: Vec<(&Value, &Value)> = of_event(&payloads, "Stop")
        .iter()
        .map(|payload| (&payload["session_id"], &payload["last_assistant_message"]))
        .collect();
    assert_eq!(answers.len(), 2);
    assert!(answers[0].0 == started[1].0.as_str() && answers[0].1 == "two", "{answers:?}");
    assert!(answers[1].0 == started[0].0.as_str() && answers[1].1 == "one", "{answers:?}");
}

#[test]
fn a_conversation_is_compacted_on_demand_and_by_itself() {
    let sandbox = dumping(&Config::new().top("model_auto_compact_token_limit = 50000"));
    let app = sandbox.app();
    app.trust();
    let thread = app.start_thread();
    app.turn(&thread, "Hello.");
    app.compact(&thread);
    let full = Scenario::new().step(Step::new().shell("true").tokens(60_000)).summary("All of it.");
    app.turn(&thread, &sandbox.model().prompt("Fill it.", full));
    app.close();

    let payloads = sandbox.dumped_json();
    let triggers: Vec<&Value> =
        of_event(&payloads, "PostCompact").iter().map(|payload| &payload["trigger"]).collect();
    assert_eq!(triggers, ["manual", "auto"]);
    assert_eq!(sandbox.model().requests().iter().filter(|request| request.is_compaction).count(), 2);
}

#[test]
fn a_subagent_plays_a_scenario_of_its_own() {
    let sandbox = dumping(&Config::new());
    let app = sandbox.app();
    app.trust();
    let child = sandbox.model().prompt("Count.", Scenario::new().shell("echo counting").answer("Counted."));
    let parent = Scenario::new().step(Step::new().spawn_agent(&child)).step(Step::new().wait_for_agents());
    let thread = app.start_thread();
    app.turn(&thread, &sandbox.model().prompt("Delegate.", parent));
    app.close();

    let payloads = sandbox.dumped_json();
    let stops = of_event(&payloads, "SubagentStop");
    assert_eq!(stops.len(), 1, "{:?}", sandbox.dumped_events());
    assert_eq!(stops[0]["last_assistant_message"], "Counted.");
    assert_eq!(stops[0]["session_id"], thread.as_str());
}

#[test]
fn a_forked_thread_is_another() {
    let sandbox = dumping(&Config::new());
    let app = sandbox.app();
    app.trust();
    let thread = app.start_thread();
    app.turn(&thread, "Hello.");
    let fork = app.fork_thread(&thread);
    app.turn(&fork, "Hello again.");
    app.close();

    let payloads = sandbox.dumped_json();
    let starts = of_event(&payloads, "SessionStart");
    assert_eq!((&starts[1]["session_id"], &starts[1]["source"]), (&fork.into(), &"fork".into()));
}
