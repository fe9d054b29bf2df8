//! `codex_send`: a prompt to an idle thread, where that is allowed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use codex_driver::{Codex, Outcome};
use codex_spool::{Change, Status, ThreadId};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::spawn_blocking;

use crate::failure::{Code, Failure};
use crate::follower::{Follower, News};
use crate::threads;

/// How long a Codex may take to let go of a thread, or of a turn, of which an event has said that it is over.
const LETTING_GO: Duration = Duration::from_secs(3);

/// How often it is looked whether it has: nothing tells.
const LOOK: Duration = Duration::from_millis(100);

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
    home: PathBuf,
    dir: PathBuf,
}

impl Sender {
    /// A sender to threads in these folders, which have to be there.
    pub(crate) fn new(folders: &[PathBuf], codex: &Path) -> io::Result<Self> {
        let canonical = |folder: &PathBuf| {
            let why = |error| {
                io::Error::other(format!(
                    "cannot allow {}: {error}: name a folder that is there",
                    folder.display()
                ))
            };
            folder.canonicalize().map_err(why)
        };
        let set = std::env::var_os("CODEX_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = set.or_else(|| Some(std::env::home_dir()?.join(".codex")));
        let home = home.ok_or_else(|| io::Error::other("no CODEX_HOME: HOME is not set: set one of them"))?;
        Ok(Self {
            folders: folders.iter().map(canonical).collect::<io::Result<_>>()?,
            codex: codex.to_owned(),
            dir: home.join("mcp-server"),
            home,
        })
    }

    /// Sends, once it is known that it may.
    pub(crate) async fn send(self: &Arc<Self>, follower: &Follower, args: Send) -> Result<Value, Failure> {
        if args.prompt.trim().is_empty() {
            return Err(Code::BadArguments.because("the prompt is empty: say what is to be done"));
        }
        let thread = threads::thread(follower, &args.thread_id).await?;
        let id = &args.thread_id;
        if let Some(session) = thread.parent_id {
            let why = format_args!("it is a subagent: {id}: send to its session {session}");
            return Err(Code::BadArguments.because(why));
        }
        if !thread.cwd.is_some_and(|cwd| self.allows(&cwd)) {
            return Err(self.folder_not_allowed(id));
        }
        match thread.status {
            Status::Waiting => return Err(busy(id, true)),
            status if status.awaits_prompt() || status == Status::Ended => {}
            _ => return Err(busy(id, false)),
        }
        let (sender, id) = (Arc::clone(self), id.clone());
        let sent = spawn_blocking(move || sender.deliver(&args)).await.expect("it does not panic")?;
        // Who waits for the thread now must not find it idle still.
        let knows = |turn: Option<String>| turn.as_deref() == sent["turn_id"].as_str();
        follower.catch_up(|index| index.get(&id).is_some_and(|thread| knows(thread.turn_id))).await?;
        Ok(sent)
    }

    fn deliver(&self, Send { thread_id, prompt, key }: &Send) -> Result<Value, Failure> {
        let key = key.clone().unwrap_or_else(|| format!("mcp-{:032x}", fastrand::u128(..)));
        let (_lock, mut codex) = self.codex()?;
        let mut objection = None;
        let deadline = Instant::now() + LETTING_GO;
        let id = thread_id.as_str();
        let outcome = loop {
            let may = |resumed: &Value| {
                objection = self.objection(thread_id, resumed);
                objection.is_none()
            };
            match codex.deliver_if(id, &key, prompt, may)? {
                Outcome::Elsewhere if Instant::now() < deadline => thread::sleep(LOOK),
                outcome => break outcome,
            }
        };
        if let Outcome::Delivered { turn_id } = outcome {
            let attach = codex.attach_command(id);
            return Ok(json!({"turn_id": turn_id, "key": key, "attach": attach}));
        }
        // The thread is not kept from others.
        let _ = codex.release();
        Err(match outcome {
            Outcome::Refused => objection.expect("it is why"),
            Outcome::Busy { is_waiting } => busy(thread_id, is_waiting),
            Outcome::Elsewhere => Code::ThreadElsewhere
                .because(format_args!("another Codex has it open: {id}: prompt it there, or close that")),
            Outcome::NoThread => Code::NoSuchThread.because(format_args!("Codex knows no such thread: {id}")),
            Outcome::Blocked { turn_id } => Code::PromptBlocked
                .because(format_args!("a hook has blocked it, or somebody interrupted it: turn {turn_id}")),
            _ => Code::Unconfirmed.because(format_args!(
                "it may have been sent: {id}: send it again with the key {key}, which sends it no second time"
            )),
        })
    }

    /// Why a thread must not get a prompt, by how Codex says it would run.
    fn objection(&self, id: &ThreadId, resumed: &Value) -> Option<Failure> {
        let cwd = resumed["cwd"].as_str();
        if !cwd.is_some_and(|cwd| self.allows(cwd)) {
            return Some(self.folder_not_allowed(id));
        }
        let sandbox = &resumed["sandbox"];
        // Of a profile of the user's own the sandbox does not tell all.
        let profile = resumed["activePermissionProfile"]["id"].as_str();
        let is_known = profile.is_none_or(|profile| [":read-only", ":workspace"].contains(&profile));
        let roots = [&sandbox["writableRoots"], &resumed["runtimeWorkspaceRoots"]];
        let mut roots = roots.into_iter().filter_map(Value::as_array).flatten();
        let is_kept = match sandbox["type"].as_str() {
            Some("readOnly") => true,
            Some("workspaceWrite") => roots.all(|root| root.as_str().is_some_and(|root| self.allows(root))),
            _ => false,
        };
        let why = || {
            let sandbox = sandbox["type"].as_str().unwrap_or("unknown");
            let why = format_args!(
                "its sandbox ({sandbox}) does not keep it in what is allowed: {id}: a person may prompt it"
            );
            Code::Unsandboxed.because(why)
        };
        (!is_known || !is_kept).then(why)
    }

    /// Whether a folder is, where its symbolic links lead, in one of those that are allowed.
    fn allows(&self, folder: &str) -> bool {
        fs::canonicalize(folder)
            .is_ok_and(|folder| self.folders.iter().any(|allowed| folder.starts_with(allowed)))
    }

    fn folder_not_allowed(&self, id: &ThreadId) -> Failure {
        let folders: Vec<_> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        let why =
            format_args!("it works in a folder that is not allowed: {id}: allowed is {}", folders.join(", "));
        Code::FolderNotAllowed.because(why)
    }

    /// Codex, until the lock is dropped: no other server of this home uses it meanwhile.
    fn codex(&self) -> Result<(File, Codex), Failure> {
        let path = self.dir.join("lock");
        let lock = fs::create_dir_all(&self.dir)
            .and_then(|()| File::options().create(true).append(true).open(&path))
            .and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock
            .map_err(|error| Code::Codex.because(format_args!("cannot lock {}: {error}", path.display())))?;
        Ok((lock, Codex::new(&self.dir).program(&self.codex).home(&self.home)))
    }

    /// Ends the Codex server that a prompt has started, unless a turn runs there. Whether there is none.
    pub(crate) fn release(&self) -> bool {
        let released = self.codex().and_then(|(_lock, mut codex)| Ok(codex.release()?));
        released.unwrap_or_else(|failure| {
            eprintln!("mcp-server: {failure}");
            true
        })
    }

    /// Ends that server whenever a turn is over, so that who comes next finds the thread free; and now, since an earlier one
    /// of these programs may have been killed.
    pub(crate) async fn tidy(self: Arc<Self>, follower: Arc<Follower>) {
        let mut news = follower.news();
        let ends =
            |news: &News| news.iter().any(|(one, _)| one.change.ends_turn() || one.change == Change::Ended);
        loop {
            let sender = Arc::clone(&self);
            let released = spawn_blocking(move || {
                // The event comes just before the end of the turn.
                let deadline = Instant::now() + LETTING_GO;
                while !sender.release() && Instant::now() < deadline {
                    thread::sleep(LOOK);
                }
            });
            if released.await.is_err() {
                return;
            }
            while match news.recv().await {
                Ok(news) => !ends(&news),
                Err(RecvError::Lagged(_)) => false,
                Err(RecvError::Closed) => return,
            } {}
        }
    }
}

fn busy(id: &ThreadId, is_waiting: bool) -> Failure {
    if is_waiting {
        Code::ThreadWaiting
            .because(format_args!("it waits for a person: {id}: wait until it is idle, with codex_wait"))
    } else {
        Code::ThreadBusy.because(format_args!("a turn runs: {id}: wait until it is idle, with codex_wait"))
    }
}
