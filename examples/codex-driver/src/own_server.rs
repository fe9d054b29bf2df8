//! A `codex app-server` that is started where no background server runs, and that outlives who started it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::sys;

/// How long it may take to come up, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether it is there: nothing tells.
const POLL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct OwnServer {
    dir: PathBuf,
    /// Where this process started it.
    child: Option<Child>,
}

impl OwnServer {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, child: None }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("server.sock")
    }

    /// Connects to it where it runs; `None` where it does not.
    pub(crate) fn connect(&self) -> Option<Connection> {
        Connection::open(&self.socket()).ok()
    }

    /// Connects to it, and starts it first where it does not run. Of two that do so at once one comes up.
    pub(crate) fn connect_or_start(&mut self, mut codex: Command, program: &Path) -> Result<Connection> {
        if let Some(connection) = self.connect() {
            return Ok(connection);
        }
        sys::private_dir(&self.dir).map_err(Error::file("make", &self.dir))?;
        let log_path = self.dir.join("server.log");
        let log = OpenOptions::new().create(true).append(true).open(&log_path);
        let log = log.map_err(Error::file("write", &log_path))?;
        codex.args(["app-server", "--listen"]).arg(format!("unix://{}", self.socket().display()));
        codex.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir(&self.dir);
        sys::lead_a_group(&mut codex);
        let mut child =
            codex.spawn().map_err(|source| Error::Start { program: program.to_owned(), source })?;
        let deadline = Instant::now() + PATIENCE;
        let connection = loop {
            // That it has ended is asked first: the other one may have come up just before.
            let ended = matches!(child.try_wait(), Ok(Some(_)));
            match Connection::open(&self.socket()) {
                Err(_) if !ended && Instant::now() < deadline => std::thread::sleep(POLL),
                Err(Error::NoServer { socket, reason }) => {
                    let log = fs::read_to_string(&log_path).unwrap_or_default();
                    let said = log.lines().rev().find(|line| line.starts_with("Error")).unwrap_or(&reason);
                    return Err(Error::NoServer { socket, reason: said.to_owned() });
                }
                connection => break connection?,
            }
        };
        self.child = Some(child);
        Ok(connection)
    }

    /// Ends it, unless a turn runs on it. Whether it is gone.
    pub(crate) fn end_if_idle(&mut self) -> Result<bool> {
        let Some(mut connection) = self.connect() else { return Ok(true) };
        let loaded = connection.call("thread/loaded/list", json!({}))?;
        for thread in loaded["data"].as_array().into_iter().flatten() {
            let read = connection.call("thread/read", json!({ "threadId": thread }))?;
            if read["thread"]["status"]["type"] == "active" {
                return Ok(false);
            }
        }
        let diagnostics = connection.call("server/diagnostics", json!({}))?;
        let pid = diagnostics["process"]["id"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| Error::UnknownWords {
            method: "server/diagnostics".to_owned(),
            missing: "process.id",
        })?;
        // It ends before it accepts anybody else; what is refused now has been gone already.
        let _ = sys::terminate(pid);
        let deadline = Instant::now() + PATIENCE;
        while self.is_there() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        Ok(!self.is_there())
    }

    fn is_there(&mut self) -> bool {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(_))) => self.child = None,
            Some(_) => return true,
            None => {}
        }
        sys::connect(&self.socket()).is_ok()
    }
}
