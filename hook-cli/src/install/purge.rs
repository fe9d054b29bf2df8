use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::{Spool, SpoolReport};

use super::Error;

/// The removal of a whole spool directory, looked into but not begun.
#[derive(Debug)]
#[must_use = "nothing is removed before carry_out()"]
pub struct Purge {
    dir: PathBuf,
    report: SpoolReport,
}

impl Purge {
    /// Looks into the directory.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] where it is no spool, or a consumer runs.
    pub fn of(dir: &Path) -> Result<Self, Error> {
        let refused = |what, remedy| Err(Error::Directory { what, path: dir.to_owned(), remedy });
        let report = SpoolReport::of(dir);
        if !dir.exists() {
            return Ok(Purge { dir: dir.to_owned(), report });
        }
        if !report.exists {
            return refused("this is no spool directory: its format file is missing", "remove it by hand");
        }
        Spool::open(dir)?;
        if report.consumers.iter().any(|consumer| consumer.running) {
            return refused(
                "a consumer is running",
                "stop it first: `hook consumers list` shows its process",
            );
        }
        Ok(Purge { dir: dir.to_owned(), report })
    }

    /// Whether nothing would be lost.
    pub fn is_empty(&self) -> bool {
        self.report.events == 0 && self.report.rejected == 0 && self.report.consumers.is_empty()
    }

    /// What is in it, in words.
    pub fn contents(&self) -> String {
        let pending: u64 = self.report.consumers.iter().map(|consumer| consumer.pending).sum();
        format!(
            "{} events ({} bytes), {} consumers with {pending} pending, {} rejected payloads",
            self.report.events,
            self.report.bytes,
            self.report.consumers.len(),
            self.report.rejected
        )
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what is left is still a spool, its format file goes last.
    pub fn carry_out(self) -> Result<(), Error> {
        if !self.dir.exists() {
            return Ok(());
        }
        let failed = |error| Error::io("remove", &self.dir, error);
        let format = self.dir.join("format");
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path == format {
                continue;
            }
            let directory = path.symlink_metadata().map_err(failed)?.is_dir();
            let removed = if directory { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| Error::io("remove", &path, error))?;
        }
        fs::remove_file(&format).map_err(failed)?;
        fs::remove_dir(&self.dir).map_err(failed)
    }
}
