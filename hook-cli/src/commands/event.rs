//! `hook event`, for the help text: `hook` itself does it.

use std::path::PathBuf;

use crate::cli::Exit;
use crate::install::Error;

/// Record the event on standard input; this is what Codex runs, and it prints nothing
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// The spool directory, an absolute path [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else
    /// ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
}

/// Says where to go.
///
/// # Errors
///
/// [`Error::Directory`], always.
pub fn run(_: Args) -> Result<Exit, Error> {
    Err(Error::Directory {
        what: "hook-cli does not record events".into(),
        path: PathBuf::from("hook event"),
        remedy: "run the program `hook` beside it",
    })
}
