//! `hook wait`

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use codex_hook_tests::{Config, Decision, Gate, Hooks, Ran, Sandbox, Scenario, Signal, Step, hook, run};
use serde_json::{Value, json};

use crate::listing::{recording, trusting};

fn wait(sandbox: &Sandbox, args: &[&str]) -> Ran {
    run(hook(sandbox).command(["wait"]).args(args), b"")
}

/// The line that it printed.
#[track_caller]
fn said(ran: &Ran) -> Value {
    let [line] = ran.lines()[..] else { panic!("one line is expected: {ran:?}") };
    serde_json::from_str(line).expect("it is JSON")
}

/// A sandbox with `hook` and `codex` in its `PATH`, and in whose project Codex works unasked.
fn with_programs() -> Sandbox {
    let sandbox = Sandbox::new().with_programs();
    let hooks = Hooks::new(format!("'{}' event", sandbox.bin().join("hook").display()));
    sandbox.write_hooks(&hooks);
    // Codex refuses to work where there is no repository.
    let git = sandbox.project().join(".git");
    for folder in ["objects", "refs"] {
        fs::create_dir_all(git.join(folder)).expect("the sandbox can be written to");
    }
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("the sandbox can be written to");
    sandbox
}

/// How many have subscribed, and not only begun to.
fn subscribed(sandbox: &Sandbox) -> usize {
    let names = fs::read_dir(sandbox.spool().join("consumers")).into_iter().flatten().flatten();
    names.filter(|name| name.file_name().to_string_lossy().starts_with('~')).count()
}

/// A `hook wait` that has begun to wait.
struct Waiting(Child);

impl Waiting {
    fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut command = hook(sandbox).command(["wait"]);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let before = subscribed(sandbox);
        let waiting = Self(command.spawn().expect("it can be started"));
        // From its subscription on it misses nothing.
        while subscribed(sandbox) == before {
            std::thread::yield_now();
        }
        waiting
    }

    fn end(self) -> Ran {
        let output = self.0.wait_with_output().expect("it can be waited for");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ran { status: output.status, stdout: output.stdout, stderr }
    }
}

#[test]
fn what_is_so_already_is_told_at_once() {
    let sandbox = recording(&Config::new());
    let app = trusting(&sandbox);
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    let expected = |status, reached| json!({"thread_id": id, "status": status, "reached": reached, "already": true, "transition": null});
    let idle = wait(&sandbox, &["--thread", &id, "--for", "idle"]);
    assert!(idle.status.success() && idle.stderr.is_empty(), "{idle:?}");
    assert_eq!(said(&idle), expected("idle", Value::from("idle")));
    // It is what is waited for where nothing is said.
    assert_eq!(said(&wait(&sandbox, &["--thread", &id])), said(&idle));

    assert!(app.close().success());
    let ended = wait(&sandbox, &["--thread", &id, "--for", "ended"]);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(said(&ended), expected("ended", Value::from("ended")));
    // It will not be idle any more.
    for goal in ["idle", "waiting", "turn"] {
        let idle = wait(&sandbox, &["--thread", &id, "--for", goal]);
        assert_eq!(idle.status.code(), Some(1), "{idle:?}");
        assert_eq!(said(&idle), expected("ended", Value::Null));
        assert!(idle.assert_one_complaint().starts_with("hook: the thread has ended first: "));
    }
}

#[test]
fn the_end_of_a_turn_is_told_when_it_comes() {
    let sandbox = recording(&Config::new());
    let app = trusting(&sandbox);
    let id = app.start_thread();
    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    let turn = app.start_turn(&id, &prompt);
    gate.wait_until_reached();
    let cwd = sandbox.project();
    let cwd = cwd.to_str().expect("it is UTF-8");
    let waiting = [
        Waiting::start(&sandbox, &["--thread", &id, "--for", "idle"]),
        Waiting::start(&sandbox, &["--cwd", cwd, "--for", "turn"]),
    ];
    gate.open();
    app.wait_for_turn(&turn);
    let [idle, turn_over] = waiting.map(Waiting::end);
    assert!(idle.status.success() && turn_over.status.success(), "{idle:?} {turn_over:?}");
    let (idle, turn_over) = (said(&idle), said(&turn_over));
    for said in [&idle, &turn_over] {
        assert_eq!(
            (&said["thread_id"], &said["status"], &said["already"]),
            (&json!(id), &json!("idle"), &json!(false))
        );
    }
    assert_eq!(
        (&idle["reached"], &idle["transition"]["transition"]),
        (&json!("idle"), &json!("turn_completed"))
    );
    assert_eq!(turn_over["reached"], "turn");
    let transition = &turn_over["transition"];
    assert_eq!((&transition["transition"], &transition["turn_id"]), (&json!("turn_completed"), &json!(turn)));
    let stop =
        hook(&sandbox).events().into_iter().find(|event| event.kind().as_str() == "Stop").expect("one");
    assert_eq!(transition["event_id"], stop.id().to_string());
}

