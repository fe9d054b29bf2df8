//! The dead: events that a consumer has rejected, that were damaged, or that were tried too often.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::error::{At, Error, Result};
use crate::event::EventFile;
use crate::name::Name;
use crate::sys::Folder;
use crate::time::Moment;
use crate::{ConsumerName, Event, EventId, Spool};

/// How many bytes of a reason are kept.
const LONGEST: usize = 64 << 10;

/// The `.reason` beside a dead event: a line of JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    pub(crate) reason: String,
    pub(crate) attempt: u32,
    pub(crate) at: String,
}

impl Reason {
    pub(crate) fn file(name: Name) -> String {
        name.stem() + ".reason"
    }

    /// Cut so that it can be read again, whatever the escapes of JSON make of it.
    pub(crate) fn new(reason: &str, attempt: u32, at: String) -> Self {
        let end = (0..=LONGEST.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
        Self { reason: reason[..end.unwrap_or_default()].to_owned(), attempt, at }
    }

    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("plain fields become JSON");
        line.push(b'\n');
        line
    }
}

/// An event in a consumer's `dead/`; see [`Spool::dead`].
#[derive(Debug)]
pub struct DeadEvent {
    disk: Disk,
    /// `consumers/<name>`.
    consumer: PathBuf,
    folder: Arc<Folder>,
    name: Name,
    reason: Reason,
}

impl DeadEvent {
    /// Its identity.
    pub fn id(&self) -> EventId {
        self.name.id
    }

    /// When it was captured.
    pub fn captured_at(&self) -> SystemTime {
        self.name.captured.time()
    }

    /// Why it is dead, in the words of whoever rejected it, the first 64 KiB of them. Empty where a crash has taken them.
    pub fn reason(&self) -> &str {
        &self.reason.reason
    }

    /// At which attempt that was; 0 where a crash has taken it.
    pub fn attempt(&self) -> u32 {
        self.reason.attempt
    }

    /// When that was.
    pub fn rejected_at(&self) -> Option<SystemTime> {
        Moment::parse(&self.reason.at).map(Moment::time)
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(self.name.file(1))
    }

    /// The event itself.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is none.
    pub fn event(&self) -> Result<Event> {
        let path = self.path();
        match EventFile::read(&self.folder, &self.name.file(1), self.name.id)? {
            EventFile::Event(event) => Ok(event),
            EventFile::Damaged(reason) => Err(Error::Damaged { path, reason }),
            EventFile::Gone => Err(io::Error::from(io::ErrorKind::NotFound)).at("read", &path),
        }
    }

    /// Puts it back into the queue, as its first attempt; a consumer that is open, here or in another process, gets it
    /// then. False: it is not there any more.
    ///
    /// After a crash it is in the queue or still in `dead/`.
    ///
    /// # Errors
    /// When it cannot be moved; it is as it was then.
    pub fn requeue(self) -> Result<bool> {
        let from = self.path();
        let to = self.consumer.join("queue").join(self.name.file(1));
        let moved = self.disk.rename(&from, &to)?;
        if !from.exists() {
            self.disk.unlink(&self.folder.path().join(Reason::file(self.name)))?;
        } else if !moved {
            return Err(io::Error::from(io::ErrorKind::NotFound)).at("rename to", &to);
        }
        // Else its consumer has rejected it again, or it was in the queue too: not ours to remove.
        Ok(moved)
    }
}

impl Spool {
    /// What a consumer has rejected, found damaged, or tried too often, in the order of capture. It may be open
    /// elsewhere meanwhile.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # let mut consumer = spool.consumer("dashboard")?.start(Start::Earliest).open()?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// for delivery in consumer.drain() {
    ///     delivery?.reject("the chat refused it")?;
    /// }
    /// for dead in spool.dead(consumer.name())? {
    ///     println!("{}: {}", dead.id(), dead.reason());
    ///     dead.requeue()?;
    /// }
    /// assert_eq!(consumer.drain().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoConsumer`] where there is none of that name; when its `dead/` cannot be read.
    pub fn dead(&self, name: &ConsumerName) -> Result<Vec<DeadEvent>> {
        let consumer = self.consumer_there(name)?;
        let path = consumer.join("dead");
        let folder = match Folder::open(&path) {
            Ok(folder) => Arc::new(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).at("open", &path),
        };
        let mut names = names(&path)?;
        names.sort_unstable();
        let mut dead = Vec::with_capacity(names.len());
        for name in names {
            // The event is there whatever stands beside it.
            let line = disk::read_small(&path.join(Reason::file(name))).ok().flatten().unwrap_or_default();
            let reason = serde_json::from_slice(&line).unwrap_or_default();
            let (consumer, folder) = (consumer.clone(), Arc::clone(&folder));
            dead.push(DeadEvent { disk: self.disk, consumer, folder, name, reason });
        }
        Ok(dead)
    }
}

/// The dead events in a folder, in no order.
pub(crate) fn names(folder: &Path) -> Result<Vec<Name>> {
    let mut names = Vec::new();
    for file in disk::list_if_there(folder)? {
        // Beside each there may be its reason.
        names.extend(Name::parse(&file?).map(|(name, _)| name));
    }
    Ok(names)
}
