//! From the real Codex to a consumer: what Codex fires is what the spool holds, and what consumers get.

#![cfg(unix)]

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use codex_hook_tests::{Config, Decision, EVENTS, Gate, Hooks, Sandbox, Scenario, Signal, Step, hook};
use codex_spool::{Event, view::View};
use serde_json::{Value, value::RawValue};

/// A sandbox in which every event goes to `hook event` and, beside it, to the dump.
fn recording(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()).and(sandbox.dump_command()));
    sandbox
}

fn dumped(sandbox: &Sandbox) -> Vec<String> {
    let text = |bytes| String::from_utf8(bytes).expect("Codex sends UTF-8");
    sandbox.dumped().into_iter().map(text).collect()
}

fn payloads(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::payload).collect()
}

/// Each payload, and how often it came.
fn counted<T: AsRef<str>>(payloads: &[T]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for payload in payloads {
        *counts.entry(payload.as_ref()).or_default() += 1;
    }
    counts
}

/// Every firing is one event, whatever the order, and each reads as what it is.
#[track_caller]
fn assert_all_recorded(sandbox: &Sandbox) -> Vec<Event> {
    assert_recorded_where(sandbox, |_| true)
}

/// The same, but looks only at payloads that are `sure` to have been fired to the end.
#[track_caller]
fn assert_recorded_where(sandbox: &Sandbox, sure: impl Fn(&str) -> bool) -> Vec<Event> {
    let events = hook(sandbox).events();
    let (payloads, fired) = (payloads(&events), dumped(sandbox));
    let (recorded, fired) = (counted(&payloads), counted(&fired));
    let only = |these: &BTreeMap<&str, usize>, those: &BTreeMap<&str, usize>| {
        let differs =
            |(payload, count): &(&&str, &usize)| sure(payload) && those.get(**payload) != Some(*count);
        these
            .iter()
            .filter(differs)
            .map(|(payload, count)| format!("{count} x {payload}"))
            .collect::<Vec<_>>()
    };
    let (more, fewer) = (only(&recorded, &fired), only(&fired, &recorded));
    assert!(more.is_empty() && fewer.is_empty(), "recorded: {more:#?}\nfired: {fewer:#?}");
    assert_typed(&events);
    events
}

#[track_caller]
fn assert_typed(events: &[Event]) {
    for event in events {
        let view = event.view().unwrap_or_else(|error| panic!("{error}: {}", event.payload()));
        assert!(!matches!(view, View::Other), "{}", event.payload());
    }
}

fn of_kind<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind().as_str() == kind).collect()
}

#[test]
fn every_firing_of_a_turn_is_printed_once_in_order_as_codex_sent_it() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Say “hí”.\n\tNow.", Scenario::new().shell("printf 'a\\tb\\n'"));
    let running = sandbox.exec(&prompt).bypass_trust().env("CODEX_HOOK_TAG", "nightly é").spawn();
    let codex = running.id();
    let thread = running.wait().assert_success().thread_id();

    let fired = dumped(&sandbox);
    assert_eq!(fired.len(), 10, "{:?}", sandbox.dumped_events());
    let ran = hook(&sandbox).tail(&["--from", "earliest", "--json"]);
    let records: Vec<BTreeMap<String, Box<RawValue>>> = ran
        .assert_printed()
        .iter()
        .map(|line| serde_json::from_str(line).expect("a line is a JSON object"))
        .collect();
    assert_eq!(records.iter().map(|record| record["payload"].get()).collect::<Vec<_>>(), fired);

    let events = hook(&sandbox).events();
    assert_typed(&events);
    assert_eq!(events.iter().map(|event| event.kind().as_str()).collect::<Vec<_>>(), sandbox.dumped_events());
    for event in &events {
        assert_eq!(event.thread_id().map(|id| id.as_str()), Some(&*thread));
        assert_eq!((event.tag(), event.parent_pid()), (Some("nightly é"), Some(codex)));
        assert!(event.truncated().is_empty());
    }
    let identified = |event: &&Event| event.payload().contains("\"tool_use_id\"");
    assert!(events.iter().all(|event| event.position().is_none() == identified(&event)));
}

#[test]
fn consumers_that_subscribed_before_and_after_each_get_all() {
    let sandbox = recording(&Config::new());
    assert!(hook(&sandbox).spool().consumer("before").expect("a good name").open().is_ok());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell("true"));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let all = hook(&sandbox).tail(&["--from", "earliest", "--json"]);
    assert_eq!(all.assert_printed().len(), dumped(&sandbox).len());
    for (name, from) in [("before", &[][..]), ("after", &["--from", "earliest"])] {
        let drain =
            |from: &[&str]| hook(&sandbox).tail(&[&["--consumer", name, "--json"][..], from].concat());
        assert_eq!(drain(from).assert_printed(), all.lines(), "{name}");
        assert!(drain(&[]).assert_printed().is_empty(), "{name}");
    }
}

