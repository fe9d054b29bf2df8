//! Turns that end well, and how a thread goes on.

use codex_hook_tests::{Config, Gate, Hooks, Sandbox, Scenario, Step, hook};
use codex_spool::{Status, Thread};
use serde_json::json;

use crate::support::{assert_at_rest, fold, recording, trusting};

fn counts(thread: &Thread) -> (u64, u64, u64, u64) {
    (thread.turns, thread.tool_calls, thread.approvals, thread.compactions)
}

#[test]
fn a_plain_turn() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().answer("Hi."));
    let id = sandbox
        .exec(&prompt)
        .env("CODEX_HOOK_TAG", "nightly")
        .bypass_trust()
        .run()
        .assert_success()
        .thread_id();

    let folded = fold(&sandbox, "plain_turn");
    assert_eq!(folded.changes(), "turn_started turn_completed idle ended");
    let thread = folded.thread();
    assert_at_rest(&thread, Status::Ended);
    assert_eq!((thread.thread_id.as_str(), thread.parent_id.as_ref()), (&*id, None));
    assert_eq!(thread.session_id.as_ref(), Some(&thread.thread_id));
    assert_eq!(thread.tag.as_deref(), Some("nightly"));
    assert_eq!(thread.cwd.as_deref().map(std::path::Path::new), Some(&*sandbox.project()));
    assert_eq!(thread.model.as_deref(), Some("gpt-5.5"));
    assert_eq!(thread.permission_mode.as_deref(), Some("bypassPermissions"));
    assert_eq!(thread.source.as_deref(), Some("startup"));
    assert_eq!(thread.last_prompt.as_deref(), Some(&*prompt));
    assert_eq!(thread.last_answer.as_deref(), Some("Hi."));
    assert!(thread.transcript_path.is_some_and(|path| path.contains(&id)));
    assert_eq!(counts(&folded.thread()), (1, 0, 0, 0));
    assert!(thread.first_seen < thread.last_seen && thread.since == thread.last_seen);
    // Every transition has the event that told it, and its time.
    let events = hook(&sandbox).events();
    for transition in &folded.transitions {
        let event = events.iter().find(|event| Some(event.id()) == transition.event_id);
        assert_eq!(event.expect("it is there").captured_at(), transition.at);
    }
}

#[test]
fn a_tool_call() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell("echo working"));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let folded = fold(&sandbox, "tool_call");
    assert_eq!(folded.changes(), "turn_started tool_started tool_finished turn_completed idle ended");
    let [started, finished] = &folded.transitions[1..3] else { panic!("there are six") };
    assert!(started.tool_use_id.is_some());
    assert_eq!(started.tool_use_id, finished.tool_use_id);
    assert_eq!(counts(&folded.thread()), (1, 1, 0, 0));
}

#[test]
fn two_parallel_tool_calls() {
    let sandbox = recording(&Config::new());
    let (one, other) = (sandbox.shell_gate(), sandbox.shell_gate());
    let both = Step::new().shell(&one.command()).shell(&other.command());
    let running = sandbox.exec(&sandbox.model().prompt("Work.", Scenario::new().step(both)));
    let running = running.bypass_trust().spawn();
    one.wait_until_reached();
    other.wait_until_reached();
    let thread = fold(&sandbox, "two_parallel_tool_calls").thread();
    assert_eq!((thread.status, thread.tools.len()), (Status::Tool, 2));
    assert_eq!(thread.tools[0].name, "Bash");
    assert_eq!(thread.since, thread.tools[0].since);
    let mut gists: Vec<&str> = thread.tools.iter().map(|tool| &*tool.gist).collect();
    gists.sort_unstable();
    assert_eq!(gists, [one.command(), other.command()]);
    one.open();
    other.open();
    running.wait().assert_success();

    let folded = fold(&sandbox, "two_parallel_tool_calls");
    assert_eq!(
        folded.changes(),
        "turn_started tool_started tool_started tool_finished tool_finished turn_completed idle ended"
    );
    assert_at_rest(&folded.thread(), Status::Ended);
    assert_eq!(counts(&folded.thread()), (1, 2, 0, 0));
}

#[test]
fn a_command_that_outlives_its_yield_time_goes_to_the_background() {
    let sandbox = recording(&Config::new());
    let gate = sandbox.shell_gate();
    let app = trusting(sandbox.app_builder());
    let asked = Gate::new();
    let scenario = Scenario::new()
        .step(Step::new().shell_with(&gate.command(), json!({"yield_time_ms": 250})))
        .step(Step::new().gate(&asked));
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Work.", scenario));
    asked.wait_until_reached();
    // The model goes on, whatever the command does.
    assert_eq!(fold(&sandbox, "yielded_command").thread().status, Status::Running);
    asked.open();
    assert_eq!(app.wait_for_turn(&turn).status, "completed");
    gate.open();
    assert!(app.close().success());

    let folded = fold(&sandbox, "yielded_command");
    assert_eq!(folded.changes(), "turn_started tool_started tool_finished turn_completed idle ended");
    assert_eq!(counts(&folded.thread()), (1, 1, 0, 0));
}

