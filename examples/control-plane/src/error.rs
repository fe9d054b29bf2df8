//! The one error of the program: a line that says what failed, where, and what to do.

use std::io;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}: see --help")]
    Usage(String),
    #[error("cannot {doing} {place}: {source}: {}", remedy(source))]
    Io { doing: &'static str, place: String, source: io::Error },
    #[error("others can read the token: {0}: remove it, and a new one is made")]
    ExposedToken(String),
    #[error("not a token: {0}: remove it, and a new one is made")]
    NoToken(String),
    #[error("no place for the token: HOME is not set: set it, or give --token-file")]
    NoHome,
    #[error("what keeps the log has ended: start the program again")]
    NotKept,
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    #[error(transparent)]
    Name(#[from] codex_spool::InvalidName),
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "end what has that port, or give --port",
        io::ErrorKind::PermissionDenied => "give this user access to it",
        _ => "see what the system says of it, and try again",
    }
}

/// Says what was being done to what.
pub(crate) trait At<T> {
    fn at(self, doing: &'static str, place: impl Into<String>) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, place: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io { doing, place: place.into(), source })
    }
}
