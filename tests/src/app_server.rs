//! `codex app-server`, spoken to in JSON-RPC over its standard streams.

use std::{
    collections::HashMap,
    fmt,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{ChildStdin, ChildStdout, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use serde_json::{Value, json};

use crate::{
    process::{Group, PATIENCE, Signal},
    sandbox::Sandbox,
};

/// Answers what the server asks of its client.
type Answer = dyn Fn(&Value) -> Value + Send + Sync;

/// An answer to an approval request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Do it.
    Accept,
    /// Don't; the turn goes on.
    Decline,
    /// Don't, and interrupt the turn.
    Cancel,
}

impl From<Decision> for Value {
    fn from(decision: Decision) -> Self {
        let word = match decision {
            Decision::Accept => "accept",
            Decision::Decline => "decline",
            Decision::Cancel => "cancel",
        };
        json!({ "decision": word })
    }
}

/// Whether Codex runs a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Where the hook stands: file, event, group and position.
    pub key: String,
    /// `untrusted`, `modified`, `trusted` or `managed`.
    pub status: String,
}

/// A turn that is over.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its id.
    pub id: String,
    /// `completed`, `interrupted` or `failed`.
    pub status: String,
}

/// An app-server that is yet to be started.
#[must_use = "nothing runs before `start`"]
pub struct AppBuilder<'a> {
    sandbox: &'a Sandbox,
    answer: Box<Answer>,
}

impl fmt::Debug for AppBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder").field("sandbox", self.sandbox).finish_non_exhaustive()
    }
}

impl<'a> AppBuilder<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, answer: Box::new(|_| Decision::Accept.into()) }
    }

    /// What to answer to the server's requests (`method`, `params`): a [`Decision`], or any JSON. Each is asked in a
    /// thread of its own, so an answer may wait for the test.
    pub fn on_request<A: Into<Value>>(
        mut self,
        answer: impl Fn(&Value) -> A + Send + Sync + 'static,
    ) -> Self {
        self.answer = Box::new(move |request| answer(request).into());
        self
    }

    /// Starts it and shakes hands.
    #[track_caller]
    pub fn start(self) -> App {
        let stderr = self.sandbox.output_path().with_extension("stderr");
        let group = Group::spawn(
            self.sandbox
                .codex()
                .arg("app-server")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(File::create(&stderr).expect("the sandbox can be written to")),
        )
        .expect("the installed Codex can be started");
        let stdout = group.stdout().expect("stdout is a pipe");
        let wire = Arc::new(Wire {
            stdin: Mutex::new(group.stdin()),
            inbox: Mutex::default(),
            arrived: Condvar::new(),
            answer: self.answer,
        });
        let reader = Arc::clone(&wire);
        std::thread::spawn(move || reader.read(stdout));
        let app = App { group, wire, stderr, project: self.sandbox.project() };
        app.call(
            "initialize",
            json!({"clientInfo": {"name": "codex-hook-tests", "title": null, "version": "0"},
                   "capabilities": {"experimentalApi": true}}),
        );
        app.wire.send(&json!({"method": "initialized"}));
        app
    }
}

/// A running `codex app-server`. Dropping it kills it.
#[derive(Debug)]
pub struct App {
    group: Group,
    wire: Arc<Wire>,
    stderr: PathBuf,
    project: PathBuf,
}