/// A turn whose second event does not fit into a pipe; gives the ids of its events.
fn play_a_long_prompt(sandbox: &Sandbox) -> Vec<String> {
    let prompt = sandbox.model().prompt(&"long ".repeat(25_000), Scenario::new().shell("true"));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();
    let events = hook(sandbox).events();
    assert_eq!(events[1].kind().as_str(), "UserPromptSubmit");
    events.iter().map(|event| event.id().to_string()).collect()
}

/// A consumer in a process of its own.
struct Draining {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Draining {
    fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program can be started");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// `SIGKILL`.
    fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it can be waited for");
    }
}

#[test]
fn a_tail_killed_in_the_middle_goes_on_with_what_it_had_not_acknowledged() {
    let sandbox = recording(&Config::new());
    let ids = play_a_long_prompt(&sandbox);
    let tail = ["tail", "--no-follow", "--consumer", "c", "--from", "earliest", "--json"];
    let mut first = Draining::start(&mut hook(&sandbox).command(tail));
    assert!(first.line().contains(&ids[0]));
    // A part of the second is out, so the first is acknowledged; the pipe is full before the second is whole.
    first.stdout.read_exact(&mut [0]).expect("the second line begins");
    first.kill();

    let rest = hook(&sandbox).tail(&["--consumer", "c", "--json"]);
    let rest = rest.assert_printed();
    assert_eq!(rest.len(), ids.len() - 1);
    assert!(rest.iter().zip(&ids[1..]).all(|(line, id)| line.contains(id)), "{rest:?}");
}

#[test]
fn a_program_killed_in_the_middle_gets_the_event_in_its_hands_again_and_the_rest() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell("true"));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();
    let events = hook(&sandbox).events();
    let start = || {
        let consumer = env!("CARGO_BIN_EXE_asking-consumer");
        Draining::start(sandbox.command(consumer).arg(sandbox.spool()).arg("c"))
    };
    let mut first = start();
    for event in &events[..3] {
        assert_eq!(first.line(), event.id().to_string());
        first.stdin.write_all(b"ack\n").expect("it waits for this");
    }
    // With the fourth in its hands.
    assert_eq!(first.line(), events[3].id().to_string());
    first.kill();

    let mut second = start();
    for event in &events[3..] {
        assert_eq!(second.line(), event.id().to_string());
        second.stdin.write_all(b"ack\n").expect("it waits for this");
    }
    assert_eq!(second.line(), "");
    assert!(second.child.wait().expect("it can be waited for").success());
}

#[test]
fn a_hook_registered_in_three_places_makes_one_event_of_a_firing() {
    let sandbox = Sandbox::new();
    let hooks = Hooks::new(hook(&sandbox).registration()).and(sandbox.dump_command());
    sandbox.write_hooks(&hooks);
    sandbox.write_inline_hooks(&hooks);
    sandbox.write_project_hooks(&hooks);
    let scenario = Scenario::new()
        .step(Step::new().shell("echo one").shell("echo two").shell("echo two"))
        .shell("echo three");
    let prompt = sandbox.model().prompt("Say all.", scenario);
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let events = hook(&sandbox).events();
    let payloads = payloads(&events);
    let mut thrice = counted(&payloads);
    thrice.values_mut().for_each(|count| *count *= 3);
    assert_eq!(thrice, counted(&dumped(&sandbox)));
    let count = |kind| of_kind(&events, kind).len();
    assert_eq!((count("PreToolUse"), count("PostToolUse"), count("PreModelRequest")), (4, 4, 3));
    assert_eq!(events.len(), 2 + 3 + 3 + 4 + 4 + 2);
}

#[test]
fn the_same_command_approved_twice_is_two_events() {
    let sandbox = recording(&Config::asking());
    let app = sandbox.app_builder().on_request(|_| Decision::Accept).start();
    app.trust();
    let scenario = Scenario::new().escalated("true", "May I?").escalated("true", "May I?");
    let turn = app.turn(&app.start_thread(), &sandbox.model().prompt("Ask twice.", scenario));
    assert_eq!(turn.status, "completed");
    assert!(app.close().success());

    let events = assert_all_recorded(&sandbox);
    let [first, second] = of_kind(&events, "PermissionRequest")[..] else { panic!("two are expected") };
    // Codex sends the same bytes: only the thread has moved on.
    assert_eq!(first.payload(), second.payload());
    assert!(first.position() < second.position());
    assert_ne!(first.id(), second.id());
}

