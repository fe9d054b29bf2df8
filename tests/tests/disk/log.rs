//! What a workload did, in order: each operation on the disk, and each word that was given in between.

use std::fmt;
use std::path::{Path, PathBuf};

use codex_spool::observe::Site;

/// An event of a workload, by its number.
pub(crate) type Number = usize;

/// One line of a log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Step(Step),
    Word(Word),
}

/// An operation that was done. Paths are relative to the root of the disk.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Rewrite(PathBuf, Vec<u8>),
    SyncFile(PathBuf, Place),
    SyncFolder(PathBuf, Place),
    Link(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    Exchange(PathBuf, PathBuf),
    Unlink(PathBuf),
    MakeFolder(PathBuf),
    RemoveFolder(PathBuf),
}

/// Who asked for a sync: a line of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    file: &'static str,
    line: u32,
}

impl Place {
    /// The installer, which is looked at from without: that it synced a file, or a folder.
    pub(crate) const SPOOLS: Self = Self { file: "the spool", line: 0 };
    pub(crate) const INSTALLS_FILE: Self =
        Self { file: "hook-cli/src/install/replace.rs: the file", line: 0 };
    pub(crate) const INSTALLS_FOLDER: Self =
        Self { file: "hook-cli/src/install/replace.rs: the folder", line: 0 };
}

impl From<Site> for Place {
    fn from(site: Site) -> Self {
        Self { file: site.file(), line: site.line() }
    }
}

impl Step {
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Step::SyncFile(_, place) | Step::SyncFolder(_, place) => Some(*place),
            _ => None,
        }
    }
}

/// What somebody was told, or has begun: from these follows what a crash must leave.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    /// The spool syncs nothing: it outlives the crash of a process, not the loss of power.
    Unsynced,
    /// A writer has begun to record an event.
    Begun(Number),
    /// It has been told that the event is recorded, or that recovery will finish it.
    Recorded(Number),
    /// A consumer is about to be opened.
    Opening(String),
    /// It is open; whether it begins with the earliest event, if it was new.
    Opened(String, bool),
    /// A consumer is about to be opened that is to begin after these events.
    Skipping(String, Vec<Number>),
    /// A consumer is about to go back to before these events.
    Rewinding(String, Vec<Number>),
    /// It has.
    Rewound(String),
    /// A consumer is about to acknowledge an event.
    Acking(String, Number),
    /// A consumer is about to reject an event.
    Rejecting(String, Number),
    /// A consumer is about to be removed.
    Removing(String),
    /// It has been removed.
    Removed(String),
    /// Bytes that are no event have been kept.
    Kept(Vec<u8>),
    /// Somebody has seen an event in the log of a consumer, at this place.
    Logged(String, String, Number),
    /// An event is past its time: the journal may drop it from now on.
    Expired(Number),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |path: &Path| match path.as_os_str().is_empty() {
            true => "/".to_owned(),
            false => path.display().to_string(),
        };
        match self {
            Entry::Word(Word::Kept(bytes)) => write!(f, "      -- kept {} bytes", bytes.len()),
            Entry::Word(word) => write!(f, "      -- {word:?}"),
            Entry::Step(step) => match step {
                Step::Create(path) => write!(f, "create {}", show(path)),
                Step::Write(path, bytes) => write!(f, "write {} bytes to {}", bytes.len(), show(path)),
                Step::Rewrite(path, bytes) => write!(f, "rewrite {} with {} bytes", show(path), bytes.len()),
                Step::SyncFile(path, place) => write!(f, "sync file {} ({place})", show(path)),
                Step::SyncFolder(path, place) => write!(f, "sync folder {} ({place})", show(path)),
                Step::Link(from, to) => write!(f, "link {} to {}", show(from), show(to)),
                Step::Rename(from, to) => write!(f, "rename {} to {}", show(from), show(to)),
                Step::Exchange(one, other) => write!(f, "exchange {} and {}", show(one), show(other)),
                Step::Unlink(path) => write!(f, "unlink {}", show(path)),
                Step::MakeFolder(path) => write!(f, "make folder {}", show(path)),
                Step::RemoveFolder(path) => write!(f, "remove folder {}", show(path)),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}
