//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// What can go wrong between this program and Codex.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Codex could not be started.
    #[error("cannot start {}: {source}: check that `codex --version` works", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server did not come up, or cannot be reached.
    #[error("cannot reach the Codex server at {}: {reason}: try again, or look into server.log beside it", socket.display())]
    NoServer {
        /// Where it should listen.
        socket: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Codex refused a request.
    #[error("codex refused {method}: {message}")]
    Refused {
        /// What it was asked.
        method: String,
        /// What it said.
        message: String,
    },
    /// Codex answered in words that this program does not know.
    #[error("codex answered {method} without {missing}: this program knows Codex 0.169")]
    UnknownWords {
        /// What it was asked.
        method: String,
        /// What was looked for.
        missing: &'static str,
    },
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// What the functions of this crate give.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// Whether Codex said that, of whatever it was asked.
    pub(crate) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains(words))
    }
}
