//! The lines that are printed, for people and for programs.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::Stdio,
};

use codex_hook_tests::{Hook, Sandbox, hook};
use codex_spool::Capture;

use crate::support::{consumer, record};

#[test]
fn an_output_that_takes_nothing_is_an_error() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let full = File::options().write(true).open("/dev/full");
    // Not every system has one.
    let Ok(full) = full else { return };
    let mut command =
        hook.command(["tail", "--no-follow", "--from", "earliest", "--consumer", "c", "--json"]);
    let output = command.stdout(full).output().expect("the program can be run");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("hook: cannot write to standard output"), "{said}");
    assert_eq!(consumer(hook, "c").drain().count(), 1);
}

#[test]
fn for_people_an_event_is_one_line_that_steers_no_terminal() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let evil = r"\u001b]0;title\u0007\u001b[31mred\r\n\u0000\u009b2J\u202eback\u2028\u0085\u007f";
    let raw = "\u{9b}31m\u{202e}\u{7f}\u{2028}";
    for payload in [
        format!(
            r#"{{"hook_event_name":"UserPromptSubmit","session_id":"s","cwd":"/","prompt":"{evil}{raw}"}}"#
        ),
        format!(r#"{{"hook_event_name":"{evil}{raw}","session_id":"{raw}","cwd":"{evil}"}}"#),
        format!(
            r#"{{"hook_event_name":"PreToolUse","session_id":"s\u202e","cwd":"/","tool_name":"{evil}{raw}","tool_input":{{"command":"{evil}{raw}"}},"tool_use_id":"1"}}"#
        ),
        format!(
            r#"{{"hook_event_name":"PostToolUse","session_id":"s","cwd":"/","tool_name":"t","tool_input":["{evil}{raw}"],"tool_response":"","tool_use_id":"1"}}"#
        ),
        format!(
            r#"{{"hook_event_name":"Stop","session_id":"s","cwd":"/","last_assistant_message":"{evil}{raw}"}}"#
        ),
        format!(
            r#"{{"hook_event_name":"PostModelRequest","session_id":"s","cwd":"/","status":"failed","error":"{evil}{raw}"}}"#
        ),
    ] {
        record_payload(hook, &payload, Some("evil\u{9b}2J\u{202e}"));
    }
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let ran = hook.tail(&[]);
    let plain = ran.assert_printed();
    assert_eq!(plain.len(), 6);
    assert_eq!(plain.iter().find(|line| line.contains(steers)), None);

    let ran = hook.tail(&["--color", "always"]);
    let colored = ran.assert_printed();
    assert!(colored.iter().all(|line| line.contains("\u{1b}[")), "{colored:?}");
    assert_eq!(colored.iter().map(|line| without_colors(line)).collect::<Vec<_>>(), plain);

    assert_eq!(on_a_terminal(hook, &["--color", "never"]), plain);
    assert_eq!(on_a_terminal(hook, &[]), colored);
    let records = on_a_terminal(hook, &["--json"]);
    assert_eq!(records.iter().find(|line| line.contains(steers)), None);
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("a record is JSON");
    let events = hook.events();
    assert_eq!(
        records.iter().map(|line| value(line)).collect::<Vec<_>>(),
        events.iter().map(|event| value(event.record())).collect::<Vec<_>>()
    );
}

#[test]
fn no_color_is_heeded_unless_colors_are_asked_for() {
    let sandbox = Sandbox::new().env("NO_COLOR", "1");
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let plain = hook.tail(&[]);
    assert_eq!(on_a_terminal(hook, &[]), plain.assert_printed());
    assert_eq!(hook.tail(&["--color", "always"]).lines()[0].find('\u{1b}'), Some(0));
}