#[test]
fn an_approval_that_is_asked_for_is_told() {
    let sandbox = recording(&Config::asking());
    let gate = Gate::new();
    let answered = sandbox.shell_gate();
    let (answer, wait_for_it) = std::sync::mpsc::channel::<()>();
    let wait_for_it = std::sync::Mutex::new(wait_for_it);
    let app = sandbox
        .app_builder()
        .on_request(move |_| {
            let _ = wait_for_it.lock().expect("nobody panics while holding it").recv();
            Decision::Accept
        })
        .start();
    app.trust();
    let scenario = Scenario::new().step(Step::new().gate(&gate).escalated("echo done", "May I?"));
    let id = app.start_thread();
    let turn = app.start_turn(&id, &sandbox.model().prompt("Ask.", scenario));
    gate.wait_until_reached();
    let waiting = Waiting::start(&sandbox, &["--thread", &id, "--for", "waiting", "--timeout", "60"]);
    gate.open();
    let told = waiting.end();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(said(&told)["transition"]["transition"], "approval_requested");
    drop(answer);
    drop(answered);
    app.wait_for_turn(&turn);
}

#[test]
fn a_thread_that_ends_first_or_is_unknown_is_no_success() {
    let sandbox = recording(&Config::new());
    let app = trusting(&sandbox);
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    let waiting = Waiting::start(&sandbox, &["--thread", &id, "--for", "turn"]);
    assert!(app.close().success());
    let ended = waiting.end();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        (&said(&ended)["reached"], &said(&ended)["transition"]["transition"]),
        (&Value::Null, &json!("ended"))
    );
    assert!(ended.assert_one_complaint().starts_with("hook: the thread has ended first: "));

    for args in [["--thread", "nobody"], ["--tag", "none"], ["--cwd", "/nowhere"]] {
        let unknown = wait(&sandbox, &args);
        let complaint = unknown.assert_refused();
        assert!(complaint.starts_with(&format!("hook: no such thread: {}", args.join(" "))), "{complaint}");
    }
    // Nothing is asked for.
    assert_eq!(wait(&sandbox, &["--for", "idle"]).status.code(), Some(2));
}

#[test]
fn a_codex_that_is_killed_ends_the_waiting() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    let running = sandbox.exec(&prompt).bypass_trust().spawn();
    gate.wait_until_reached();
    let cwd = sandbox.project();
    let waiting = Waiting::start(&sandbox, &["--cwd", cwd.to_str().expect("it is UTF-8")]);
    running.signal(Signal::Kill);
    running.wait();
    let ended = waiting.end();
    assert_eq!(ended.status.code(), Some(1));
    let said = said(&ended);
    assert_eq!(said["status"], "ended");
    // It was dead before it was first looked at, or has died since.
    assert!(said["already"] == true || said["transition"]["by"] == "process", "{said}");
}

