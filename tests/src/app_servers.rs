//! The app-servers that outlive who started them.

use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

/// Every `codex app-server` that listens on a socket in the folder of a sandbox. Dropping it kills them.
#[derive(Debug)]
pub struct AppServers<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> AppServers<'a> {
    /// Those of this sandbox, there now or later.
    pub fn of(sandbox: &'a Sandbox) -> Self {
        Self { sandbox }
    }

    /// Kills those that are there now, as `kill -9` does, and waits until they are gone.
    #[track_caller]
    pub fn kill(&self) {
        while let Some(pid) = self.first() {
            // It may have gone by itself.
            let _ = Command::new("kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
        }
    }

    /// Whether there is one now.
    pub fn is_any_there(&self) -> bool {
        self.first().is_some()
    }

    fn first(&self) -> Option<String> {
        let ps = Command::new("ps").args(["-axww", "-o", "pid=,command="]).output();
        let lines = String::from_utf8_lossy(&ps.expect("ps can be run").stdout).into_owned();
        let listens = format!("unix://{}", self.sandbox.root().display());
        let line = lines.lines().find(|line| line.contains("app-server") && line.contains(&listens))?;
        line.split_whitespace().next().map(str::to_owned)
    }
}

impl Drop for AppServers<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}
