//! What can go wrong, each in one line: what, where, what to do.

use std::io;
use std::path::PathBuf;

use crate::subject::Host;

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// Of the spool.
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    /// A file could not be read or written.
    #[error("cannot {what}: {}: {source}: see what the system says of it", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file that names the host names none.
    #[error("it names no host: {}: write a name of A-Z, a-z, 0-9, '-' and '_' into it, the one that was there", .0.display())]
    Identity(PathBuf),
    /// The system has no name for this host.
    #[error("the system has no name for this host: give one with --host")]
    NoHostName,
    /// The events of this spool are in the stream under another name.
    #[error(
        "this spool is relayed as host {known}, not {asked}: {}: leave --host out; under another name every event that is looked up would be published again",
        path.display()
    )]
    OtherHost {
        /// The name that was given.
        asked: Host,
        /// The name that was chosen before.
        known: Host,
        /// The file that says so.
        path: PathBuf,
    },
    /// The server does not let us in.
    #[error(
        "the server refuses these credentials: {server}: {reason}: check --creds, or the user in the URL"
    )]
    Refused {
        /// The address.
        server: String,
        /// What it said.
        reason: String,
    },
    /// No server there.
    #[error("no connection: {server}: {reason}: check --server, and whether it runs")]
    Away {
        /// The address.
        server: String,
        /// Why not.
        reason: String,
    },
    /// The address is none.
    #[error("not the address of a NATS server: {server}: {reason}: give it as nats://HOST:PORT")]
    Address {
        /// What was given.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server has no JetStream.
    #[error("the server has no JetStream: {server}: start it with -js, or name one that has")]
    NoJetStream {
        /// The address.
        server: String,
    },
    /// There is no such stream.
    #[error("no stream {stream}: {server}: create it, or have it created with --create")]
    NoStream {
        /// Its name.
        stream: String,
        /// The address.
        server: String,
    },
    /// The stream does not take the subjects of this host.
    #[error("stream {stream} does not take {subject}: it takes {subjects}: add codex.> to its subjects")]
    Subjects {
        /// Its name.
        stream: String,
        /// What is to be published.
        subject: String,
        /// What it takes.
        subjects: String,
    },
    /// JetStream refused.
    #[error("cannot {what}: {server}: {reason}: see what the server says of it")]
    JetStream {
        /// What was tried.
        what: String,
        /// The address.
        server: String,
        /// What it said.
        reason: String,
    },
    /// What is to be printed is not taken.
    #[error("cannot print: {0}")]
    Output(io::Error),
    /// A runtime or a signal handler could not be made.
    #[error("cannot start: {0}: see what the system says of it")]
    Start(io::Error),
}