#[test]
fn a_subagent_is_a_thread_of_its_own_under_its_parent() {
    let sandbox = recording(&Config::new());
    let gate = sandbox.shell_gate();
    let child = sandbox.model().prompt("Count.", Scenario::new().shell(&gate.command()).answer("Counted."));
    let parent = Scenario::new().step(Step::new().spawn_agent(&child)).step(Step::new().wait_for_agents());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    let turn = app.start_turn(&id, &sandbox.model().prompt("Delegate.", parent));
    gate.wait_until_reached();
    let subagent = fold(&sandbox, "subagent");
    let threads = subagent.index.threads();
    let child = threads.iter().find(|thread| thread.parent_id.is_some()).expect("it has begun");
    assert_eq!(child.status, Status::Tool);
    let child = child.thread_id.to_string();
    gate.open();
    assert_eq!(app.wait_for_turn(&turn).status, "completed");
    assert!(app.close().success());

    let folded = fold(&sandbox, "subagent");
    let tools = "tool_started tool_finished";
    assert_eq!(folded.changes_of(&id), format!("turn_started {tools} {tools} turn_completed idle ended"));
    assert_eq!(
        folded.changes_of(&child),
        format!("subagent_started turn_started {tools} turn_completed subagent_stopped")
    );
    let child = folded.of(&child);
    assert_at_rest(&child, Status::Ended);
    assert_eq!(child.parent_id.as_ref().map(|id| id.as_str()), Some(&*id));
    assert_eq!(child.session_id, child.parent_id);
    assert_eq!(child.last_answer.as_deref(), Some("Counted."));
    assert!(child.transcript_path.is_some_and(|path| path.contains(child.thread_id.as_str())));
    assert_at_rest(&folded.of(&id), Status::Ended);
}

#[test]
fn a_manual_compaction() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    app.compact(&id);
    assert_at_rest(&fold(&sandbox, "manual_compaction").thread(), Status::Idle);
    app.turn(&id, "Go on.");
    assert!(app.close().success());

    let folded = fold(&sandbox, "manual_compaction");
    let turn = "turn_started turn_completed idle";
    assert_eq!(folded.changes(), format!("{turn} {turn} {turn} ended"));
    let thread = folded.thread();
    // Compacting is no new beginning of the thread.
    assert_eq!((thread.source.as_deref(), counts(&thread)), (Some("startup"), (3, 0, 0, 1)));
}

#[test]
fn an_automatic_compaction_in_the_middle_of_a_turn() {
    let sandbox = recording(&Config::new().top("model_auto_compact_token_limit = 50000"));
    let full = Scenario::new().step(Step::new().shell("true").tokens(60_000));
    let prompt = sandbox.model().prompt("Fill it.", full);
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let folded = fold(&sandbox, "automatic_compaction");
    assert_eq!(folded.changes(), "turn_started tool_started tool_finished turn_completed idle ended");
    assert_eq!(counts(&folded.thread()), (1, 1, 0, 1));
}

#[test]
fn a_thread_that_is_resumed_is_the_same_thread() {
    let sandbox = recording(&Config::new());
    let id = sandbox.exec("Begin.").bypass_trust().run().assert_success().thread_id();
    for _ in 0..2 {
        sandbox.exec("The same.").resume(&id).bypass_trust().run().assert_success();
    }

    let folded = fold(&sandbox, "resume");
    let session = "turn_started turn_completed idle ended";
    assert_eq!(folded.changes(), format!("{session} {session} {session}"));
    let thread = folded.thread();
    assert_eq!((thread.source.as_deref(), thread.turns), (Some("resume"), 3));
    assert_eq!(thread.last_prompt.as_deref(), Some("The same."));
}

#[test]
fn a_fork_is_another_thread() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    let fork = app.fork_thread(&id);
    app.turn(&fork, "Another way.");

    let folded = fold(&sandbox, "fork");
    for id in [&id, &fork] {
        assert_eq!(folded.changes_of(id), "turn_started turn_completed idle");
        assert_at_rest(&folded.of(id), Status::Idle);
    }
    assert_eq!(folded.of(&fork).source.as_deref(), Some("fork"));
    assert_eq!(folded.of(&fork).parent_id, None);
}

#[test]
fn a_cleared_conversation_is_another_thread() {
    let sandbox = recording(&Config::new());
    let app = trusting(sandbox.app_builder());
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    let cleared = app.start_thread_with(json!({"sessionStartSource": "clear"}));
    app.turn(&cleared, "Afresh.");
    assert!(app.close().success());

    let folded = fold(&sandbox, "clear");
    for id in [&id, &cleared] {
        assert_eq!(folded.changes_of(id), "turn_started turn_completed idle ended");
    }
    assert_eq!(folded.of(&cleared).source.as_deref(), Some("clear"));
}

#[test]
fn an_ephemeral_thread_has_no_transcript() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell("true").shell("echo more"));
    sandbox.exec(&prompt).flag("--ephemeral").bypass_trust().run().assert_success();

    let folded = fold(&sandbox, "ephemeral");
    let tools = "tool_started tool_finished";
    assert_eq!(folded.changes(), format!("turn_started {tools} {tools} turn_completed idle ended"));
    let thread = folded.thread();
    assert_at_rest(&thread, Status::Ended);
    assert_eq!((thread.transcript_path.as_deref(), counts(&thread)), (None, (1, 2, 0, 0)));
}

#[test]
fn a_turn_that_another_hook_keeps_from_stopping_is_started_again() {
    let sandbox = Sandbox::new();
    // Once: exit code 2 and a reason make Codex go on.
    let once = sandbox.root().join("once");
    let again = format!("mkdir '{}' && {{ echo 'Go on.' >&2; exit 2; }} || true", once.display());
    let hooks = Hooks::new(hook(&sandbox).registration());
    sandbox.write_hooks(&hooks);
    sandbox.write_inline_hooks(&Hooks::new(again).events(&["Stop"]));
    sandbox.exec("Work.").bypass_trust().run().assert_success();

    let folded = fold(&sandbox, "kept_from_stopping");
    let turn = "turn_started turn_completed idle";
    assert_eq!(folded.changes(), format!("{turn} {turn} ended"));
    assert_eq!(folded.thread().turns, 1);
}