impl App {
    /// Calls a method and gives its result; an error panics.
    #[track_caller]
    pub fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method} failed: {error}"),
        }
    }

    /// Calls a method and gives its result, or its error object.
    #[track_caller]
    pub fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let id = {
            let mut inbox = self.wire.lock();
            inbox.calls += 1;
            inbox.calls
        };
        self.wire.send(&json!({"id": id, "method": method, "params": params}));
        let mut reply = self.wait(method, |inbox| inbox.replies.remove(&id));
        match reply.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(reply["result"].take()),
        }
    }

    /// Starts a thread in the project, and gives its id.
    #[track_caller]
    pub fn start_thread(&self) -> String {
        self.start_thread_with(json!({}))
    }

    /// Starts a thread with further parameters of `thread/start`, and gives its id.
    #[track_caller]
    pub fn start_thread_with(&self, mut params: Value) -> String {
        if params.get("cwd").is_none() {
            params["cwd"] = json!(self.project);
        }
        text(&self.call("thread/start", params)["thread"]["id"])
    }

    /// Loads a thread again.
    #[track_caller]
    pub fn resume_thread(&self, thread: &str) {
        self.call("thread/resume", json!({ "threadId": thread }));
    }

    /// Makes a copy of a thread, and gives its id.
    #[track_caller]
    pub fn fork_thread(&self, thread: &str) -> String {
        text(&self.call("thread/fork", json!({ "threadId": thread }))["thread"]["id"])
    }

    /// Starts a turn, and gives its id.
    #[track_caller]
    pub fn start_turn(&self, thread: &str, prompt: &str) -> String {
        let input = json!({"threadId": thread, "input": [{"type": "text", "text": prompt}]});
        text(&self.call("turn/start", input)["turn"]["id"])
    }

    /// Waits for the end of a turn.
    #[track_caller]
    pub fn wait_for_turn(&self, turn: &str) -> Turn {
        let params = self.wait_for("turn/completed", |params| params["turn"]["id"] == turn);
        Turn { id: turn.to_owned(), status: text(&params["turn"]["status"]) }
    }

    /// Plays a turn to its end.
    #[track_caller]
    pub fn turn(&self, thread: &str, prompt: &str) -> Turn {
        let turn = self.start_turn(thread, prompt);
        self.wait_for_turn(&turn)
    }

    /// Interrupts a turn, and waits for its end.
    #[track_caller]
    pub fn interrupt(&self, thread: &str, turn: &str) -> Turn {
        self.call("turn/interrupt", json!({"threadId": thread, "turnId": turn}));
        self.wait_for_turn(turn)
    }

    /// Compacts a thread's conversation, and waits for the end of that.
    #[track_caller]
    pub fn compact(&self, thread: &str) {
        let seen = self.notifications().len();
        self.call("thread/compact/start", json!({ "threadId": thread }));
        self.wait_for_after(seen, "turn/completed", |params| params["threadId"] == thread);
    }

    /// What Codex knows of the hooks of this sandbox's project: `hooks/list`.
    #[track_caller]
    pub fn hooks(&self) -> Value {
        self.call("hooks/list", json!({"cwds": [self.project]}))["data"][0].take()
    }

    /// The trust of each of these hooks.
    #[track_caller]
    pub fn trust_statuses(&self) -> Vec<Trust> {
        let hooks = self.hooks();
        let trust = |hook: &Value| Trust { key: text(&hook["key"]), status: text(&hook["trustStatus"]) };
        hooks["hooks"].as_array().into_iter().flatten().map(trust).collect()
    }

    /// Trusts all hooks of this sandbox, as the user's review does.
    #[track_caller]
    pub fn trust(&self) {
        self.trust_where(|_| true);
    }

    /// Trusts those hooks of `hooks/list` that are chosen.
    #[track_caller]
    pub fn trust_where(&self, mine: impl Fn(&Value) -> bool) {
        let hooks = self.hooks();
        let state: serde_json::Map<String, Value> = hooks["hooks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|hook| mine(hook))
            .map(|hook| (text(&hook["key"]), json!({"trusted_hash": hook["currentHash"]})))
            .collect();
        self.call(
            "config/batchWrite",
            json!({"edits": [{"keyPath": "hooks.state", "value": state, "mergeStrategy": "upsert"}],
                   "filePath": null, "expectedVersion": null, "reloadUserConfig": true}),
        );
    }

    /// Every notification so far (`method`, `params`), in order.
    pub fn notifications(&self) -> Vec<Value> {
        self.wire.lock().notifications.clone()
    }

    /// Waits for a notification, past or to come, and gives its parameters.
    #[track_caller]
    pub fn wait_for(&self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_after(0, method, wanted)
    }

    /// The same, but passes over the first `seen` notifications.
    #[track_caller]
    pub fn wait_for_after(&self, seen: usize, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait(method, |inbox| {
            let new = inbox.notifications.get(seen..).unwrap_or_default();
            let found = new.iter().find(|note| note["method"] == method && wanted(&note["params"]));
            found.map(|note| note["params"].clone())
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// Sends a signal to its process group.
    pub fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Closes its stdin, upon which it ends, and waits for that.
    #[track_caller]
    pub fn close(self) -> ExitStatus {
        self.wire.close_stdin();
        self.wait_for_exit()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait_for_exit(self) -> ExitStatus {
        match self.group.wait(PATIENCE).expect("a child can be waited for") {
            Some(status) => status,
            None => panic!("codex app-server did not end within {PATIENCE:?}{}", self.complaints()),
        }
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut look: impl FnMut(&mut Inbox) -> Option<T>) -> T {
        let mut found = None;
        let (inbox, _) = self
            .wire
            .arrived
            .wait_timeout_while(self.wire.lock(), PATIENCE, |inbox| {
                found = look(inbox);
                found.is_none() && !inbox.closed
            })
            .expect("nobody panics while holding this lock");
        let closed = inbox.closed;
        drop(inbox);
        found.unwrap_or_else(|| {
            let why = if closed { "the server has gone" } else { "the wait was too long" };
            panic!("no {what} from codex app-server: {why}{}", self.complaints())
        })
    }

    fn complaints(&self) -> String {
        let said = fs::read(&self.stderr).unwrap_or_default();
        if said.is_empty() {
            String::new()
        } else {
            format!("; it said:\n{}", String::from_utf8_lossy(&said))
        }
    }
}

/// Both directions of the conversation.
struct Wire {
    stdin: Mutex<Option<ChildStdin>>,
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    answer: Box<Answer>,
}

#[derive(Debug, Default)]
struct Inbox {
    calls: u64,
    replies: HashMap<u64, Value>,
    notifications: Vec<Value>,
    closed: bool,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("inbox", &self.inbox).finish_non_exhaustive()
    }
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().expect("nobody panics while holding this lock")
    }

    fn send(&self, message: &Value) {
        let mut stdin = self.stdin.lock().expect("nobody panics while holding this lock");
        if let Some(stdin) = stdin.as_mut() {
            // A server that has gone is noticed by whoever waits for its answer.
            let _ = stdin.write_all(format!("{message}\n").as_bytes());
        }
    }

    fn close_stdin(&self) {
        self.stdin.lock().expect("nobody panics while holding this lock").take();
    }

    fn read(self: &Arc<Self>, stdout: ChildStdout) {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if message.get("method").is_some() && message.get("id").is_some() {
                let wire = Arc::clone(self);
                std::thread::spawn(move || {
                    let result = (wire.answer)(&message);
                    wire.send(&json!({"id": message["id"], "result": result}));
                });
                continue;
            }
            let mut inbox = self.lock();
            match message["id"].as_u64() {
                Some(id) => _ = inbox.replies.insert(id, message),
                None => inbox.notifications.push(message),
            }
            self.arrived.notify_all();
        }
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => panic!("Codex sent {value} where its protocol has a string"),
    }
}
