//! `hook uninstall`

use std::path::PathBuf;

use serde::Serialize;

use super::scope::ScopeName;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::install::{FileChange, Purge, UninstallRequest, unified_diff, uninstall};

/// Take the hooks away again, and give back what was there before
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// Whose sessions
    #[arg(long, value_enum, default_value_t)]
    scope: ScopeName,
    /// Remove the spool directory too, with every event in it
    #[arg(long)]
    purge: bool,
    /// The spool directory to remove, if not the usual one
    #[arg(long, value_name = "DIR", requires = "purge")]
    spool_dir: Option<PathBuf>,
    /// Do not ask
    #[arg(long, requires = "purge")]
    yes: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
///
/// [`Error`], with nothing written.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let environment = &context.environment;
    let home = environment.codex_home(args.codex_home.as_deref())?;
    let spool_dir = environment.spool_dir(args.spool_dir.as_deref(), &home)?;
    // What would keep the purge from being done keeps all from being done.
    let purge = match args.purge {
        true => Some(Purge::of(&spool_dir)?),
        false => None,
    };
    if let Some(purge) = purge.as_ref().filter(|purge| !purge.is_empty() && !args.yes && !args.dry_run) {
        let question = format!("Remove {} with {}?", spool_dir.display(), purge.contents());
        if !context.interactive {
            return Err(Error::Directory {
                what: "the spool directory is not removed unasked".into(),
                path: spool_dir,
                remedy: "say --yes",
            });
        }
        if !context.confirm(&question)? {
            return Ok(Exit::NotSo);
        }
    }
    let request = UninstallRequest { home, scope: args.scope.scope(environment)? };
    let outcomes = uninstall(environment, &request, args.dry_run)?;
    let contents = purge.as_ref().map(Purge::contents);
    if let Some(purge) = purge.filter(|_| !args.dry_run) {
        purge.carry_out()?;
    }
    if args.json {
        let file =
            |file: &FileChange| FileReport { path: file.path.display().to_string(), action: action(file) };
        let report = Report {
            format: 1,
            changed: outcomes.changed(),
            files: outcomes.files.iter().map(file).collect(),
            purged: args.purge.then(|| spool_dir.display().to_string()),
        };
        context.say(&serde_json::to_string(&report).expect("strings and numbers can be written"))?;
    } else if args.dry_run {
        for file in outcomes.files.iter().filter(|file| file.before != file.after) {
            context.say(&unified_diff(file, context.color))?;
        }
        if let Some(contents) = contents {
            context.say(&format!("would remove {} with {contents}", spool_dir.display()))?;
        }
        if !outcomes.changed() {
            context.say("nothing to change")?;
        }
    } else {
        for file in &outcomes.files {
            context.say(&format!("{:9} {}", action(file), file.path.display()))?;
        }
        if let Some(contents) = contents {
            context.say(&format!("{:9} {} with {contents}", "removed", spool_dir.display()))?;
        }
        if outcomes.changed() {
            context.say("Threads that run now keep their hooks until they are restarted.")?;
        } else if !args.purge {
            context.say("nothing to change")?;
        }
        if spool_dir.join("format").exists() {
            let dir = spool_dir.display();
            context.say(&format!("The events stay in {dir}; `hook uninstall --purge` removes them."))?;
        }
    }
    Ok(Exit::Ok)
}

/// What `--json` prints: other programs rely on these names.
#[derive(Serialize)]
struct Report {
    format: u32,
    changed: bool,
    files: Vec<FileReport>,
    purged: Option<String>,
}

#[derive(Serialize)]
struct FileReport {
    path: String,
    action: &'static str,
}

fn action(file: &FileChange) -> &'static str {
    match (&file.before, &file.after) {
        (Some(_), None) => "removed",
        (before, after) if before == after => "unchanged",
        _ => "updated",
    }
}
