//! A spool with events that are told apart by a number, and a `hook tail` that is talked with.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio},
};

use codex_hook_tests::Hook;
use codex_spool::{Capture, Consumer, Start};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Records events that are told apart by a number.
pub(crate) fn record(hook: Hook<'_>, numbers: std::ops::Range<usize>) {
    for number in numbers {
        record_of_thread(hook, "s", number);
    }
}

pub(crate) fn record_of_thread(hook: Hook<'_>, thread: &str, number: usize) {
    let payload = format!(
        r#"{{"hook_event_name":"UserPromptSubmit","session_id":"{thread}","cwd":"/","prompt":"{number}."}}"#
    );
    hook.spool().record(payload.as_bytes(), &Capture::now()).expect("the spool takes it");
}

/// The records of the journal, as they lie on disk.
pub(crate) fn records(hook: Hook<'_>) -> Vec<String> {
    hook.events().iter().map(|event| event.record().trim_end().to_owned()).collect()
}

/// The ids of the journal.
pub(crate) fn ids(hook: Hook<'_>) -> Vec<String> {
    hook.events().iter().map(|event| event.id().to_string()).collect()
}

pub(crate) fn consumer(hook: Hook<'_>, name: &str) -> Consumer {
    let consumer = hook.spool().consumer(name).expect("a good name").start(Start::Earliest);
    consumer.open().expect("nobody has it")
}

/// What a consumer has yet to settle, each with its attempt, as it is given to who opens it.
pub(crate) fn left(hook: Hook<'_>, name: &str) -> Vec<(String, u32)> {
    let mut consumer = consumer(hook, name);
    let left = consumer.drain().map(|delivery| {
        let delivery = delivery.expect("a good record");
        let left = (delivery.id().to_string(), delivery.attempt());
        delivery.leave();
        left
    });
    left.collect()
}

/// Why events are dead that a consumer had.
pub(crate) fn dead(hook: Hook<'_>, name: &str) -> Vec<(String, String)> {
    let dead = hook.spool().dead(&name.parse().expect("a good name")).expect("it can be read");
    dead.iter().map(|dead| (dead.id().to_string(), dead.reason().to_owned())).collect()
}

/// The names in `consumers/`.
pub(crate) fn consumers(hook: Hook<'_>) -> Vec<String> {
    let folder = std::fs::read_dir(hook.spool().dir().join("consumers")).expect("it is there");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("it can be listed").file_name();
    let mut names: Vec<_> = folder.map(|entry| name(entry).into_string().expect("names are ASCII")).collect();
    names.sort_unstable();
    names
}

/// A `hook tail` that goes on until the test has seen enough.
pub(crate) struct Following {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Option<BufReader<ChildStdout>>,
    complaints: BufReader<ChildStderr>,
}

impl Following {
    pub(crate) fn start(hook: Hook<'_>, args: &[&str]) -> Self {
        let mut command = hook.command(["tail"]);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stdin = child.stdin.take();
        let lines = child.stdout.take().map(BufReader::new);
        let complaints = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, stdin, lines, complaints }
    }

    /// Waits for the next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().expect("a pipe").read_line(&mut line).expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// Waits for the next lines, and gives the ids of their records.
    pub(crate) fn ids(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| id_of(&self.line())).collect()
    }

    /// Waits for the next line on standard error.
    pub(crate) fn complaint(&mut self) -> String {
        let mut line = String::new();
        self.complaints.read_line(&mut line).expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// Writes a line to its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open still");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    pub(crate) fn ack(&mut self, id: &str) {
        self.say(&format!(r#"{{"ack":"{id}"}}"#));
    }

    /// From now on nobody reads what it writes.
    pub(crate) fn close_output(&mut self) {
        self.lines = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is ours");
    }

    /// Ends its standard input, and waits for it; gives what it had still written.
    pub(crate) fn end(mut self) -> Ended {
        self.stdin = None;
        self.wait()
    }

    /// Waits for its end; its standard input stays open meanwhile.
    pub(crate) fn wait(mut self) -> Ended {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        std::thread::scope(|scope| {
            scope.spawn(|| self.complaints.read_to_string(&mut stderr).expect("a pipe can be read"));
            if let Some(lines) = &mut self.lines {
                lines.read_to_string(&mut stdout).expect("a pipe can be read");
            }
        });
        Ended { code: self.child.wait().expect("it can be waited for").code(), stdout, stderr }
    }

    /// Waits until there is a byte to read.
    pub(crate) fn wait_for_output(&mut self) {
        let lines = self.lines.as_mut().expect("a pipe");
        assert!(!lines.fill_buf().expect("a pipe can be read").is_empty());
    }

    /// Waits for its end, and reads nothing of what it writes.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }

    /// Kills it, and gives what it had written and nobody had read.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().expect("it is ours");
        self.wait().stdout
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `hook tail` that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Panics unless it ended well, had nothing more to say, and nothing to complain of.
    #[track_caller]
    pub(crate) fn assert_quiet(&self) {
        let quiet = Ended { code: Some(0), stdout: String::new(), stderr: String::new() };
        assert_eq!(*self, quiet);
    }
}

/// The id of a record.
pub(crate) fn id_of(record: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(record).expect("a record is JSON");
    record["id"].as_str().expect("a record has an id").to_owned()
}
