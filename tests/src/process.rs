//! Processes that never outlive the test: each is the head of its own process group.

use std::{
    io,
    process::{ChildStdin, ChildStdout, Command, ExitStatus},
    time::Duration,
};

use shared_child::SharedChild;

/// How long the harness waits for what takes milliseconds on a quiet machine, before it calls it broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What can be sent to a Codex that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`: what Ctrl-C sends.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGKILL`; elsewhere than on Unix, the end of the process.
    Kill,
}

/// A process and, on Unix, all that stays in its process group. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Group {
    child: SharedChild,
}

impl Group {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        imp::lead_a_group(command);
        Ok(Self { child: SharedChild::spawn(command)? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&self) -> Option<ChildStdin> {
        self.child.take_stdin()
    }

    pub(crate) fn stdout(&self) -> Option<ChildStdout> {
        self.child.take_stdout()
    }

    /// Waits for the end of the process; none within the time given: `None`.
    pub(crate) fn wait(&self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        self.child.wait_timeout(patience)
    }

    /// Sends a signal to the whole group.
    pub(crate) fn signal(&self, signal: Signal) {
        // Once the process has been waited for, its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            imp::signal(&self.child, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
mod imp {
    use std::{os::unix::process::CommandExt, process::Command};

    use nix::{
        sys::signal::{self, killpg},
        unistd::Pid,
    };
    use shared_child::SharedChild;

    use super::Signal;

    pub(super) fn lead_a_group(command: &mut Command) {
        command.process_group(0);
    }

    pub(super) fn signal(child: &SharedChild, signal: Signal) {
        let signal = match signal {
            Signal::Interrupt => signal::Signal::SIGINT,
            Signal::Terminate => signal::Signal::SIGTERM,
            Signal::Kill => signal::Signal::SIGKILL,
        };
        if let Ok(id) = i32::try_from(child.id()) {
            // The group may be gone by now, which is what a signal is for.
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::process::Command;

    use shared_child::SharedChild;

    use super::Signal;

    pub(super) fn lead_a_group(_command: &mut Command) {}

    pub(super) fn signal(child: &SharedChild, _signal: Signal) {
        let _ = child.kill();
    }
}