#[test]
fn every_kind_of_event_that_codex_has_is_recorded_and_typed() {
    let sandbox = recording(&Config::asking());
    let app = sandbox.app();
    app.trust();
    let model = sandbox.model();

    let thread = app.start_thread();
    app.turn(&thread, &model.prompt("Ask.", Scenario::new().escalated("true", "May I?")));
    app.compact(&thread);
    app.turn(&thread, "Go on.");
    let child = model.prompt("Count.", Scenario::new().shell("echo counting").answer("Counted."));
    let parent = Scenario::new().step(Step::new().spawn_agent(&child)).step(Step::new().wait_for_agents());
    app.turn(&thread, &model.prompt("Delegate.", parent));
    let gate = Gate::new();
    let waiting = Scenario::new().step(Step::new().gate(&gate));
    let turn = app.start_turn(&thread, &model.prompt("Think.", waiting));
    gate.wait_until_reached();
    let seen = app.notifications().len();
    assert_eq!(app.interrupt(&thread, &turn).status, "interrupted");
    // The turn is over before the hooks of its last request are; Codex kills what still runs when it ends.
    let of_request = |params: &Value| params["run"]["eventName"] == "postModelRequest";
    let one = app.wait_for_after(seen, "hook/completed", of_request)["run"]["id"].take();
    app.wait_for_after(seen, "hook/completed", |params| of_request(params) && params["run"]["id"] != one);
    let codex = app.id();
    assert!(app.close().success());

    let events = assert_all_recorded(&sandbox);
    let kinds: HashSet<&str> = events.iter().map(|event| event.kind().as_str()).collect();
    assert_eq!(kinds, EVENTS.into());
    assert!(events.iter().all(|event| event.parent_pid() == Some(codex)));

    // What a subagent does is on a thread of its own.
    let Ok(View::SubagentStop(stop)) = of_kind(&events, "SubagentStop")[0].view() else {
        panic!("it is one")
    };
    assert_eq!((&*stop.session_id, stop.last_assistant_message.as_deref()), (&*thread, Some("Counted.")));
    let threads: HashSet<&str> =
        events.iter().map(|event| event.thread_id().expect("each has a thread").as_str()).collect();
    assert_eq!(threads, [&*thread, &*stop.agent_id].into());
    let tool = of_kind(&events, "PreToolUse").into_iter().find(|event| event.payload().contains("counting"));
    assert_eq!(tool.and_then(Event::thread_id).map(|id| id.as_str()), Some(&*stop.agent_id));
}

#[test]
fn a_conversation_compacted_by_itself_is_recorded() {
    let sandbox = recording(&Config::new().top("model_auto_compact_token_limit = 50000"));
    let full = Scenario::new().step(Step::new().shell("true").tokens(60_000));
    let prompt = sandbox.model().prompt("Fill it.", full);
    sandbox.exec(&prompt).bypass_trust().run().assert_success();

    let events = assert_all_recorded(&sandbox);
    let Ok(View::PostCompact(compact)) = of_kind(&events, "PostCompact")[0].view() else {
        panic!("it is one")
    };
    assert_eq!(compact.trigger, "auto");
}

#[test]
fn a_thread_resumed_twice_goes_on_with_new_events() {
    let sandbox = recording(&Config::new());
    let thread = sandbox.exec("Begin.").bypass_trust().run().assert_success().thread_id();
    for _ in 0..2 {
        sandbox.exec("The same.").resume(&thread).bypass_trust().run().assert_success();
    }

    let events = assert_all_recorded(&sandbox);
    assert_eq!(payloads(&events), dumped(&sandbox));
    // The two resumes are the same bytes, at two places of the thread.
    let [_, first, second] = of_kind(&events, "SessionStart")[..] else { panic!("three are expected") };
    assert_eq!(first.payload(), second.payload());
    assert!(first.position() < second.position());
}

#[test]
fn an_interrupted_exec_is_recorded_to_its_end() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Wait.", Scenario::new().step(Step::new().gate(&gate)));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    running.signal(Signal::Interrupt);
    assert_eq!(running.wait().status.code(), Some(1));

    // Codex does not wait for the hooks of the request that it cancels, and kills those that still run when it ends.
    let events = assert_recorded_where(&sandbox, |payload| !payload.contains("\"status\":\"cancelled\""));
    assert_eq!(of_kind(&events, "Interrupt").len(), 1);
    assert_eq!(of_kind(&events, "SessionEnd").len(), 1);
}

