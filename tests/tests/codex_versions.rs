//! Every Codex that behaves differently in what matters to hooks: after `hook install`, with `--trust` where the
//! version knows trust, the events of a turn arrive.

#![cfg(unix)]

use std::{collections::BTreeSet, fmt::Write, path::Path, process::Command};

use codex_hook_tests::{
    Config, EVENTS, Gate, Sandbox, Scenario, Signal, Step, hook, install_codex_version, run,
};

/// The first version with hooks, each that changed what a `hooks.json` means, and the newest one tried.
const VERSIONS: [&str; 7] = ["0.116.0", "0.124.0", "0.129.0", "0.140.0", "0.148.0", "0.155.0", "0.169.0"];

/// At how many tokens Codex compacts a conversation.
const LIMIT: u64 = 20_000;

/// What the turns must fire on a version.
fn expected(version: &str) -> Vec<&'static str> {
    let since = |first: u32| version.split('.').nth(1).and_then(|minor| minor.parse().ok()) >= Some(first);
    let mut events = vec!["SessionStart", "UserPromptSubmit", "Stop"];
    if since(120) {
        events.extend(["PreToolUse", "PostToolUse"]);
    }
    if since(129) {
        events.extend(["PreCompact", "PostCompact"]);
    }
    if since(145) {
        events.push("SessionEnd");
    }
    if since(150) {
        events.push("Interrupt");
    }
    if since(164) {
        events.extend(["PreModelRequest", "PostModelRequest"]);
    }
    events
}

/// Installs, plays a turn with one command in it, one that is compacted and one that is interrupted, and uninstalls. Gives the events that were recorded.
fn recorded_on(version: &str, codex: &Path) -> BTreeSet<String> {
    let config = Config::new().top(&format!("model_auto_compact_token_limit = {LIMIT}"));
    let sandbox = Sandbox::with(&config).with_codex(codex).with_programs();
    let hook_cli = |args: &[&str]| run(sandbox.command(sandbox.bin().join("hook")).args(args), b"");
    let installed = hook_cli(&["install", "--trust", "--events", "all"]);
    assert!(installed.status.success(), "{version}: {installed:?}");
    let status = hook_cli(&["status"]);
    assert!(status.status.success(), "{version}: {status:?}");
    let doctor = hook_cli(&["doctor"]);
    assert!(doctor.status.success(), "{version}: {doctor:?}");

    let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi"));
    let ran = sandbox.exec(&prompt).run().assert_success();
    assert!(!ran.stderr.contains("failed to parse hooks"), "{version}: {}", ran.stderr);

    // More tokens than the limit: the conversation is compacted before the next request.
    let long = Scenario::new().step(Step::new().shell("echo hi").tokens(LIMIT + 1));
    let prompt = sandbox.model().prompt("Go on for long.", long);
    sandbox.exec(&prompt).run().assert_success();

    let gate = Gate::new();
    let prompt = sandbox.model().prompt("Wait.", Scenario::new().step(Step::new().gate(&gate)));
    let before = sandbox.model().requests().len();
    let waiting = sandbox.exec(&prompt).spawn();
    sandbox.model().wait_for_requests(before + 1);
    waiting.signal(Signal::Interrupt);
    let _ = waiting.wait();
    let events: BTreeSet<String> =
        hook(&sandbox).events().iter().map(|event| event.kind().as_str().to_owned()).collect();

    let removed = hook_cli(&["uninstall"]);
    assert!(removed.status.success(), "{version}: {removed:?}");
    assert!(!sandbox.codex_home().join("hooks.json").exists(), "{version}");
    events
}

#[test]
#[ignore = "downloads seven versions of Codex, some 600 MB: \
            cargo test -p codex-hook-tests --test codex_versions -- --ignored --nocapture"]
fn a_turns_events_arrive_on_every_version() {
    let mut columns = Vec::new();
    for version in VERSIONS {
        // One at a time: each takes 150 to 400 MB.
        let dir = tempfile::tempdir().expect("the temporary directory can be written to");
        let codex = install_codex_version(version, dir.path()).unwrap_or_else(|problem| panic!("{problem}"));
        let said = Command::new(&codex).arg("--version").output().expect("it can be run");
        assert!(String::from_utf8_lossy(&said.stdout).contains(version), "{said:?}");
        let events = recorded_on(version, &codex);
        for event in expected(version) {
            assert!(events.contains(event), "{version}: no {event}: {events:?}");
        }
        columns.push(events);
    }
    // Cargo's test runner shows it with --nocapture.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), table(&columns).as_bytes());
}

/// Version and event, as Markdown.
fn table(columns: &[BTreeSet<String>]) -> String {
    let mut table = String::from("| ");
    for version in VERSIONS {
        write!(table, "| {} ", version.trim_end_matches(".0")).expect("writing to a string does not fail");
    }
    table += "|\n|---";
    table += &"|:-:".repeat(VERSIONS.len());
    table += "|\n";
    for event in EVENTS.into_iter().filter(|event| columns.iter().any(|events| events.contains(*event))) {
        write!(table, "| `{event}`").expect("writing to a string does not fail");
        for events in columns {
            table += if events.contains(event) { " | ✓" } else { " |" };
        }
        table += " |\n";
    }
    table
}
