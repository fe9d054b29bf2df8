//! `hook threads`

use codex_hook_tests::{App, Config, Decision, Gate, Hooks, Ran, Sandbox, Scenario, Step, hook, run};
use serde_json::{Value, json};

/// A sandbox in which every event goes to `hook event`.
pub(crate) fn recording(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    sandbox
}

pub(crate) fn trusting(sandbox: &Sandbox) -> App {
    let app = sandbox.app();
    app.trust();
    app
}

fn threads(sandbox: &Sandbox, args: &[&str]) -> Ran {
    run(hook(sandbox).command(["threads"]).args(args), b"")
}

#[track_caller]
fn json(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let ran = threads(sandbox, &[&["--json"], args].concat());
    let [line] = ran.assert_printed()[..] else { panic!("one line is expected: {ran:?}") };
    serde_json::from_str::<Vec<Value>>(line).expect("it is an array")
}

#[test]
fn a_thread_is_listed_until_it_has_ended() {
    let sandbox = recording(&Config::new());
    let app = trusting(&sandbox);
    let (idle, busy) = (app.start_thread(), app.start_thread());
    app.turn(&idle, &sandbox.model().prompt("Say hi.", Scenario::new().answer("Hi.\nThere.")));
    let gate = sandbox.shell_gate();
    let prompt = sandbox.model().prompt("Work.", Scenario::new().shell(&gate.command()));
    let turn = app.start_turn(&busy, &prompt);
    gate.wait_until_reached();

    let ran = threads(&sandbox, &[]);
    let [head, first, second] = ran.assert_printed()[..] else { panic!("three lines are expected: {ran:?}") };
    assert!(head.starts_with("STATUS  SINCE  PROJECT  MODEL    TOOL OR QUESTION"), "{head}");
    // The newest first, each in one line.
    let has = |line: &str, words: &[&str]| {
        for word in words {
            assert!(line.contains(word), "{word}: {line}");
        }
    };
    has(first, &["tool ", "project", "gpt-5.5", "Bash: echo >", "> Work.", &busy]);
    has(second, &["idle ", "project", "gpt-5.5", "Hi. There.", &idle]);
    let listed = json(&sandbox, &[]);
    assert_eq!(listed.iter().map(|thread| &thread["status"]).collect::<Vec<_>>(), ["tool", "idle"]);
    assert_eq!(listed[0]["tools"][0]["gist"], gate.command());
    assert_eq!(listed[0]["turn_id"], turn);
    assert_eq!(listed[1]["last_answer"], "Hi.\nThere.");

    gate.open();
    app.wait_for_turn(&turn);
    assert!(app.close().success());
    assert_eq!(json(&sandbox, &[]), [Value::Null; 0]);
    assert_eq!(threads(&sandbox, &[]).assert_printed(), ["no threads that have not ended"]);
    let all = json(&sandbox, &["--all"]);
    assert_eq!(all.iter().map(|thread| &thread["status"]).collect::<Vec<_>>(), ["ended", "ended"]);
}

#[test]
fn threads_are_found_by_their_tag_and_by_their_folder() {
    let sandbox = recording(&Config::new());
    let elsewhere = sandbox.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("the sandbox can be written to");
    sandbox.exec("One.").env("CODEX_HOOK_TAG", "job-17").bypass_trust().run().assert_success();
    let flags = ["-C", elsewhere.to_str().expect("it is UTF-8")];
    let exec = flags.iter().fold(sandbox.exec("Other."), |exec, flag| exec.flag(*flag));
    exec.bypass_trust().run().assert_success();

    let prompts = |args: &[&str]| -> Vec<String> {
        let threads = json(&sandbox, &[&["--all"], args].concat());
        threads.iter().map(|thread| thread["last_prompt"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(prompts(&[]), ["Other.", "One."]);
    assert_eq!(prompts(&["--tag", "job-17"]), ["One."]);
    assert_eq!(prompts(&["--tag", "job"]), [""; 0]);
    assert_eq!(prompts(&["--cwd", flags[1]]), ["Other."]);
    // As seen from the project, where the command is run.
    assert_eq!(prompts(&["--cwd", "."]), ["One."]);
    assert_eq!(prompts(&["--cwd", ".."]), ["Other.", "One."]);
}

#[test]
fn nothing_that_a_thread_says_steers_the_terminal() {
    let sandbox = recording(&Config::asking());
    let gate = Gate::new();
    let reason = "\u{1b}]0;owned\u{7}May\u{202e} I?\nNow";
    let latch = gate.clone();
    let app = sandbox
        .app_builder()
        .on_request(move |_| {
            latch.wait_until_reached();
            Decision::Decline
        })
        .start();
    app.trust();
    let asking = Scenario::new().escalated("printf '\u{1b}[2J'", reason);
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("\u{9b}31mAsk.", asking));
    let other = Scenario::new().step(Step::new().gate(&gate));
    // The question is there when the hook has told, which the answer waits for.
    let hook_ran = |params: &Value| params["run"]["eventName"] == "permissionRequest";
    app.wait_for("hook/completed", hook_ran);
    let ran = threads(&sandbox, &[]);
    let line = ran.assert_printed()[1];
    assert!(line.starts_with("waiting ") && line.contains("May I? Now Bash: printf ' [2J'"), "{line:?}");
    assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
    app.start_turn(&app.start_thread(), &sandbox.model().prompt("Other.", other));
    gate.wait_until_reached();
    gate.open();
    app.wait_for_turn(&turn);
}

#[test]
fn nor_does_the_id_of_a_thread() {
    let sandbox = recording(&Config::new());
    let payload = json!({"hook_event_name": "UserPromptSubmit", "session_id": "\u{202e}abc", "turn_id": "1"});
    let recorded = run(&mut hook(&sandbox).command(["event"]), payload.to_string().as_bytes());
    assert!(recorded.status.success(), "{recorded:?}");
    let ran = threads(&sandbox, &[]);
    let line = ran.assert_printed()[1];
    assert!(line.ends_with(" abc") && !line.contains('\u{202e}'), "{line:?}");
}

#[test]
fn without_a_spool_there_is_nothing_to_list() {
    let sandbox = Sandbox::new();
    let ran = threads(&sandbox, &[]);
    assert!(ran.assert_refused().starts_with("hook: no spool: "));
    assert!(!sandbox.spool().exists());
}
