//! `codex_send`: a prompt to an idle thread, where that is allowed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use codex_driver::{Codex, Confinement, Outcome, Run};
use codex_spool::{LiveThreads, Status, ThreadId, Updates};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::threads::{self, CATCH_UP};

/// How long a Codex may take to let go of a thread, or of a turn, of which an event has said that it is over.
const LETTING_GO: Duration = Duration::from_secs(3);

/// How often it is looked whether it has: nothing tells.
const LOOK: Duration = Duration::from_millis(100);

/// Gives a prompt to a thread that is idle, where the folder it works in is allowed and its sandbox keeps it there. The turn
/// goes on by itself: follow it with codex_wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Send {
    /// The thread.
    #[schemars(with = "String")]
    thread_id: ThreadId,
    /// What it is to do.
    prompt: String,
    /// A word of yours for this prompt. Whoever sends again with the same key, because it is not known whether it was sent,
    /// sends it once.
    key: Option<String>,
}

/// What may send, and where to. All servers of a `CODEX_HOME` use one directory there, one at a time.
#[derive(Debug)]
pub(crate) struct Sender {
    /// Without symbolic links.
    folders: Vec<PathBuf>,
    codex: PathBuf,
    dir: PathBuf,
}

impl Sender {
    /// A sender to threads in these folders, by that Codex.
    pub(crate) fn new(folders: Vec<PathBuf>, codex: PathBuf) -> io::Result<Self> {
        let home = codex_driver::home()
            .ok_or_else(|| io::Error::other("no CODEX_HOME: HOME is not set: set one of them"))?;
        Ok(Self { folders, codex, dir: home.join("mcp-server") })
    }

    /// Sends, once it is known that it may.
    pub(crate) async fn send(self: &Arc<Self>, live: &LiveThreads, args: Send) -> Result<Value, Failure> {
        if args.prompt.trim().is_empty() {
            return Err(Failure::BadArguments("the prompt is empty: say what is to be done".to_owned()));
        }
        if args.key.as_deref() == Some("") {
            return Err(Failure::BadArguments(
                "the key is empty: give one of this prompt's own, or none".to_owned(),
            ));
        }
        let id = args.thread_id.clone();
        let thread = threads::thread(live, &id).await?;
        if let Some(session) = &thread.parent_id {
            let why = format!("it is a subagent: {id}: send to its session {session}");
            return Err(Failure::BadArguments(why));
        }
        if !thread.cwd.as_ref().is_some_and(|cwd| self.allows(cwd.as_ref())) {
            return Err(Failure::FolderNotAllowed(id, self.folders.clone()));
        }
        if !thread.status.is_at_rest() {
            return Err(busy(id, thread.status == Status::Waiting));
        }
        let sender = Arc::clone(self);
        let sent = spawn_blocking(move || sender.deliver(args)).await.expect("it does not panic")?;
        // Who waits for the thread now must not find it idle still.
        let turn = sent["turn_id"].as_str();
        let known = live.wait_for(&id, |update| update.thread.turn_id.as_deref() == turn);
        let _ = timeout(CATCH_UP, known).await;
        Ok(sent)
    }

    fn deliver(&self, Send { thread_id, prompt, key }: Send) -> Result<Value, Failure> {
        let key = key.unwrap_or_else(|| format!("mcp-{:032x}", fastrand::u128(..)));
        let (_lock, mut codex) = self.codex()?;
        let mut objection = None;
        let deadline = Instant::now() + LETTING_GO;
        let outcome = loop {
            let may = |run: &Run| {
                objection = self.objection(&thread_id, run);
                objection.is_none()
            };
            match codex.deliver_if(thread_id.as_str(), &key, &prompt, may)? {
                Outcome::Elsewhere if Instant::now() < deadline => thread::sleep(LOOK),
                outcome => break outcome,
            }
        };
        if let Outcome::Delivered { turn_id } = outcome {
            let attach = codex.attach_command(thread_id.as_str());
            return Ok(json!({"turn_id": turn_id, "key": key, "attach": attach}));
        }
        // The thread is not kept from others.
        let _ = codex.release();
        Err(match outcome {
            Outcome::Refused => objection.expect("it is why"),
            Outcome::Busy { is_waiting } => busy(thread_id, is_waiting),
            Outcome::Elsewhere => Failure::ThreadElsewhere(thread_id),
            Outcome::NoThread => Failure::NoSuchThread(thread_id),
            Outcome::Blocked { turn_id } => Failure::PromptBlocked(thread_id, turn_id),
            _ => Failure::Unconfirmed(thread_id, key),
        })
    }

    /// Why a thread must not get a prompt, by how Codex says it would run.
    fn objection(&self, id: &ThreadId, run: &Run) -> Option<Failure> {
        if !self.allows(&run.cwd) {
            return Some(Failure::FolderNotAllowed(id.clone(), self.folders.clone()));
        }
        let is_kept = match &run.confinement {
            Confinement::ReadOnly => true,
            Confinement::Workspace { writable_roots } => writable_roots.iter().all(|root| self.allows(root)),
            _ => false,
        };
        (!is_kept).then(|| Failure::Unsandboxed(id.clone(), run.confinement.clone()))
    }

    /// Whether a folder is, where its symbolic links lead, in one of those that are allowed.
    fn allows(&self, folder: &Path) -> bool {
        let folder = folder.canonicalize();
        folder.is_ok_and(|folder| self.folders.iter().any(|allowed| folder.starts_with(allowed)))
    }

    /// Codex, until the lock is dropped: no other server of this home uses it meanwhile.
    fn codex(&self) -> codex_driver::Result<(File, Codex)> {
        let path = self.dir.join("lock");
        let lock = fs::create_dir_all(&self.dir).and_then(|()| File::create(&path));
        let lock = lock.and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(|source| codex_driver::Error::File { what: "lock", path, source })?;
        Ok((lock, Codex::new(&self.dir).program(&self.codex)))
    }

    /// Ends the Codex server that a prompt has started, unless a turn runs there. Whether there is none.
    pub(crate) fn release(&self) -> bool {
        let released = self.codex().and_then(|(_lock, mut codex)| codex.release());
        released.unwrap_or_else(|error| {
            eprintln!("mcp-server: {error}");
            true
        })
    }

    /// Ends that server whenever a turn is over, so that who comes next finds the thread free; and to begin with, since an
    /// earlier one of these programs may have been killed.
    pub(crate) async fn tidy(self: Arc<Self>, live: LiveThreads) {
        let mut updates = live.subscribe();
        while let Ok(updates) = updates.recv().await {
            if let Updates::Since(updates) = updates
                && !updates.iter().any(|update| update.thread.status.is_at_rest())
            {
                continue;
            }
            let sender = Arc::clone(&self);
            let released = spawn_blocking(move || {
                // The event comes just before the end of the turn.
                let deadline = Instant::now() + LETTING_GO;
                while !sender.release() && Instant::now() < deadline {
                    thread::sleep(LOOK);
                }
            });
            released.await.expect("it does not panic");
        }
    }
}

fn busy(id: ThreadId, is_waiting: bool) -> Failure {
    if is_waiting { Failure::ThreadWaiting(id) } else { Failure::ThreadBusy(id) }
}
