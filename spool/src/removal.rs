//! Removing a spool.

use std::fs;
use std::path::PathBuf;

use crate::Spool;
use crate::disk;
use crate::error::{At, Result};

impl Spool {
    /// Removes the directory with all that is in it, whoever has yet to take it.
    ///
    /// After a crash in between, what is left is still a spool: the file by which it is known as one goes last.
    /// Whether a consumer runs is for the caller to see to; a writer that comes meanwhile can make this fail.
    ///
    /// # Errors
    /// When something in it cannot be removed; the rest is gone then.
    ///
    /// ```
    /// use codex_spool::Spool;
    /// # let home = tempfile::tempdir()?;
    /// let spool = Spool::open(home.path().join("hook-spool"))?;
    /// spool.remove()?;
    /// assert!(!home.path().join("hook-spool").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(self) -> Result<()> {
        let format = self.format_file();
        for file in fs::read_dir(self.dir()).at("list", self.dir())? {
            let path = file.at("list", self.dir())?.path();
            if path == format {
                continue;
            }
            match fs::symlink_metadata(&path).at("look at", &path)?.is_dir() {
                true => self.disk.remove_tree(&path)?,
                false => drop(self.disk.unlink(&path)?),
            }
        }
        self.disk.unlink(&format)?;
        fs::remove_dir(self.dir()).at("remove", self.dir())
    }

    /// Removes the directory where nothing is in it but what every spool is made with: no event, no consumer, no
    /// settings. True: it is gone.
    ///
    /// A writer that comes meanwhile makes again what it needs, and what it has put there stays.
    ///
    /// # Errors
    /// When the directory cannot be looked through.
    ///
    /// ```
    /// use codex_spool::{Capture, Spool};
    /// # let home = tempfile::tempdir()?;
    /// let spool = Spool::open(home.path().join("hook-spool"))?;
    /// spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// assert!(!spool.remove_unused()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_unused(self) -> Result<bool> {
        // A consumer clears away what killed programs left.
        drop(self.ephemeral_consumer().open()?);
        let folders = [self.tmp_dir(), self.journal_dir(), self.consumers_dir(), self.rejected_dir()];
        let files = [self.format_file(), self.dir().join(".gitignore")];
        let is_made_with_it = |path: &PathBuf| folders.iter().chain(&files).any(|made| made == path);
        for name in disk::list(self.dir())? {
            if !is_made_with_it(&self.dir().join(name?)) {
                return Ok(false);
            }
        }
        for folder in &folders {
            if disk::list_if_there(folder)?.next().is_some() {
                return Ok(false);
            }
        }
        // No folder with anything in it goes like this.
        for folder in &folders {
            if !self.disk.remove_folder(folder)? && folder.exists() {
                return Ok(false);
            }
        }
        for file in &files {
            self.disk.unlink(file)?;
        }
        self.disk.remove_folder(self.dir())
    }
}
