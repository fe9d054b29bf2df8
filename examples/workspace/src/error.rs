//! What can go wrong, each in one line.

use std::io;
use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {what} {}: {source}: see that it is yours and the disk is not full", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error("no file of this program: {}: {source}: move it away", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    #[error(transparent)]
    Codex(#[from] codex_driver::Error),
    #[error("{0}")]
    Refused(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
