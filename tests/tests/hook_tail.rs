//! `hook tail` as a process.

#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Stdio},
};

use codex_hook_tests::{Hook, Sandbox, hook};
use codex_spool::{Capture, Consumer, Start};

/// Records events that are told apart by a number.
fn record(hook: Hook<'_>, numbers: std::ops::Range<usize>) {
    let spool = hook.spool();
    for number in numbers {
        let payload = format!(
            r#"{{"hook_event_name":"UserPromptSubmit","session_id":"s","cwd":"/","prompt":"{number}."}}"#
        );
        spool.record(payload.as_bytes(), &Capture::now()).expect("the spool takes it");
    }
}

/// The records of the journal, as they lie on disk.
fn records(hook: Hook<'_>) -> Vec<String> {
    hook.events().iter().map(|event| event.record().trim_end().to_owned()).collect()
}

fn consumer(hook: Hook<'_>, name: &str) -> Consumer {
    let consumer = hook.spool().consumer(name).expect("a good name").start(Start::Earliest);
    consumer.open().expect("nobody has it")
}

/// A `hook tail` that goes on until the test has seen enough.
struct Following {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Following {
    fn start(hook: Hook<'_>, args: &[&str]) -> Self {
        let mut command = hook.command(["tail"]);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    /// Waits for the next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// Kills it, and gives what it had written and nobody had read.
    fn kill(mut self) -> Vec<u8> {
        self.child.kill().expect("it is ours");
        let mut rest = Vec::new();
        self.lines.read_to_end(&mut rest).expect("a pipe can be read");
        self.child.wait().expect("it can be waited for");
        rest
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_journal_is_printed_in_order_as_it_lies_on_disk() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..20);
    let ran = hook.tail(&["--from", "earliest", "--json"]);

    let mut printed = ran.assert_printed();
    assert_eq!(printed, records(hook));
    let mut times: Vec<&str> =
        printed.iter().map(|line| line.split_once("captured_at").expect("it has a time").1).collect();
    assert!(times.is_sorted());
    times.dedup();
    assert_eq!(times.len(), 20);
    // Nobody has subscribed, and nothing is settled by that.
    assert_eq!(hook.tail(&["--from", "earliest", "--json"]).stdout, ran.stdout);
    let mut on_disk = Vec::new();
    for day in fs::read_dir(sandbox.spool().join("journal")).expect("it is there") {
        for file in fs::read_dir(day.expect("it can be listed").path()).expect("it is there") {
            let file = file.expect("it can be listed").path();
            if file.extension().is_some_and(|extension| extension == "json") {
                on_disk.push(fs::read_to_string(file).expect("it can be read"));
            }
        }
    }
    printed.sort_unstable();
    on_disk.sort_unstable();
    assert!(printed.iter().zip(&on_disk).all(|(line, file)| file.strip_suffix('\n') == Some(*line)));
}

#[test]
fn without_follow_the_latest_are_none() {
    let sandbox = Sandbox::new();
    record(hook(&sandbox), 0..2);
    assert!(hook(&sandbox).tail(&["--json"]).assert_printed().is_empty());
    assert!(hook(&sandbox).tail(&["--from", "latest"]).assert_printed().is_empty());
}

#[test]
fn a_consumer_gets_each_event_once_and_another_all_of_them() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..5);
    let drain = |name| hook.tail(&["--consumer", name, "--from", "earliest", "--json"]);
    assert_eq!(drain("a").assert_printed(), records(hook));
    assert!(drain("a").assert_printed().is_empty());
    record(hook, 5..7);
    assert_eq!(drain("a").assert_printed(), records(hook)[5..]);
    assert_eq!(drain("b").assert_printed(), records(hook));
}

#[test]
fn a_consumer_that_starts_with_the_latest_gets_what_comes_after() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    assert!(hook.tail(&["--consumer", "c", "--json"]).assert_printed().is_empty());
    record(hook, 3..5);
    // Where it starts was decided when it was made.
    let ran = hook.tail(&["--consumer", "c", "--from", "earliest", "--json"]);
    assert_eq!(ran.assert_printed(), records(hook)[3..]);
}

#[test]
fn a_follower_prints_what_comes() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..2);
    for args in [&["--from", "earliest", "--json"][..], &["--from", "earliest", "--json", "--consumer", "c"]]
    {
        let mut tail = Following::start(hook, args);
        let before = records(hook);
        assert_eq!(before.iter().map(|_| tail.line()).collect::<Vec<_>>(), before);
        record(hook, before.len()..before.len() + 1);
        assert_eq!(tail.line(), *records(hook).last().expect("one was just recorded"));
        assert!(tail.kill().is_empty());
    }
    // The one without a name has left nothing behind that the next to open would not clear away.
    drop(consumer(hook, "c"));
    let consumers = fs::read_dir(sandbox.spool().join("consumers")).expect("it is there");
    let names: Vec<_> = consumers.map(|entry| entry.expect("it can be listed").file_name()).collect();
    assert_eq!(names, ["c"]);
}

#[cfg(unix)]
#[test]
fn a_follower_that_is_interrupted_leaves_nothing_behind() {
    use nix::sys::signal::{Signal, kill};
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut tail = Following::start(hook, &["--from", "earliest"]);
        // It follows by now.
        tail.line();
        kill(nix::unistd::Pid::from_raw(tail.child.id() as i32), signal).expect("it is ours");
        assert_eq!(tail.child.wait().expect("it can be waited for").code(), Some(0));
        let consumers = fs::read_dir(sandbox.spool().join("consumers")).expect("it is there");
        assert_eq!(consumers.count(), 0);
    }
}