#[test]
fn the_line_for_people_says_when_who_and_what() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let long = "word ".repeat(100);
    for (number, (fields, line)) in [
        (r#""SessionStart","source":"startup","cwd":"/home/me/work""#, "SessionStart       startup in /home/me/work"),
        (r#""SessionEnd","cwd":"/","reason":"other""#, "SessionEnd         other"),
        (r#""UserPromptSubmit","cwd":"/","prompt":" Say\n\n\thi.""#, "UserPromptSubmit   Say hi."),
        (
            &*format!(r#""UserPromptSubmit","cwd":"/","prompt":"{long}""#),
            &*format!("UserPromptSubmit   {}…", &long[..120]),
        ),
        (
            r#""PreToolUse","cwd":"/","tool_name":"Bash","tool_use_id":"1","tool_input":{"command":"cargo  test"}"#,
            "PreToolUse         Bash cargo test",
        ),
        (
            r#""PermissionRequest","cwd":"/","tool_name":"Bash","tool_input":{"command":"rm x","description":"It is old."}"#,
            "PermissionRequest  Bash rm x: It is old.",
        ),
        (
            r#""PostToolUse","cwd":"/","tool_name":"Bash","tool_use_id":"2","tool_input":{"command":"ls"},"tool_response":"a\n\nb\nc\n""#,
            "PostToolUse        Bash ls → a (+2)",
        ),
        (
            r#""PostToolUse","cwd":"/","tool_name":"Bash","tool_use_id":"3","tool_input":{"command":"true"},"tool_response":"""#,
            "PostToolUse        Bash true → nothing",
        ),
        (
            r#""PostToolUse","cwd":"/","tool_name":"apply_patch","tool_use_id":"4","tool_input":{"command":"*** Begin Patch\n*** Add File: a.txt\n+*** x\n*** Delete File: b\n*** End Patch\n"},"tool_response":"Exit code: 0\nOutput:\nSuccess."}"#
                .strip_suffix('}')
                .expect("it ends so"),
            "PostToolUse        apply_patch Add File: a.txt, Delete File: b → Exit code: 0 (+2)",
        ),
        (
            r#""PostToolUse","cwd":"/","tool_name":"mcp__demo__echo","tool_use_id":"5","tool_input":{"msg":1},"tool_response":{"content":[{"type":"text","text":"no"}],"isError":true}"#,
            r#"PostToolUse        mcp__demo__echo {"msg":1} → error: no"#,
        ),
        (r#""PreCompact","cwd":"/","trigger":"auto""#, "PreCompact         auto"),
        (
            r#""SubagentStop","cwd":"/","agent_id":"t","agent_type":"explorer","last_assistant_message":"Found.""#,
            "SubagentStop       explorer: Found.",
        ),
        (r#""Stop","cwd":"/","last_assistant_message":"Done.""#, "Stop               Done."),
        (r#""Interrupt","cwd":"/""#, "Interrupt"),
        (
            r#""PostModelRequest","cwd":"/","status":"completed","token_usage":{"total_tokens":120}"#,
            "PostModelRequest   completed, 120 tokens",
        ),
        (r#""PostModelRequest","cwd":"/","status":"failed","error":"HTTP 500""#, "PostModelRequest   failed: HTTP 500"),
        (r#""Teleport","cwd":"/""#, "Teleport"),
    ]
    .into_iter()
    .enumerate()
    {
        record_payload(hook, &format!(r#"{{"hook_event_name":{fields},"session_id":"t"}}"#), None);
        let ran = hook.tail(&[]);
        let said = ran.assert_printed()[number];
        let (time, rest) = said.split_once("  ").expect("columns");
        assert!(time.len() == "2026-11-21T03:47:36.397Z".len() && time.ends_with('Z'), "{said}");
        assert_eq!(rest, format!("t              {line}"));
    }
}

#[test]
fn threads_are_shortened_and_tags_shown() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let uuid = "019aa3b1-4f6e-7c12-9d3a-5c6f0e9b1a2d";
    record_payload(
        hook,
        &format!(
            r#"{{"hook_event_name":"Stop","session_id":"{uuid}","cwd":"/","last_assistant_message":"Done."}}"#
        ),
        Some("nightly é"),
    );
    record_payload(hook, r#"{"hook_event_name":"Stop","cwd":"/"}"#, Some("x"));
    let ran = hook.tail(&[]);
    let said: Vec<&str> =
        ran.assert_printed().iter().map(|line| line.split_once("  ").expect("columns").1).collect();
    assert_eq!(
        said,
        ["019aa3b1-4f6e  Stop               [nightly é] Done.", "-              Stop               [x]"]
    );
}

fn record_payload(hook: Hook<'_>, payload: &str, tag: Option<&str>) {
    let capture = tag.map_or_else(Capture::now, |tag| Capture::now().tag(tag));
    hook.spool().record(payload.as_bytes(), &capture).unwrap_or_else(|error| panic!("{payload}: {error}"));
}

/// Without the sequences that set colours, which are all that may be there.
fn without_colors(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .fold(first, |line, part| {
            let (numbers, rest) = part.split_once('m').expect("a sequence ends with m");
            assert!(numbers.chars().all(|c| c.is_ascii_digit() || c == ';'), "{part:?}");
            line + rest
        })
        .trim_end()
        .to_owned()
}

/// What `hook tail --no-follow` writes to a terminal, a line each.
fn on_a_terminal(hook: Hook<'_>, args: &[&str]) -> Vec<String> {
    let terminal = nix::pty::openpty(None, None).expect("there are terminals left");
    let mut command = hook.command(["tail", "--no-follow"]);
    command.args(args).stdin(Stdio::null()).stdout(terminal.slave).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("the program can be started");
    // It keeps the terminal's other end open.
    drop(command);
    let mut lines = Vec::new();
    for line in BufReader::new(File::from(terminal.master)).lines() {
        // Once all have closed it, a terminal is broken.
        let Ok(line) = line else { break };
        lines.push(line.trim_end_matches('\r').to_owned());
    }
    assert!(child.wait().expect("it can be waited for").success());
    lines
}
