//! `codex exec`, which plays one turn and ends.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use crate::{
    process::{Group, PATIENCE, Signal},
    sandbox::Sandbox,
};

/// A `codex exec` that is yet to be started.
#[derive(Debug)]
#[must_use = "nothing runs before `run` or `spawn`"]
pub struct Exec<'a> {
    sandbox: &'a Sandbox,
    prompt: String,
    resume: Option<String>,
    flags: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl<'a> Exec<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, prompt: &str) -> Self {
        let flags = vec!["--skip-git-repo-check".into()];
        Self { sandbox, prompt: prompt.to_owned(), resume: None, flags, env: Vec::new() }
    }

    /// `codex exec resume`: goes on with a thread that is there.
    pub fn resume(mut self, thread_id: &str) -> Self {
        self.resume = Some(thread_id.to_owned());
        self
    }

    /// Runs all hooks, trusted or not.
    pub fn bypass_trust(self) -> Self {
        self.flag("--dangerously-bypass-hook-trust")
    }

    /// Adds a flag.
    pub fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Finished {
        self.spawn().wait()
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let path = self.sandbox.output_path();
        let (stdout, stderr) = (path.with_extension("stdout"), path.with_extension("stderr"));
        let create = |path: &Path| File::create(path).expect("the sandbox can be written to");
        let mut command = self.sandbox.codex();
        command.arg("exec").args(self.flags).envs(self.env);
        if let Some(thread_id) = self.resume {
            command.args(["resume", &thread_id]);
        }
        command.arg(self.prompt).stdin(Stdio::null()).stdout(create(&stdout)).stderr(create(&stderr));
        let group = Group::spawn(&mut command).expect("the installed Codex can be started");
        Running { group, stdout, stderr }
    }
}

/// A `codex exec` that runs. Dropping it kills it and its process group.
#[derive(Debug)]
pub struct Running {
    group: Group,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// Sends a signal to its process group.
    pub fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Waits for its end, which must come within a minute.
    #[track_caller]
    pub fn wait(self) -> Finished {
        self.wait_within(PATIENCE)
    }

    /// Waits for its end, which must come in time.
    #[track_caller]
    pub fn wait_within(self, patience: Duration) -> Finished {
        let status = self.group.wait(patience).expect("a child can be waited for");
        let read = |path| {
            fs::read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .expect("what a process prints can be read")
        };
        let (stdout, stderr) = (read(&self.stdout), read(&self.stderr));
        let Some(status) = status else {
            panic!("codex exec did not end within {patience:?}; it said:\n{stderr}\n{stdout}");
        };
        Finished { status, stdout, stderr }
    }
}

/// A `codex exec` that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed: the last answer.
    pub stdout: String,
    /// What it told on the way.
    pub stderr: String,
}

impl Finished {
    /// Panics with all that was printed, unless it ended well.
    #[track_caller]
    pub fn assert_success(self) -> Self {
        assert!(
            self.status.success(),
            "codex exec failed: {}\n{}\n{}",
            self.status,
            self.stderr,
            self.stdout
        );
        self
    }

    /// The thread that it played, as it says itself.
    #[track_caller]
    pub fn thread_id(&self) -> String {
        self.stderr
            .lines()
            .find_map(|line| line.strip_prefix("session id: "))
            .unwrap_or_else(|| panic!("codex exec named no session:\n{}", self.stderr))
            .to_owned()
    }
}
