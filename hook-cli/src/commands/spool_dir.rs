//! The spool that a command is about.

use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::Spool;

use crate::cli::Context;
use crate::error::Error;
use crate::install::spool_of_hooks;

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
        let dir = environment.spool_of(self.spool_dir.as_deref())?;
        if self.spool_dir.is_none()
            && holds_no_event(&dir)
            && let Some(named) = spool_of_hooks(environment).filter(|named| *named != dir)
        {
            return Err(Error::Refused {
                what: format!("no event is in {}", dir.display()).into(),
                place: format!("the hooks write to {}", named.display()),
                remedy: "give it with --spool-dir",
            });
        }
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

/// Whether nothing was ever recorded there, or nothing is left of it.
fn holds_no_event(dir: &Path) -> bool {
    let is_empty = |folder: &str| is_nothing_yet(&dir.join(folder));
    is_nothing_yet(dir) || (dir.join("format").exists() && is_empty("journal") && is_empty("consumers"))
}

/// Whether there is nothing of which the spool itself could say what is wrong with it.
fn is_nothing_yet(dir: &Path) -> bool {
    match fs::read_dir(dir) {
        Ok(mut names) => names.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
