use std::path::Path;

use codex_spool::{ConsumerReport, Spool, SpoolReport};

use super::Error;
use crate::counted::{counted, size};

/// The removal of a whole spool directory, looked into but not begun.
#[derive(Debug)]
#[must_use = "nothing is removed before carry_out()"]
pub struct Purge {
    /// `None`: there is none.
    spool: Option<Spool>,
    report: SpoolReport,
}

impl Purge {
    /// Looks into the directory.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] where it is no spool, [`Error::Refused`] while a consumer runs.
    pub fn of(dir: &Path) -> Result<Self, Error> {
        let path = dir.to_owned();
        let report = SpoolReport::of(dir);
        if !dir.exists() {
            return Ok(Purge { spool: None, report });
        }
        if !report.exists {
            let what = "this is no spool directory: its format file is missing".into();
            return Err(Error::Directory { what, path, remedy: "remove it by hand" });
        }
        let spool = Spool::open(dir)?;
        if let Some(consumer) = report.consumers.iter().find(|consumer| consumer.running) {
            let what = format!("{} is running", who(consumer)).into();
            return Err(Error::Refused { what, place: dir.display().to_string(), remedy: "stop it first" });
        }
        Ok(Purge { spool: Some(spool), report })
    }

    /// Whether there is a spool at all.
    pub fn exists(&self) -> bool {
        self.spool.is_some()
    }

    /// Whether nothing would be lost.
    pub fn is_empty(&self) -> bool {
        self.report.events == 0 && self.report.rejected == 0 && self.report.consumers.is_empty()
    }

    /// What is in it, in words.
    pub fn contents(&self) -> String {
        let report = &self.report;
        let pending: u64 = report.consumers.iter().map(|consumer| consumer.pending).sum();
        let mut contents = format!("{} ({})", counted(report.events, "event"), size(report.bytes));
        if !report.consumers.is_empty() {
            let consumers = counted(report.consumers.len() as u64, "consumer");
            contents += &format!(", {consumers} with {} pending", counted(pending, "event"));
        }
        if report.rejected > 0 {
            contents += &format!(", {}", counted(report.rejected, "rejected payload"));
        }
        contents
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// [`Error::Spool`]; what is left is still a spool, its format file goes last.
    pub fn carry_out(self) -> Result<(), Error> {
        // Uninstall has removed what it found unused.
        let spool = self.spool.filter(|spool| spool.dir().exists());
        Ok(spool.map_or(Ok(()), Spool::remove)?)
    }
}

/// A consumer, in words: one without a name is most often somebody who looks on.
pub(crate) fn who(consumer: &ConsumerReport) -> String {
    let name = match consumer.name.is_ephemeral() {
        true => "a `hook tail`".to_owned(),
        false => format!("the consumer {}", consumer.name),
    };
    match consumer.pid {
        Some(pid) => format!("{name} (pid {pid})"),
        None => name,
    }
}
