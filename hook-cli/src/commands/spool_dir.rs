//! The spool that a command is about.

use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::Spool;

use crate::cli::Context;
use crate::error::Error;

/// `--spool-dir`.
#[derive(Debug, clap::Args)]
pub(crate) struct SpoolDir {
    /// The spool directory, an absolute path [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else
    /// ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
}

impl SpoolDir {
    /// Opens the spool, and never makes one.
    pub(crate) fn open(&self, context: &Context) -> Result<Spool, Error> {
        let environment = &context.environment;
        let dir = environment.spool_dir(self.spool_dir.as_deref(), &environment.codex_home(None)?)?;
        if is_nothing_yet(&dir) {
            return Err(Error::Directory {
                what: "no spool".into(),
                path: dir,
                remedy: "nothing has been recorded yet; run `hook install`, or name another with --spool-dir",
            });
        }
        match Spool::open(dir) {
            Err(codex_spool::Error::NotASpool { path, .. }) => Err(Error::Directory {
                what: "not a spool".into(),
                path,
                remedy: "name the one that `hook status` shows with --spool-dir",
            }),
            opened => Ok(opened?),
        }
    }
}

/// Whether there is nothing of which the spool itself could say what is wrong with it.
fn is_nothing_yet(dir: &Path) -> bool {
    match fs::read_dir(dir) {
        Ok(mut names) => names.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
