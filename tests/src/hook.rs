//! The `hook` program in a sandbox, and what it has put into the sandbox's spool.

use std::{
    ffi::OsStr,
    fmt, fs,
    io::{Read, Write},
    process::{Command, ExitStatus, Stdio},
};

use codex_spool::{Event, Spool};
use serde_json::Value;

use crate::{hook_bin::hook_binary, sandbox::Sandbox};

/// The `hook` program of `sandbox`.
pub fn hook(sandbox: &Sandbox) -> Hook<'_> {
    Hook { sandbox }
}

/// The `hook` program, as a user of the sandbox calls it.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    sandbox: &'a Sandbox,
}

impl Hook<'_> {
    /// How it is registered with Codex: its absolute path, quoted, and the one word `event`.
    pub fn registration(&self) -> String {
        format!("'{}' event", hook_binary().display())
    }

    /// The program with arguments, yet to be run.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.sandbox.command(hook_binary());
        command.args(args);
        command
    }

    /// Runs `hook event` on a payload.
    #[track_caller]
    pub fn event(&self, payload: impl AsRef<[u8]>) -> Ran {
        run(&mut self.command(["event"]), payload.as_ref())
    }

    /// Runs `hook tail --no-follow` with further arguments, to its end.
    #[track_caller]
    pub fn tail(&self, args: &[&str]) -> Ran {
        run(self.command(["tail", "--no-follow"]).args(args), b"")
    }

    /// The sandbox's spool, by the library; made where there is none.
    #[track_caller]
    pub fn spool(&self) -> Spool {
        Spool::open(self.sandbox.spool()).expect("the spool of a sandbox can be opened")
    }

    /// Every event of the journal, in order.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        let journal = self.spool().journal().expect("the journal can be listed");
        journal.collect::<Result<_, _>>().expect("no record is damaged")
    }

    /// What stands in `rejected/`, in the order of arrival.
    #[track_caller]
    pub fn rejected(&self) -> Vec<Value> {
        let Ok(folder) = fs::read_dir(self.sandbox.spool().join("rejected")) else { return Vec::new() };
        let mut files: Vec<_> = folder.map(|file| file.expect("a folder can be listed").path()).collect();
        files.sort();
        let read = |path| fs::read(path).expect("a file of the spool can be read");
        files.into_iter().map(|path| serde_json::from_slice(&read(path)).expect("it is JSON")).collect()
    }
}

/// Runs a command on `stdin` to its end.
#[track_caller]
pub fn run(command: &mut Command, stdin: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    let mut input = child.stdin.take().expect("stdin is a pipe");
    let mut output = child.stdout.take().expect("stdout is a pipe");
    let mut stdout = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that ends early leaves the rest unread.
            let _ = input.write_all(stdin);
        });
        output.read_to_end(&mut stdout).expect("a pipe can be read");
    });
    let rest = child.wait_with_output().expect("a child can be waited for");
    Ran { status: rest.status, stdout, stderr: String::from_utf8_lossy(&rest.stderr).into_owned() }
}

/// A program that has ended.
#[derive(Clone)]
#[must_use = "say how it should have ended"]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: String,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ran { status, stdout, stderr } = self;
        let stdout = String::from_utf8_lossy(stdout);
        f.debug_struct("Ran")
            .field("status", status)
            .field("stdout", &stdout)
            .field("stderr", stderr)
            .finish()
    }
}

impl Ran {
    /// Panics unless it ended well and printed nothing at all: the only end of a hook that Codex reads nothing into.
    #[track_caller]
    pub fn assert_silent(&self) {
        assert!(self.status.success() && self.stdout.is_empty() && self.stderr.is_empty(), "{self:?}");
    }

    /// Panics unless it failed as a hook may: exit code 1, nothing on stdout, one line on stderr. Gives that line.
    #[track_caller]
    pub fn assert_refused(&self) -> &str {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        self.assert_one_complaint()
    }

    /// Panics unless there is one line on stderr, from `hook`. Gives it.
    #[track_caller]
    pub fn assert_one_complaint(&self) -> &str {
        match self.stderr.strip_suffix('\n') {
            Some(line) if !line.contains('\n') && line.starts_with("hook: ") => line,
            _ => panic!("not one line: {self:?}"),
        }
    }

    /// Panics unless it ended well without a complaint. Gives the lines it printed.
    #[track_caller]
    pub fn assert_printed(&self) -> Vec<&str> {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        self.lines()
    }

    /// The lines it printed.
    #[track_caller]
    pub fn lines(&self) -> Vec<&str> {
        std::str::from_utf8(&self.stdout).expect("it prints UTF-8").lines().collect()
    }
}
