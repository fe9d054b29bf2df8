//! A dialogue with `codex app-server`: JSON-RPC, one message a line, over stdio.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::bounded::wait;
use super::running::Running;
use super::{Codex, Error, HookEvent, platform};

/// How long Codex may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(2);

/// What Codex thinks of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TrustStatus {
    /// An administrator's: runs without being asked about.
    Managed,
    /// Never trusted: does not run.
    Untrusted,
    /// Runs.
    Trusted,
    /// Another definition was trusted at its place: does not run.
    Modified,
    /// Something that this program does not know.
    #[serde(other)]
    Unknown,
}

/// A hook as Codex lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedHook {
    /// What trust is bound to: file, event, group and handler.
    pub key: String,
    /// In the protocol's spelling: `preToolUse`.
    pub event_name: String,
    /// What is run; `None` for a hook that runs no command.
    #[serde(default)]
    pub command: Option<String>,
    /// The file that it stands in.
    pub source_path: PathBuf,
    /// The hash of its definition, which trust holds for.
    #[serde(default)]
    current_hash: String,
    /// `Unknown` from a Codex that does not ask for trust.
    #[serde(default = "unknown")]
    pub trust_status: TrustStatus,
    /// Whether the user has left it on.
    #[serde(default = "on")]
    pub enabled: bool,
}

fn unknown() -> TrustStatus {
    TrustStatus::Unknown
}

fn on() -> bool {
    true
}

impl ListedHook {
    /// Its event, if it is a known one.
    pub fn event(&self) -> Option<HookEvent> {
        HookEvent::all().find(|event| event.protocol_name() == self.event_name)
    }

    /// The group and the handler, as the key has them.
    pub fn position(&self) -> Option<(usize, usize)> {
        let mut parts = self.key.rsplit(':');
        let handler = parts.next()?.parse().ok()?;
        Some((parts.next()?.parse().ok()?, handler))
    }
}

/// What Codex says of the hooks of a directory.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HookList {
    /// The hooks, in Codex's order.
    pub hooks: Vec<ListedHook>,
    /// What it warns about: broken files, clamped timeouts.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A running `codex app-server`; ended when it is dropped.
#[derive(Debug)]
pub struct AppServer {
    child: Child,
    _running: Running,
    stdin: Option<ChildStdin>,
    answers: Receiver<Value>,
    next_id: u64,
    deadline: Instant,
    patience: Duration,
    program: PathBuf,
    /// The home that Codex itself reports.
    home: Option<PathBuf>,
}

impl AppServer {
    /// Starts Codex in `cwd` and greets it. From then on the whole dialogue may take as long as the
    /// [environment](super::Environment::codex_patience) says.
    ///
    /// # Errors
    ///
    /// [`Error::Codex`] where it can't be started, or does not answer.
    pub fn start(codex: &Codex, cwd: &Path) -> Result<Self, Error> {
        let program = codex.path().to_owned();
        let mut command = codex.command();
        command.arg("app-server").current_dir(cwd);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let failed = |error: std::io::Error| Error::Codex {
            what: format!("cannot start codex app-server ({error})"),
            codex: program.clone(),
            remedy: "check that `codex --version` works",
        };
        let (mut child, running) = Running::start(&mut command).map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            for line in lines.map_while(Result::ok) {
                let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
                if message.get("method").is_none() && sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (deadline, patience) = (Instant::now() + codex.time_left(), codex.patience());
        let mut server = AppServer {
            child,
            _running: running,
            stdin,
            answers,
            next_id: 0,
            deadline,
            patience,
            program,
            home: None,
        };
        let client = json!({"name": "codex-hook", "title": null, "version": env!("CARGO_PKG_VERSION")});
        let hello = json!({"clientInfo": client, "capabilities": {"experimentalApi": true}});
        let welcome = server.call("initialize", hello)?;
        server.home = welcome.get("codexHome").and_then(Value::as_str).map(PathBuf::from);
        server.send(&json!({"method": "initialized"}))?;
        Ok(server)
    }

    /// The home that Codex works in, where it says so.
    pub fn codex_home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    fn send(&mut self, message: &Value) -> Result<(), Error> {
        let written =
            self.stdin.as_mut().map(|stdin| writeln!(stdin, "{message}").and_then(|()| stdin.flush()));
        match written {
            Some(Ok(())) => Ok(()),
            _ => Err(self.error("codex app-server ended".into(), "run it by hand to see why")),
        }
    }

    fn error(&self, what: String, remedy: &'static str) -> Error {
        Error::Codex { what, codex: self.program.clone(), remedy }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value, Error> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"id": id, "method": method, "params": params}))?;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let mut answer = match self.answers.recv_timeout(left) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.error(
                        format!(
                            "codex app-server did not answer {method} in {} s",
                            self.patience.as_secs_f32()
                        ),
                        "try again, or trust the hooks in Codex with /hooks",
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.error(
                        format!("codex app-server ended before it answered {method}"),
                        "check config.toml with `hook doctor`; a Codex before 0.129 has no such dialogue",
                    ));
                }
            };
            if answer.get("id").and_then(Value::as_u64) != Some(id) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                let said = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
                let said: String = said.lines().next().unwrap_or_default().chars().take(300).collect();
                return Err(self.error(
                    format!("codex refused {method} ({said})"),
                    "check config.toml with `hook doctor`; an old Codex may not know the request",
                ));
            }
            return Ok(answer.get_mut("result").map(Value::take).unwrap_or_default());
        }
    }

    /// What Codex makes of all hooks that a session in `cwd` would have.
    ///
    /// # Errors
    ///
    /// [`Error::Codex`] where it does not answer, or in words that this program does not know.
    pub fn hooks(&mut self, cwd: &Path) -> Result<HookList, Error> {
        let answer = self.call("hooks/list", json!({"cwds": [cwd]}))?;
        let list = answer.pointer("/data/0").cloned().unwrap_or_default();
        serde_json::from_value(list).map_err(|error| {
            self.error(format!("codex answered hooks/list in unknown words ({error})"), "update codex-hook")
        })
    }

    /// Trusts the definitions that `hooks` have now, at the places where they stand now.
    pub(crate) fn trust(&mut self, hooks: &[ListedHook]) -> Result<(), Error> {
        let state: serde_json::Map<String, Value> =
            hooks.iter().map(|hook| (hook.key.clone(), json!({"trusted_hash": hook.current_hash}))).collect();
        let edit = json!({"keyPath": "hooks.state", "value": state, "mergeStrategy": "upsert"});
        let params =
            json!({"edits": [edit], "filePath": null, "expectedVersion": null, "reloadUserConfig": true});
        self.call("config/batchWrite", params).map(drop)
    }

    /// The effective configuration, and where each of its values comes from.
    pub(crate) fn config(&mut self, cwd: &Path) -> Result<Value, Error> {
        self.call("config/read", json!({"includeLayers": false, "cwd": cwd}))
    }

    /// What an administrator demands; null where nothing.
    pub(crate) fn requirements(&mut self) -> Result<Value, Error> {
        let mut answer = self.call("configRequirements/read", Value::Null)?;
        Ok(answer.get_mut("requirements").map(Value::take).unwrap_or_default())
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        // The end of its stdin tells it to end.
        self.stdin = None;
        // One that has used up its time gets no more.
        let until = (Instant::now() + PATIENCE).min(self.deadline);
        let left = || until.saturating_duration_since(Instant::now());
        // Whatever it has still to say; then the end of its stdout.
        while self.answers.recv_timeout(left()).is_ok() {}
        if !matches!(wait(&mut self.child, left()), Ok(Some(_))) {
            platform::kill_group(&self.child);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
