//! The queue of an open consumer, on disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::consumer::inbox::{Fate, Inbox};
use crate::dead::Reason;
use crate::disk::Disk;
use crate::error::{At, Result};
use crate::name::Name;
use crate::subscribe::remove_consumer_folder;
use crate::sys;
use crate::time::Moment;

/// 1 s after the first attempt, doubling to 60 s, give or take a fifth.
pub(crate) fn back_off(attempt: u32) -> Duration {
    let seconds = 1_u64 << attempt.saturating_sub(1).min(6);
    Duration::from_secs(seconds.min(60)).mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// The queue of an open consumer, shared by it and its deliveries.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) disk: Disk,
    /// `consumers/<name>`.
    folder: PathBuf,
    /// `consumers/<name>/queue`.
    dir: PathBuf,
    inbox: Arc<Inbox>,
    /// Held as long as the consumer or a delivery of it lives.
    lock: File,
    lock_path: PathBuf,
    ephemeral: bool,
}

impl Queue {
    pub(crate) fn new(disk: Disk, folder: PathBuf, lock: File, lock_path: PathBuf, ephemeral: bool) -> Self {
        let dir = folder.join("queue");
        Self { disk, folder, dir, inbox: Arc::default(), lock, lock_path, ephemeral }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(crate) fn lock(&self) -> (&File, &Path) {
        (&self.lock, &self.lock_path)
    }

    /// Makes the folder where somebody has removed it, durably: what is put into it is promised to be delivered.
    pub(crate) fn make_if_removed(&self) -> Result<()> {
        match self.disk.make_folder(&self.dir)? {
            true => self.disk.sync_folder(&self.folder),
            false => Ok(()),
        }
    }

    /// Whether the consumer is still there, and ours.
    pub(crate) fn is_ours(&self) -> Result<bool> {
        sys::is_at(&self.lock, &self.lock_path).at("look at", &self.lock_path)
    }

    pub(crate) fn file(&self, name: Name, attempt: u32) -> PathBuf {
        self.dir.join(name.file(attempt))
    }

    /// Renames an event to another attempt. False: it is not there.
    pub(crate) fn renumber(&self, name: Name, from: u32, to: u32) -> Result<bool> {
        self.disk.give_name(&self.file(name, from), &self.file(name, to))
    }

    /// When an event that is to be handed out again `after` now is due.
    pub(crate) fn again(&self, attempt: u32, after: Duration) -> Fate {
        Fate::Again(attempt, Instant::now().checked_add(after))
    }

    /// Moves an event to `dead/`, with the reason beside it, and gives its place there. `None`: it is gone.
    pub(crate) fn set_aside(
        &self,
        name: Name,
        on_disk: u32,
        reason: &str,
        attempt: u32,
    ) -> Result<Option<PathBuf>> {
        let dead = self.folder.join("dead");
        self.disk.make_folder(&dead)?;
        let at = Moment::of(SystemTime::now()).to_string();
        let beside = dead.join(Reason::file(name));
        self.disk.unlink(&beside)?;
        let file = self.disk.create(&beside)?;
        self.disk.write(&file, &beside, &Reason::new(reason, attempt, at).line())?;
        // A rewind has given it its first name again. Before it is dead: then anybody may put it back under that name.
        if on_disk > 1 {
            self.disk.unlink(&self.file(name, 1))?;
        }
        let place = dead.join(name.file(1));
        if self.disk.give_name(&self.file(name, on_disk), &place)? {
            return Ok(Some(place));
        }
        self.disk.unlink(&beside)?;
        Ok(None)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.ephemeral {
            // What is left is removed by the next recovery.
            let _ = remove_consumer_folder(self.disk, &self.folder);
        }
    }
}