#[test]
fn a_turn_that_ends_with_its_thread_in_the_middle_of_a_tool_has_ended() {
    let sandbox = recording(&Config::new());
    let record = |kind: &str, more: Value| {
        let mut payload = json!({"hook_event_name": kind, "session_id": "a", "cwd": "/"});
        payload
            .as_object_mut()
            .expect("it is an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        let ran = run(&mut hook(&sandbox).command(["event"]), payload.to_string().as_bytes());
        assert!(ran.status.success(), "{ran:?}");
    };
    record("UserPromptSubmit", json!({"turn_id": "1", "prompt": "Go."}));
    record("PreToolUse", json!({"turn_id": "1", "tool_name": "Bash", "tool_input": {}, "tool_use_id": "u"}));
    let waiting =
        ["turn", "ended", "idle"].map(|goal| Waiting::start(&sandbox, &["--thread", "a", "--for", goal]));
    record("SessionEnd", json!({"reason": "other"}));
    let told = waiting.map(Waiting::end).map(|ran| {
        let said = said(&ran);
        (ran.status.code(), said["reached"].clone(), said["transition"]["transition"].clone())
    });
    let expected =
        [(0, json!("turn"), "turn_interrupted"), (0, json!("ended"), "ended"), (1, Value::Null, "ended")];
    assert_eq!(told, expected.map(|(code, reached, change)| (Some(code), reached, json!(change))));
}

#[test]
fn the_time_that_is_given_is_an_end() {
    let sandbox = recording(&Config::new());
    let gate = Gate::new();
    let app = trusting(&sandbox);
    let id = app.start_thread();
    let prompt = sandbox.model().prompt("Think.", Scenario::new().step(Step::new().gate(&gate)));
    app.start_turn(&id, &prompt);
    gate.wait_until_reached();
    let start = std::time::Instant::now();
    let ran = wait(&sandbox, &["--thread", &id, "--timeout", "0.2"]);
    assert_eq!(ran.status.code(), Some(124), "{ran:?}");
    assert!(ran.stdout.is_empty() && start.elapsed() >= Duration::from_millis(200));
    assert!(ran.assert_one_complaint().starts_with("hook: no thread was idle in time: --thread "));
    // Nothing of it is left.
    assert_eq!(fs::read_dir(sandbox.spool().join("consumers")).expect("it is there").count(), 0);
}

#[test]
fn a_session_that_is_yet_to_begin_is_found_by_its_tag() {
    let sandbox = recording(&Config::new());
    // So that there is a spool.
    sandbox.exec("Before.").env("CODEX_HOOK_TAG", "job-17").bypass_trust().run().assert_success();
    let waiting = Waiting::start(&sandbox, &["--tag", "job-17", "--for", "turn", "--wait-for-start"]);
    let id = sandbox
        .exec("Begin.")
        .env("CODEX_HOOK_TAG", "job-17")
        .bypass_trust()
        .run()
        .assert_success()
        .thread_id();
    let told = waiting.end();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(said(&told)["thread_id"], id);
}

#[test]
fn the_script_of_the_readme_hands_over_the_next_prompt_the_moment_the_thread_is_idle() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/next-prompt.sh");
    let text = fs::read_to_string(script).expect("it is there");
    let readme =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("it is there");
    assert!(readme.contains(&text), "the README shows another script than examples/next-prompt.sh");

    let sandbox = with_programs();
    assert!(trusting(&sandbox).close().success());
    // There has to be a spool to wait at.
    hook(&sandbox).spool();
    let answer = |text: &str| Scenario::new().answer(text);
    let prompts = [
        sandbox.model().prompt("Write the tests.", answer("Written.")),
        sandbox.model().prompt("Make them pass.", answer("They pass.")),
        sandbox.model().prompt("Tidy up.", answer("Tidy.")),
    ];
    let mut command: Command = sandbox.command("sh");
    let ran = run(command.arg(script).args(&prompts), b"");
    assert!(ran.status.success(), "{ran:?}");

    let threads = run(&mut hook(&sandbox).command(["threads", "--all", "--json"]), b"");
    let threads: Vec<Value> = serde_json::from_str(threads.assert_printed()[0]).expect("it is JSON");
    let [thread] = &threads[..] else { panic!("one is expected: {threads:?}") };
    assert_eq!((&thread["turns"], &thread["last_prompt"]), (&json!(3), &json!(prompts[2])));
    assert!(thread["tag"].as_str().is_some_and(|tag| tag.starts_with("queue-")));
}

#[test]
fn the_next_prompt_goes_to_a_thread_of_another_codex_as_soon_as_that_lets_go_of_it() {
    let sandbox = with_programs();
    let app = trusting(&sandbox);
    let id = app.start_thread();
    app.turn(&id, "Begin.");
    let next = sandbox.model().prompt("Next.", Scenario::new().answer("Done."));
    // As long as it is loaded there, Codex refuses to resume it here.
    let script = r#"hook wait --thread "$1" --for ended && codex exec resume "$1" "$2""#;
    let mut shell = sandbox.command("sh");
    let shell = shell.args(["-c", script, "sh", &id, &next]).stdin(Stdio::null()).stdout(Stdio::piped());
    let shell = shell.stderr(Stdio::piped()).spawn().expect("a shell can be started");
    assert!(app.close().success());
    let output = shell.wait_with_output().expect("it can be waited for");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("Done.\n"));
}
