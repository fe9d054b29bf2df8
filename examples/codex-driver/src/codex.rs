//! What can be done with a thread, wherever it is.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::outcome::{Outcome, Place};
use crate::own_server::OwnServer;
use crate::prompt::{Seen, find_prompt, search};
use crate::requests::{busy, delete, is_loaded, is_no_thread, queued, text};
use crate::run::Run;
use crate::sys;

/// How long what a killed program had said to a server may take to be seen there. It takes milliseconds.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// How long a prompt may take to come into the transcript: hooks at prompts run before.
const CONFIRMATION: Duration = Duration::from_secs(60);

/// How long Codex may take to begin with what is in its queue when it has loaded a thread.
const QUEUE_START: Duration = Duration::from_millis(500);

/// How often it is looked into a transcript that is awaited.
const POLL: Duration = Duration::from_millis(20);

/// Codex, as a program drives it.
///
/// Each call connects anew, so that between calls nothing is subscribed to and nobody is kept from unloading a thread. One
/// program at a time uses a directory.
#[derive(Debug)]
pub struct Codex {
    program: PathBuf,
    home: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    dir: PathBuf,
    shares: bool,
    own: OwnServer,
}

/// A thread that is loaded on a server, and the connection to that.
struct Loaded {
    connection: Connection,
    transcript: PathBuf,
    /// Codex's answer to `thread/resume`; of a thread that has had no turn yet, its `cwd` alone.
    resumed: Value,
}