#[test]
fn a_pipe_that_nobody_reads_any_more_is_a_normal_end() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    // One line must not fit into a pipe, so that the rest is still to be written when the reader leaves.
    let large = format!(r#"{{"hook_event_name":"Stop","cwd":"{}"}}"#, "x".repeat(500_000));
    hook.event(large).assert_silent();
    for args in [
        &["--no-follow", "--from", "earliest", "--json"][..],
        &["--no-follow", "--from", "earliest", "--json", "--consumer", "c"],
        &["--from", "earliest", "--json", "--consumer", "d"],
    ] {
        let mut tail = Following::start(hook, args);
        assert_eq!(tail.line(), records(hook)[0]);
        let (nothing, _) = std::io::pipe().expect("there are descriptors left");
        drop(std::mem::replace(
            &mut tail.lines,
            BufReader::new(ChildStdout::from(std::os::fd::OwnedFd::from(nothing))),
        ));
        let mut said = String::new();
        tail.child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("a pipe can be read");
        assert_eq!((tail.child.wait().expect("it can be waited for").code(), &*said), (Some(0), ""));
    }
    // What was not written out is still to be settled.
    for name in ["c", "d"] {
        let left: Vec<_> =
            consumer(hook, name).drain().map(|delivery| delivery.expect("a good record").id()).collect();
        assert_eq!(left, [hook.events()[1].id()]);
    }
}

#[test]
fn an_output_that_takes_nothing_is_an_error() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let full = fs::File::options().write(true).open("/dev/full");
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
fn a_spool_that_is_not_there_is_said_and_not_made() {
    let sandbox = Sandbox::new();
    let ran = hook(&sandbox).tail(&["--from", "earliest"]);
    assert!(ran.assert_refused().contains("no spool"));
    assert!(!sandbox.spool().exists());

    record(hook(&sandbox), 0..1);
    fs::write(sandbox.spool().join("format"), "2\n").expect("the spool can be written to");
    assert!(hook(&sandbox).tail(&[]).assert_refused().contains("unknown spool format"));
    assert!(hook(&sandbox).tail(&["--spool-dir", "spool"]).assert_refused().contains("relative path"));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let sandbox = Sandbox::new();
    record(hook(&sandbox), 0..1);
    for args in [&["--foo"][..], &["extra"], &["--from"], &["--from", "now"], &["--consumer"]] {
        let ran = hook(&sandbox).tail(args);
        assert_eq!((ran.status.code(), ran.stdout.is_empty()), (Some(2), true), "{ran:?}");
    }
    for name in ["", "Upper", "../escape", "~0123456789abcdef", ".new-1", "a b"] {
        assert!(
            hook(&sandbox).tail(&["--consumer", name]).assert_refused().contains("not a valid consumer name")
        );
    }
}

#[test]
fn a_damaged_record_is_said_and_the_others_printed() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    drop(consumer(hook, "c"));
    let records = records(hook);
    let id = hook.events()[1].id();
    let days = fs::read_dir(sandbox.spool().join("journal")).expect("it is there");
    // Every link of an event is one file, so this damages the consumer's too.
    let file = days
        .map(|day| day.expect("it can be listed").path().join(format!("{id}.json")))
        .find(|file| file.exists())
        .expect("the event is in one day");
    let mut bytes = fs::read(&file).expect("it can be read");
    bytes[20] ^= 1;
    fs::write(&file, bytes).expect("it can be written to");

    for from in [&["--from", "earliest", "--json"][..], &["--consumer", "c", "--json"]] {
        let ran = hook.tail(from);
        assert_eq!(ran.status.code(), Some(1));
        assert_eq!(ran.lines(), [&*records[0], &*records[2]]);
        let said = ran.assert_one_complaint();
        assert!(said.starts_with("hook: damaged record: ") && said.contains(&id.to_string()), "{said}");
    }
    assert_eq!(fs::read_dir(sandbox.spool().join("consumers/c/dead")).expect("it is there").count(), 2);
    assert!(hook.tail(&["--consumer", "c"]).assert_printed().is_empty());
}

#[test]
fn a_consumer_in_use_names_who_has_it() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let mut consumer = consumer(hook, "c");
    let said = hook.tail(&["--consumer", "c"]);
    let said = said.assert_refused();
    assert!(said.contains("in use") && said.contains(&format!("pid {} ", std::process::id())), "{said}");
    // Another consumer is nobody's business, and this one has lost nothing.
    assert_eq!(hook.tail(&["--consumer", "d", "--from", "earliest"]).assert_printed().len(), 1);
    assert_eq!(consumer.drain().count(), 1);
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
        hook.event(payload).assert_silent();
    }
    let ran = hook.tail(&["--from", "earliest"]);
    let lines = ran.assert_printed();
    assert_eq!(lines.len(), 6);
    for line in lines {
        let steers = |c: char| {
            c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(line.find(steers), None, "{line:?}");
    }
}

#[test]
fn the_line_for_people_says_when_who_and_what() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    hook.event(
        r#"{"hook_event_name":"PreToolUse","session_id":"0198-s","cwd":"/","tool_name":"Bash","tool_input":{"command":"cargo test"},"tool_use_id":"1"}"#,
    )
    .assert_silent();
    hook.event(r#"{"hook_event_name":"Teleport"}"#).assert_silent();
    let ran = hook.tail(&["--from", "earliest"]);
    let words: Vec<Vec<&str>> =
        ran.assert_printed().iter().map(|line| line.split_whitespace().skip(1).collect()).collect();
    assert_eq!(words, [vec!["0198-s", "PreToolUse", "Bash", "cargo", "test"], vec!["-", "Teleport"]]);
}
