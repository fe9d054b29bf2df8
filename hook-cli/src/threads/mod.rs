//! What Codex threads are doing, for people at a terminal.

mod selection;
mod table;
pub(crate) mod watch;
mod words;

use std::path::Path;

use codex_spool::Spool;

pub(crate) use self::selection::Selection;
pub(crate) use self::table::table;
use crate::cli::Context;
use crate::error::Error;

/// The spool that is asked for, which has to be there.
pub(crate) fn open_spool(context: &Context, dir: Option<&Path>) -> Result<Spool, Error> {
    let environment = &context.environment;
    let path = environment.spool_dir(dir, &environment.codex_home(None)?)?;
    if !path.join("format").exists() {
        return Err(Error::Directory {
            what: "no spool".into(),
            path,
            remedy: "nothing has been recorded there yet; name another with --spool-dir, or run `hook status`",
        });
    }
    Ok(Spool::open(path)?)
}