impl Codex {
    /// The `codex` of PATH, with the home that it has by itself. In `dir`, which should be this program's alone, stand the
    /// socket and the log of its own server.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self {
            program: "codex".into(),
            home: None,
            env: Vec::new(),
            own: OwnServer::new(dir.clone()),
            dir,
            shares: true,
        }
    }

    /// Another program than the `codex` of PATH.
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Another `CODEX_HOME` than the environment says.
    pub fn home(self, home: impl Into<PathBuf>) -> Self {
        Self { home: Some(home.into()), ..self }
    }

    /// Sets a variable for its own server, and so for the hooks of the threads there: `CODEX_HOOK_TAG`.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Leaves the background server of the interactive Codex alone. Threads that that has loaded are elsewhere.
    pub fn only_own_server(self) -> Self {
        Self { shares: false, ..self }
    }

    /// Makes a thread that works in `cwd`, and gives its id. `more` are further parameters of `thread/start`: `model`,
    /// `sandbox`, `approvalPolicy`.
    ///
    /// Until its first prompt is [delivered](Self::deliver) it is in the server's memory only, no hook has told of it, and
    /// it is gone with the server, or after a minute ([`Outcome::NoThread`]): an [`Addressee`](crate::Addressee) makes another one then.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses.
    pub fn create_thread(&mut self, cwd: &Path, mut more: Value) -> Result<String> {
        more["cwd"] = json!(cwd);
        let mut connection = match self.shared() {
            Some(connection) => connection,
            None => self.start_own()?,
        };
        let started = connection.call("thread/start", more)?;
        text(&started["thread"]["id"], "thread/start", "thread.id")
    }

    /// Delivers a prompt to a thread that no turn runs in, and waits until it is in the transcript. Asked again with the
    /// same key, by whatever process, it delivers nothing more, and tells the turn. The turn goes on by itself.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses. It may have been delivered: ask again.
    pub fn deliver(&mut self, thread: &str, key: &str, prompt: &str) -> Result<Outcome> {
        self.deliver_if(thread, key, prompt, |_| true)
    }

    /// The same, if `may` says so of the way in which the turn would run.
    ///
    /// There is no other way to know. A thread that is loaded does not always get the sandbox back that it had: one that
    /// might write to its folder gets that of the configuration, which may be none, and keeps it.
    ///
    /// # Errors
    /// Those of [`deliver`](Self::deliver).
    pub fn deliver_if(
        &mut self,
        thread: &str,
        key: &str,
        prompt: &str,
        may: impl FnOnce(&Run) -> bool,
    ) -> Result<Outcome> {
        self.deliver_one(thread, key, prompt, may, false)
    }

    /// The same for one that was in Codex's own queue a moment ago: as it loads a thread, Codex takes it from there.
    pub(crate) fn deliver_queued(&mut self, thread: &str, key: &str, prompt: &str) -> Result<Outcome> {
        self.deliver_one(thread, key, prompt, |_| true, true)
    }

    fn deliver_one(
        &mut self,
        thread: &str,
        key: &str,
        prompt: &str,
        may: impl FnOnce(&Run) -> bool,
        was_queued: bool,
    ) -> Result<Outcome> {
        self.await_others();
        let Loaded { mut connection, transcript, resumed } = match self.load(thread)? {
            Ok(loaded) => loaded,
            Err(outcome) => return Ok(outcome),
        };
        // Before the transcript: a turn that has ended in between has its prompt there.
        let why_not = busy(&mut connection, thread)?;
        if let Some(turn_id) = find_prompt(&transcript, key)? {
            return Ok(Outcome::Delivered { turn_id });
        }
        if let Some(busy) = why_not {
            return Ok(busy);
        }
        if !may(&Run::of(&resumed)?) {
            return Ok(Outcome::Refused);
        }
        let queue = queued(&mut connection, thread)?;
        match queue.iter().find(|(_, queued)| queued == key) {
            // Who takes it out of the queue has it; where it was gone, Codex has.
            Some((id, _)) if !delete(&mut connection, thread, id)? => return Ok(Outcome::Unconfirmed),
            None if was_queued => return Ok(Outcome::Unconfirmed),
            // What others have queued begins as soon as the thread is loaded, but not after an interrupted turn.
            None if !queue.is_empty() => {
                std::thread::sleep(QUEUE_START);
                if let Some(busy) = busy(&mut connection, thread)? {
                    return Ok(busy);
                }
            }
            _ => {}
        }
        self.while_in_flight(|| confirmed(&mut connection, thread, &transcript, key, prompt))
    }

    /// Puts text into the turn that runs, if that is still the one: the model gets it when it is asked next. Whether it
    /// was taken; where not, nothing was done.
    ///
    /// Taken is not delivered: where the turn is interrupted before the model is asked, it is gone. So it is steered into
    /// a turn once, and when the turn is over, [`deliver`](Self::deliver) with the same key tells that it is there, or
    /// delivers it.
    ///
    /// # Errors
    /// Where Codex refuses for a reason other than the turn. It may have been taken.
    pub fn steer(&mut self, thread: &str, turn: &str, key: &str, text: &str) -> Result<bool> {
        let params = json!({"threadId": thread, "expectedTurnId": turn, "clientUserMessageId": key,
                            "input": [{"type": "text", "text": text}]});
        self.in_turn("turn/steer", &params)
    }

    /// Interrupts the turn that runs, if that is still the one. Whether it was; where not, nothing was done. An approval
    /// that it waits for is cancelled.
    ///
    /// # Errors
    /// Where Codex refuses for a reason other than the turn.
    pub fn interrupt(&mut self, thread: &str, turn: &str) -> Result<bool> {
        self.in_turn("turn/interrupt", &json!({"threadId": thread, "turnId": turn}))
    }

    /// Whether the turn that runs waits for an approval, or for an answer of the user's, as far as the servers know that can
    /// be reached.
    ///
    /// # Errors
    /// Where one of them does not answer.
    pub fn is_waiting(&mut self, thread: &str) -> Result<bool> {
        for mut connection in self.shared().into_iter().chain(self.own.connect()) {
            if is_loaded(&mut connection, thread)? {
                return Ok(busy(&mut connection, thread)? == Some(Outcome::Busy { is_waiting: true }));
            }
        }
        Ok(false)
    }

    /// Puts a prompt into Codex's own queue of the thread, where it, or the prompt with that key, is not: for a thread that
    /// is [`Outcome::Elsewhere`]. Who has it loaded takes it within ten seconds where it is idle, else when its turn is
    /// completed.
    ///
    /// Ask for it no more once it has said [`Outcome::Queued`], but [`find`](Self::find) it: it may have been taken at this
    /// very moment. Codex takes it out of the queue before it is in the transcript, so a Codex that is killed then loses
    /// it; and a `codex exec` that is about to end takes it and interrupts it. Never while `codex exec` runs, therefore.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses. It may be in the queue: find it.
    pub fn enqueue(&mut self, thread: &str, key: &str, prompt: &str) -> Result<Outcome> {
        self.await_others();
        let mut connection = self.any_server()?;
        match self.find_by(&mut connection, thread, key)? {
            Some(Place::Turn(turn_id)) => return Ok(Outcome::Delivered { turn_id }),
            Some(Place::Queue) => return Ok(Outcome::Queued),
            Some(Place::Nowhere) => {}
            None => return Ok(Outcome::NoThread),
        }
        self.while_in_flight(|| {
            let add = json!({"threadId": thread, "clientUserMessageId": key, "input": [{"type": "text", "text": prompt}]});
            connection.call("thread/queue/add", add)?;
            Ok(Outcome::Queued)
        })
    }

    /// Where a prompt is. What Codex has just taken out of its queue is nowhere for some milliseconds.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses.
    pub fn find(&mut self, thread: &str, key: &str) -> Result<Place> {
        self.await_others();
        let mut connection = self.any_server()?;
        Ok(self.find_by(&mut connection, thread, key)?.unwrap_or(Place::Nowhere))
    }

    /// The transcript of a thread, whoever has that loaded. `None`: there is no such thread.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses.
    pub fn transcript(&mut self, thread: &str) -> Result<Option<PathBuf>> {
        match self.any_server()?.call("thread/read", json!({ "threadId": thread })) {
            Err(error) if is_no_thread(&error) => Ok(None),
            read => Ok(Some(text(&read?["thread"]["path"], "thread/read", "thread.path")?.into())),
        }
    }

    /// Takes a prompt out of Codex's own queue. Whether it was there.
    ///
    /// # Errors
    /// Where no server can be reached or started, or Codex refuses.
    pub fn withdraw(&mut self, thread: &str, key: &str) -> Result<bool> {
        let mut connection = self.any_server()?;
        let queue = match queued(&mut connection, thread) {
            Err(error) if is_no_thread(&error) => return Ok(false),
            queue => queue?,
        };
        match queue.iter().find(|(_, queued)| queued == key) {
            Some((id, _)) => delete(&mut connection, thread, id),
            None => Ok(false),
        }
    }

    /// Ends its own server, unless a turn runs there: until then nobody else can load the threads that were last there.
    /// Whether it is gone.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn release(&mut self) -> Result<bool> {
        self.own.end_if_idle()
    }

    /// The command by which a person joins a thread, to read it or to answer an approval.
    pub fn attach_command(&self, thread: &str) -> Vec<String> {
        let is_own =
            self.own.connect().is_some_and(|mut own| is_loaded(&mut own, thread).is_ok_and(|loaded| loaded));
        let mut command = vec![self.program.display().to_string(), "resume".to_owned()];
        if is_own {
            command.extend(["--remote".to_owned(), format!("unix://{}", self.own.socket().display())]);
        }
        command.push(thread.to_owned());
        command
    }

    /// Loads a thread, or joins it where it is loaded; else what there is to say.
    fn load(&mut self, thread: &str) -> Result<std::result::Result<Loaded, Outcome>> {
        let mut servers: Vec<Connection> = self.shared().into_iter().chain(self.own.connect()).collect();
        if servers.is_empty() {
            servers.push(self.start_own()?);
        }
        let mut outcome = Outcome::NoThread;
        for mut connection in servers {
            let resume = json!({"threadId": thread, "excludeTurns": true});
            match connection.call("thread/resume", resume) {
                Ok(resumed) => {
                    let transcript = text(&resumed["thread"]["path"], "thread/resume", "thread.path")?.into();
                    return Ok(Ok(Loaded { connection, transcript, resumed }));
                }
                Err(error) if error.says("already has an active writer") => outcome = Outcome::Elsewhere,
                // One that has had no turn cannot be loaded, but it may be.
                Err(error) if is_no_thread(&error) => {
                    if is_loaded(&mut connection, thread)? {
                        let read = connection.call("thread/read", json!({ "threadId": thread }))?;
                        let transcript = text(&read["thread"]["path"], "thread/read", "thread.path")?.into();
                        let resumed = json!({"cwd": read["thread"]["cwd"]});
                        return Ok(Ok(Loaded { connection, transcript, resumed }));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Err(outcome))
    }

    /// A request about the turn that runs, to the server that has it.
    fn in_turn(&mut self, method: &str, params: &Value) -> Result<bool> {
        for mut connection in self.shared().into_iter().chain(self.own.connect()) {
            match connection.call(method, params.clone()) {
                Ok(_) => return Ok(true),
                Err(error) if error.says("thread not found") => {}
                Err(error) if error.says("no active turn") || error.says("expected active turn") => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn find_by(&self, connection: &mut Connection, thread: &str, key: &str) -> Result<Option<Place>> {
        let read = match connection.call("thread/read", json!({ "threadId": thread })) {
            Err(error) if is_no_thread(&error) => return Ok(None),
            read => read?,
        };
        // Before the transcript: what has left it in between is there.
        let is_queued = queued(connection, thread)?.iter().any(|(_, queued)| queued == key);
        let transcript = text(&read["thread"]["path"], "thread/read", "thread.path")?;
        Ok(Some(match find_prompt(transcript.as_ref(), key)? {
            Some(turn) => Place::Turn(turn),
            None if is_queued => Place::Queue,
            None => Place::Nowhere,
        }))
    }

    /// The background server of the interactive Codex, where it runs.
    fn shared(&self) -> Option<Connection> {
        if !self.shares {
            return None;
        }
        let home = self.home.clone().or_else(home)?;
        Connection::open(&home.join("app-server-control/app-server-control.sock")).ok()
    }

    fn start_own(&mut self) -> Result<Connection> {
        let mut command = Command::new(&self.program);
        command.envs(self.env.iter().cloned());
        if let Some(home) = &self.home {
            command.env("CODEX_HOME", home);
        }
        self.own.connect_or_start(command, &self.program)
    }

    fn any_server(&mut self) -> Result<Connection> {
        match self.shared().or_else(|| self.own.connect()) {
            Some(connection) => Ok(connection),
            None => self.start_own(),
        }
    }

    fn in_flight(&self) -> PathBuf {
        self.dir.join("in-flight")
    }

    /// Marks, for whoever comes after a kill, that something is being said to a server.
    fn while_in_flight(&self, say: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
        let marker = self.in_flight();
        sys::private_dir(&self.dir).map_err(Error::file("make", &self.dir))?;
        fs::write(&marker, b"").map_err(Error::file("write", &marker))?;
        let said = say()?;
        // One that stays makes the next one wait, no more.
        let _ = fs::remove_file(&marker);
        Ok(said)
    }

    /// Waits until what a killed program may have said to a server has come to be seen.
    fn await_others(&self) {
        let since = fs::metadata(self.in_flight()).and_then(|marker| marker.modified());
        let age = since.ok().and_then(|since| since.elapsed().ok());
        if let Some(left) = age.and_then(|age| IN_FLIGHT.checked_sub(age)) {
            std::thread::sleep(left);
        }
    }
}

/// The `CODEX_HOME` of this process: that of its environment, else `~/.codex`. `None`: the environment has no home at all.
pub fn home() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CODEX_HOME").or_else(|| Some(set("HOME")?.join(".codex")))
}

/// Starts a turn with the prompt, and waits until that is in the transcript.
fn confirmed(
    connection: &mut Connection,
    thread: &str,
    transcript: &Path,
    key: &str,
    prompt: &str,
) -> Result<Outcome> {
    let from = fs::metadata(transcript).map(|metadata| metadata.len()).unwrap_or_default();
    let start =
        json!({"threadId": thread, "clientUserMessageId": key, "input": [{"type": "text", "text": prompt}]});
    let started = connection.call("turn/start", start)?;
    let turn_id = text(&started["turn"]["id"], "turn/start", "turn.id")?;
    let deadline = Instant::now() + CONFIRMATION;
    while Instant::now() < deadline {
        match search(transcript, from, key, Some(&turn_id))? {
            Seen::Prompt { turn_id } => return Ok(Outcome::Delivered { turn_id }),
            Seen::EndOfTurn => return Ok(Outcome::Blocked { turn_id }),
            Seen::Nothing => {}
        }
        // A server that has gone will write nothing more.
        connection.call("thread/loaded/list", json!({}))?;
        std::thread::sleep(POLL);
    }
    Ok(Outcome::Unconfirmed)
}
