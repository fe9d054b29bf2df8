//! A terminal that tests can look at: tmux, with a server of its own.

use std::{path::PathBuf, process::Command, time::Instant};

use crate::{process::PATIENCE, sandbox::Sandbox};

/// A terminal in which a shell command runs. Dropping it ends the command.
#[derive(Debug)]
pub struct Tmux<'a> {
    sandbox: &'a Sandbox,
    socket: PathBuf,
}

impl<'a> Tmux<'a> {
    /// Runs a shell command in a new terminal of that size, in the sandbox's project and with its environment.
    #[track_caller]
    pub fn start(sandbox: &'a Sandbox, (columns, rows): (u16, u16), command: &str) -> Self {
        let tmux = Self { sandbox, socket: sandbox.output_path().with_extension("tmux") };
        let size = ["-x", &columns.to_string(), "-y", &rows.to_string()].map(str::to_owned);
        let mut start = tmux.command();
        // Without a status line the command has the whole of it.
        start.args(["start-server", ";", "set", "-g", "status", "off", ";", "new-session", "-d"]);
        tmux.run(start.args(size).args([command]));
        tmux
    }

    fn command(&self) -> Command {
        let mut command = self.sandbox.command("tmux");
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(&self.socket).env("TERM", "xterm-256color");
        command
    }

    #[track_caller]
    fn run(&self, command: &mut Command) -> String {
        let output = command.output().unwrap_or_else(|error| {
            panic!(
                "tmux can't be run: {error}: install it (Debian: apt install tmux; macOS: brew install tmux)"
            )
        });
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is on the screen, a line each.
    #[track_caller]
    pub fn text(&self) -> String {
        self.run(self.command().args(["capture-pane", "-p"]))
    }

    /// The same with its colours, as the escape sequences that would draw it.
    #[track_caller]
    pub fn painted(&self) -> String {
        self.run(self.command().args(["capture-pane", "-p", "-e", "-N"]))
    }

    /// Whether a program has taken over the screen.
    #[track_caller]
    pub fn is_taken_over(&self) -> bool {
        self.run(self.command().args(["display-message", "-p", "#{alternate_on}"])).trim() == "1"
    }

    /// Whether the bell has rung.
    #[track_caller]
    pub fn has_rung(&self) -> bool {
        self.run(self.command().args(["display-message", "-p", "#{window_bell_flag}"])).trim() == "1"
    }

    /// Presses keys, by the names that tmux has for them: `Down`, `Escape`, `C-c`, or text.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        self.run(self.command().arg("send-keys").args(keys));
    }

    /// Makes the terminal another size.
    #[track_caller]
    pub fn resize(&self, (columns, rows): (u16, u16)) {
        let size = ["-x", &columns.to_string(), "-y", &rows.to_string()].map(str::to_owned);
        self.run(self.command().arg("resize-window").args(size));
    }

    /// Waits until the screen shows what is wanted, and gives it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let patience = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(Instant::now() < patience, "no {what} on the screen within {PATIENCE:?}:\n{text}");
        }
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
    }
}