#[test]
fn a_turn_that_fails_is_recorded_with_the_failure() {
    let sandbox = recording(&Config::new());
    let finished =
        sandbox.exec(&sandbox.model().prompt("Fail.", Scenario::new().fail(500))).bypass_trust().run();
    assert!(!finished.status.success());

    let events = assert_all_recorded(&sandbox);
    let Ok(View::PostModelRequest(answer)) = of_kind(&events, "PostModelRequest")[0].view() else {
        panic!("it is one")
    };
    assert!(answer.status == "failed" && answer.error.is_some());
}

#[test]
fn a_model_request_that_is_retried_before_the_thread_moves_is_one_event() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Try.", Scenario::new().fail(500).fail(500).answer("At last."));
    let retries = ["-c", "model_providers.scripted.stream_max_retries=2"];
    let exec = retries.iter().fold(sandbox.exec(&prompt).bypass_trust(), |exec, flag| exec.flag(*flag));
    exec.run().assert_success();

    // Codex tells of each attempt in the same bytes, and the thread is where it was.
    let fired = dumped(&sandbox);
    let events = hook(&sandbox).events();
    assert_typed(&events);
    let count = |fired: &[&str], kind: &str| {
        let name = format!("\"hook_event_name\":\"{kind}\"");
        fired.iter().filter(|payload| payload.contains(&name)).count()
    };
    let fired: Vec<&str> = fired.iter().map(String::as_str).collect();
    assert_eq!((count(&fired, "PreModelRequest"), count(&fired, "PostModelRequest")), (3, 3));
    let recorded = payloads(&events);
    assert_eq!((count(&recorded, "PreModelRequest"), count(&recorded, "PostModelRequest")), (1, 2));
    assert_eq!(recorded.iter().collect::<HashSet<_>>(), fired.iter().collect());
}

#[test]
fn an_ephemeral_thread_has_no_position_and_its_identical_events_are_one() {
    let sandbox = recording(&Config::new());
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell("true"));
    sandbox.exec(&prompt).flag("--ephemeral").bypass_trust().run().assert_success();

    let fired = dumped(&sandbox);
    let events = hook(&sandbox).events();
    assert_typed(&events);
    assert!(events.iter().all(|event| event.position().is_none()));
    assert_eq!(fired.iter().filter(|payload| payload.contains("PreModelRequest")).count(), 2);
    let mut seen = HashSet::new();
    let first: Vec<&String> = fired.iter().filter(|payload| seen.insert(*payload)).collect();
    assert_eq!(payloads(&events), first);
    assert_eq!(of_kind(&events, "PreModelRequest").len(), 1);
}

#[test]
fn what_cannot_be_recorded_is_shown_as_failed_and_keeps_codex_from_nothing() {
    let sandbox = recording(&Config::asking());
    std::fs::write(sandbox.spool(), "a file").expect("the sandbox can be written to");
    let app = sandbox.app();
    app.trust();
    let scenario = Scenario::new().escalated("touch done", "May I?").answer("Done.");
    let turn = app.turn(&app.start_thread(), &sandbox.model().prompt("Touch it.", scenario));
    assert_eq!(turn.status, "completed");
    assert!(sandbox.project().join("done").exists());

    let hooks: Vec<_> =
        app.notifications().into_iter().filter(|note| note["method"] == "hook/completed").collect();
    assert!(app.close().success());
    let with_status = |status: &str| -> Vec<_> {
        let run = hooks.iter().map(|note| &note["params"]["run"]).filter(|run| run["status"] == status);
        run.map(|run| run["eventName"].as_str().expect("a hook has an event").to_lowercase()).collect()
    };
    // Each event ran both hooks: one failed, and the dump beside it did its work; nothing was blocked.
    let mut failed = with_status("failed");
    let mut completed = with_status("completed");
    assert_eq!(failed.len() + completed.len(), hooks.len());
    failed.sort_unstable();
    completed.sort_unstable();
    assert_eq!(failed, completed);
    let mut fired: Vec<String> = sandbox
        .dumped_events()
        .iter()
        .map(|event| event.to_lowercase())
        .filter(|e| e != "sessionend")
        .collect();
    fired.sort_unstable();
    assert_eq!(failed, fired);
    assert_eq!(std::fs::read(sandbox.spool()).expect("it is there"), b"a file");
}
