use std::path::Path;

use codex_spool::{Spool, SpoolReport};

use super::Error;

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
    /// [`Error::Directory`] where it is no spool, or a consumer runs.
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
            let process = consumer.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let what = format!("the consumer {} is running{process}", consumer.name).into();
            return Err(Error::Directory { what, path, remedy: "stop it first" });
        }
        Ok(Purge { spool: Some(spool), report })
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
    /// [`Error::Spool`]; what is left is still a spool, its format file goes last.
    pub fn carry_out(self) -> Result<(), Error> {
        Ok(self.spool.map_or(Ok(()), Spool::remove)?)
    }
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
