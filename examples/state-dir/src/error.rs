//! What can go wrong, each in one line.

use std::io;
use std::path::PathBuf;

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no place for it.
    #[error("no place for the state: there is no home folder: name a directory")]
    NoHome,
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}: see that it is yours and the disk is not full", path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is not what was written here.
    #[error("no file of this program: {}: {source}: move it away", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why it cannot be.
        source: serde_json::Error,
    },
}

/// What the functions of this crate give.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
