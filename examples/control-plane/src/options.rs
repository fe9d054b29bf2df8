//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::error::{Error, Result};

const HELP: &str = "\
Shows what every Codex thread on the machine is doing: a web page, and an API with live streams.

Usage: control-plane [OPTIONS]

It listens on 127.0.0.1 alone, and prints the address of the page, with the token in it.

Options:
  --port N           where to listen; 0: anywhere  [4517]
  --spool-dir DIR    the spool  [$CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else ~/.codex/hook-spool]
  --consumer NAME    its name as a consumer of the spool  [control-plane]
  --token-file FILE  the token, made where it is not there
                     [$XDG_STATE_HOME/codex-control-plane/token, else in ~/.local/state]
  --keep N           how many events can be resumed from, at least  [100000]
  -h, --help         print this";

pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) spool_dir: Option<PathBuf>,
    pub(crate) consumer: String,
    pub(crate) token_file: PathBuf,
    pub(crate) keep: u64,
}

impl Options {
    /// `None`: help was asked for, and printed.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        Self::read(lexopt::Parser::from_iter(args))
            .map_err(|error| Error::Usage(error.to_string()))?
            .transpose()
    }

    fn read(mut parser: lexopt::Parser) -> Result<Option<Result<Self>>, lexopt::Error> {
        let (mut port, mut spool_dir, mut token_file) = (4517, None, None);
        let (mut consumer, mut keep) = ("control-plane".to_owned(), 100_000);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("port") => port = parser.value()?.parse()?,
                Long("spool-dir") => spool_dir = Some(parser.value()?.into()),
                Long("consumer") => consumer = parser.value()?.string()?,
                Long("token-file") => token_file = Some(parser.value()?.into()),
                Long("keep") => keep = parser.value()?.parse()?,
                Short('h') | Long("help") => {
                    println!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected()),
            }
        }
        let token_file = token_file.map_or_else(default_token_file, Ok);
        Ok(Some(token_file.map(|token_file| Self { port, spool_dir, consumer, token_file, keep })))
    }
}

fn default_token_file() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(std::env::home_dir()?.join(".local/state")));
    Ok(state.ok_or(Error::NoHome)?.join("codex-control-plane").join("token"))
}
