//! The log: what was asked for and what became of it, one line each, for good. It is the queue and the audit trail.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::SystemTime;

use state_dir::StateDir;

use crate::request::{Line, Request, What, fold};
use crate::{Result, at};

/// An append-only file, under a lock while it is read and written.
#[derive(Debug)]
pub(crate) struct Log {
    state: StateDir,
}

const NAME: &str = "log.jsonl";

impl Log {
    /// The log in a state directory.
    pub(crate) fn of(state: &StateDir) -> Self {
        Self { state: state.clone() }
    }

    /// How long it is: it has changed where that has.
    pub(crate) fn length(&self) -> u64 {
        self.state.join(NAME).metadata().map(|metadata| metadata.len()).unwrap_or_default()
    }

    /// All requests there have been, in the order in which they were queued.
    pub(crate) fn requests(&self) -> Result<Vec<Request>> {
        self.update(|_| None)
    }

    /// Adds a line about `key` where `decide` says so, of what is there, and gives what is there then. Nobody else comes in
    /// between. After a crash the line is there or is not; what has returned outlives the loss of power.
    pub(crate) fn update(
        &self,
        decide: impl FnOnce(&[Request]) -> Option<(String, What)>,
    ) -> Result<Vec<Request>> {
        let mut file = self.state.file(NAME)?;
        let update = || {
            file.lock()?;
            let mut lines = read(&mut file)?;
            if let Some((key, what)) = decide(&fold(lines.clone())) {
                let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
                let line = Line { at, key, what };
                let mut text = serde_json::to_string(&line)?;
                text.push('\n');
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                lines.push(line);
            }
            Ok(fold(lines))
        };
        update().map_err(at(&self.state.join(NAME)))
    }
}

/// The lines of the file; what a crash has left of a last one is cut off.
fn read(file: &mut File) -> io::Result<Vec<Line>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
    }
    let lines = text[..whole].split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty());
    let damaged = |number: usize, error| {
        io::Error::other(format!(
            "line {number} is none of this program's ({error}): mend it, or move the file away"
        ))
    };
    lines.map(|(line, number)| serde_json::from_slice(line).map_err(|error| damaged(number, error))).collect()
}
