//! The one error of the crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::{ConsumerName, InvalidName};

/// The result of an operation on a spool.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a spool. Each text is one line: what failed, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("cannot {operation}: {}: {source}: {}", path.display(), remedy(source))]
    #[non_exhaustive]
    Io {
        /// What was being done, as a verb and its object.
        operation: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path of a spool must not depend on the folder that a program happens to run in.
    #[error("the spool directory is a relative path: {}: give an absolute one", .0.display())]
    RelativePath(PathBuf),
    /// There is no home directory to put the default spool into.
    #[error(
        "no place for the spool: HOME is not set: set it, CODEX_HOME or CODEX_HOOK_SPOOL_DIR to an absolute path"
    )]
    NoHome,
    /// Something that is no folder stands where the spool should be.
    #[error("the spool is not a directory: {}: move it away, or name another spool directory", .0.display())]
    NotADirectory(PathBuf),
    /// The directory holds something else, among which a spool must not be made.
    #[error("not a spool: {}: it holds {found:?}: name an empty or a new directory", path.display())]
    #[non_exhaustive]
    NotASpool {
        /// The directory.
        path: PathBuf,
        /// A name found in it.
        found: String,
    },
    /// The spool belongs to another user, who could read and forge events.
    #[error("the spool belongs to another user: {}: owner {owner}, we are {user}: use a spool directory of your own", path.display())]
    #[non_exhaustive]
    ForeignOwner {
        /// The spool directory.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The user id of this process.
        user: u32,
    },
    /// Other users may write to the spool.
    #[error("other users can write to the spool: {}: mode {mode:04o}: move it away, or run chmod 0700 on it if nobody has written to it", path.display())]
    #[non_exhaustive]
    WritableByOthers {
        /// The spool directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The spool was made by a version that this one does not know.
    #[error("unknown spool format {found:?}: {}: use a version of codex-spool that knows it", path.display())]
    #[non_exhaustive]
    UnknownFormat {
        /// The `format` file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The file system lacks what the protocols need.
    #[error("the file system has no {missing}: {}: {source}: put the spool on a local file system", path.display())]
    #[non_exhaustive]
    FileSystem {
        /// `hard links` or `file locks`.
        missing: &'static str,
        /// Where it was tried.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `[redact]` asks for secrets to be masked in a way that is not understood; so nothing is written unmasked.
    #[error(
        "the settings ask for masking ([redact]) that cannot be done, and so nothing is recorded ({reason}): {}:{line}: mend it",
        path.display()
    )]
    #[non_exhaustive]
    Redact {
        /// The `spool.toml`.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings may ask for secrets to be masked and cannot be understood; so nothing is written unmasked.
    #[error(
        "the settings cannot be understood and may ask for masking ([redact]), and so nothing is recorded ({reason}): {}:{line}: mend it, in UTF-8",
        path.display()
    )]
    #[non_exhaustive]
    UnclearSettings {
        /// The `spool.toml`.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are no event of Codex. They have been kept.
    #[error("not a hook payload: {reason}: kept in {}: give it what Codex gives a hook", kept.display())]
    #[non_exhaustive]
    NotAnEvent {
        /// Why.
        reason: String,
        /// The file in `rejected/` that holds the bytes.
        kept: PathBuf,
    },
    /// The event is durable, but not in every queue yet; the next recovery, by any consumer, finishes it.
    #[error("the event is recorded, but not yet in every queue: {}: any consumer of this spool finishes it: {source}", intent.display())]
    #[non_exhaustive]
    Unfinished {
        /// The file in `tmp/` from which it will be finished.
        intent: PathBuf,
        /// What went wrong.
        source: Box<Error>,
    },
    /// A file that should be a record is none. In a queue it has been set aside in `dead/`.
    #[error("damaged record: {}: {reason}: it is kept for you to look at", path.display())]
    #[non_exhaustive]
    Damaged {
        /// The file, where it is now.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line that is to be a record is none.
    #[error("not a record: {reason}: give it a line as Event::record gives it")]
    #[non_exhaustive]
    NotARecord {
        /// What is wrong with it.
        reason: String,
    },
    /// Another process, or another place in this one, is that consumer now.
    #[error("consumer {name} is in use: pid {pid} ({program}) has it: end it, or take another name")]
    #[non_exhaustive]
    Busy {
        /// The consumer.
        name: ConsumerName,
        /// The process that has it; 0 where it has not said so yet.
        pid: u32,
        /// The name of its program.
        program: String,
    },
    /// No consumer of that name.
    #[error("no consumer {name}: {}: it has been removed, or was never made", path.display())]
    #[non_exhaustive]
    NoConsumer {
        /// The consumer.
        name: ConsumerName,
        /// Where it would be.
        path: PathBuf,
    },
    /// The threads are not followed any more, since the consumer was removed, or the journal could not be listed.
    #[error("the threads are not followed any more: {}: start anew; what was said before tells why", .0.display())]
    NotFollowed(PathBuf),
    /// Somebody has removed the queue of an open consumer. It has been made anew, and gets what is recorded from now on.
    #[error(
        "the queue of consumer {name} was removed, with what waited in it: {}: it has been made anew; rewinding the consumer, or removing it and beginning with the earliest, brings back what the journal holds",
        path.display()
    )]
    #[non_exhaustive]
    QueueRemoved {
        /// The consumer.
        name: ConsumerName,
        /// The queue.
        path: PathBuf,
    },
    /// The folder of a consumer lacks the file by which it is known whose it is.
    #[error("a consumer without its lock: {}: remove the consumer's folder, and open it anew", .0.display())]
    NoLock(PathBuf),
    /// A payload is not as its kind of event has it.
    #[error(transparent)]
    View(#[from] crate::view::ViewError),
    /// A name or an id is outside its grammar.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "give this user write access to it",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::ReadOnlyFilesystem => "make it writable, or name another spool directory",
        io::ErrorKind::NotFound => "it has been removed meanwhile; try again",
        io::ErrorKind::NotADirectory => "a file is in the way; move it away",
        _ => "see what the system says of it, and try again",
    }
}

/// Puts the path and the operation to an error of the operating system.
pub(crate) trait At<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { operation, path: path.to_owned(), source })
    }
}
