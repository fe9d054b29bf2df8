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
        let path = dir.to_owned();
        let report = SpoolReport::of(dir);
        if !dir.exists() {
            return Ok(Purge { dir: dir.to_owned(), report });
        }
        if !report.exists {
            let what = "this is no spool directory: its format file is missing".into();
            return Err(Error::Directory { what, path, remedy: "remove it by hand" });
        }
        Spool::open(dir)?;
        if let Some(consumer) = report.consumers.iter().find(|consumer| consumer.running) {
            let process = consumer.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let what = format!("the consumer {} is running{process}", consumer.name).into();
            return Err(Error::Directory { what, path, remedy: "stop it first" });
        }
        Ok(Purge { dir: dir.to_owned(), report })
    }

    /// Whether nothing would be lost.
    pub fn is_empty(&self) -> bool {
        self.report.events == 0 && self.report.rejected == 0 && self.report.consumers.is_empty()
    }

    /// What is in it, in words.
    pub fn contents(&self) -> String {
        let report = &self.report;
        let pending: u64 = report.consumers.iter().map(|consumer| consumer.pending).sum();
        format!(
            "{} ({} bytes), {} with {pending} pending, {}",
            counted(report.events, "event"),
            report.bytes,
            counted(report.consumers.len() as u64, "consumer"),
            counted(report.rejected, "rejected payload")
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

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
