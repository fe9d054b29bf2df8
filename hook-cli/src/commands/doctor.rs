//! `hook doctor`

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::install::{Check, CheckStatus, all_well, doctor};

/// Check everything that can keep events from being recorded, and say what mends it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// The spool directory, if not the one that the hooks name
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints: other programs rely on these names.
#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    ok: bool,
    checks: &'a [Check],
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where it is not even known where to look.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let environment = &context.environment;
    let home = environment.codex_home(args.codex_home.as_deref())?;
    let checks = doctor(environment, &home, args.spool_dir.as_deref());
    let ok = all_well(&checks);
    if args.json {
        let report = Report { format: 1, ok, checks: &checks };
        context.say(&serde_json::to_string(&report).expect("strings and numbers can be written"))?;
    } else {
        for check in &checks {
            let (word, code) = match check.status {
                CheckStatus::Ok => ("ok", 32),
                CheckStatus::Warn => ("warn", 33),
                CheckStatus::Fail => ("FAIL", 31),
                _ => ("skip", 0),
            };
            let word = match context.color {
                true => format!("\x1b[{code}m{word:4}\x1b[0m"),
                false => format!("{word:4}"),
            };
            let remedy = check.remedy.as_ref().map(|remedy| format!(" -> {remedy}")).unwrap_or_default();
            context.say(&format!("{word}  {:14} {}{remedy}", check.name, check.detail))?;
        }
    }
    Ok(if ok { Exit::Ok } else { Exit::NotSo })
}
