//! The one error of every command, and of what they are made of.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done. The text is one line: what failed, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file.
    #[error("cannot {what}: {}: {source}: {remedy}", path.display())]
    Io {
        /// The operation, as a verb: `read`, `replace`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// Codex would refuse this file, so that none of its hooks run.
    #[error("{verdict} ({fault}): {}:{line}:{column}: {remedy}", path.display())]
    Fault {
        /// Who refuses it, or what it is not.
        verdict: &'static str,
        /// What is wrong with it.
        fault: String,
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What to do.
        remedy: String,
    },
    /// Whoever else writes the file changed it at every attempt.
    #[error("the file keeps changing: {}: {}", path.display(), self.remedy())]
    KeepsChanging {
        /// The file.
        path: PathBuf,
    },
    /// No hook event has this name.
    #[error(
        "no such event: {name}: give default, core, all, or names as Codex spells them, like SessionStart,Stop"
    )]
    UnknownEvent {
        /// The name given.
        name: String,
    },
    /// The command for the hooks would not stand the next upgrade, or is not known.
    #[error("this program is not one for Codex to run ({reason}): {}: {remedy}", path.display())]
    UnstableCommand {
        /// Why the path does not do.
        reason: String,
        /// The program.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// A directory that everything else depends on is not known or does not do.
    #[error("{what}: {}: {remedy}", path.display())]
    Directory {
        /// What is wrong with it.
        what: Cow<'static, str>,
        /// The directory.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// It is not done: something stands in the way that only the caller can decide on.
    #[error("{what}: {place}: {remedy}")]
    Refused {
        /// What is refused, or why.
        what: Cow<'static, str>,
        /// Where: a path, or a command.
        place: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The `install.json` of the spool can't be understood.
    #[error("what install noted cannot be understood ({fault}): {}: {remedy}", path.display())]
    InstallJson {
        /// What is wrong with it.
        fault: String,
        /// The `install.json`.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// Nobody takes what is printed.
    #[error("cannot write to standard output: {0}: see where it goes")]
    Output(io::Error),
    /// The spool could not do its part.
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    /// Codex did not do its part of a dialogue.
    #[error("{what}: {}: {remedy}", codex.display())]
    Codex {
        /// What failed.
        what: String,
        /// The program asked.
        codex: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
}

impl Error {
    /// What to do about it: the end of the text.
    pub fn remedy(&self) -> &str {
        match self {
            Error::Io { remedy, .. }
            | Error::UnstableCommand { remedy, .. }
            | Error::Directory { remedy, .. }
            | Error::Refused { remedy, .. }
            | Error::InstallJson { remedy, .. }
            | Error::Codex { remedy, .. } => remedy,
            Error::Fault { remedy, .. } => remedy,
            Error::Output(_) => "see where it goes",
            // Its text ends with the remedy too.
            Error::Spool(_) => "",
            Error::KeepsChanging { .. } => "close the programs that write it and try again",
            Error::UnknownEvent { .. } => {
                "give default, core, all, or names as Codex spells them, like SessionStart,Stop"
            }
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let remedy = match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                "make it writable, or let `hook install --print` show what to add by hand"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space and try again; the old file is whole"
            }
            io::ErrorKind::NotFound => "check the path",
            _ => "nothing was changed there; mend that and try again",
        };
        Error::Io { what, path: path.to_owned(), source, remedy }
    }
}
