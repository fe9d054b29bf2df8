//! What can go wrong, each in one line.

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    State(#[from] state_dir::Error),
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    #[error(transparent)]
    Codex(#[from] codex_driver::Error),
    #[error("{0}")]
    Refused(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
