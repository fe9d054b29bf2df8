//! `hook event`, for the help text: `hook` itself does it.

use std::path::PathBuf;

use crate::cli::Exit;
use crate::error::Error;

/// Record the payload on standard input: this is what Codex runs, not you; it prints nothing
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// The spool directory, an absolute path [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else
    /// ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
}

/// Says where to go.
///
/// # Errors
///
/// [`Error::Refused`], always.
pub(crate) fn run(_: Args) -> Result<Exit, Error> {
    Err(Error::Refused {
        what: "hook-cli does not record events".into(),
        place: "hook event".to_owned(),
        remedy: "run the program `hook` beside it",
    })
}
