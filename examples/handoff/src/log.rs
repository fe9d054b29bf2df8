//! The log: what was asked for and what became of it, one line each, for good. It is the queue and the audit trail.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::request::{Line, Request, What, fold};
use crate::{Result, at};

/// An append-only file, under a lock while it is read and written.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// The log in a state directory, which is made where it is missing.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let mut dir = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut dir, 0o700);
        dir.recursive(true).create(state).map_err(at(state))?;
        Ok(Self { path: state.join("log.jsonl") })
    }

    /// How long it is: it has changed where that has.
    pub(crate) fn length(&self) -> u64 {
        self.path.metadata().map(|metadata| metadata.len()).unwrap_or_default()
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
        let update = || {
            let mut options = OpenOptions::new();
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.create(true).read(true).append(true).open(&self.path)?;
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
        update().map_err(at(&self.path))
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
    let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(io::Error::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Order, Urgency};

    fn order() -> What {
        What::Queued(Order {
            thread: Some("t".to_owned()),
            cwd: None,
            text: "Hi.".to_owned(),
            from: "me".to_owned(),
            reason: None,
            urgency: Urgency::AtIdle,
        })
    }

    #[test]
    fn a_line_that_a_crash_has_torn_was_never_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = Log::open(dir.path()).expect("opened");
        log.update(|_| Some(("a".to_owned(), order()))).expect("written");
        let whole = std::fs::read(&log.path).expect("read");
        for torn in 1..whole.len() {
            std::fs::write(&log.path, [&whole[..], &whole[..torn]].concat()).expect("written");
            let requests = log.update(|_| Some(("a".to_owned(), What::Sending))).expect("written");
            assert_eq!(requests.len(), 1);
            assert!(log.requests().expect("read")[0].is_sent, "{torn}");
        }
    }
}
