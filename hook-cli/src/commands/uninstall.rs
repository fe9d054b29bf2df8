//! `hook uninstall`

use std::path::PathBuf;

use serde::Serialize;

use super::file_report::{FileReport, tell_diffs};
use super::scope::ScopeName;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::install::{HookCommand, Outcomes, Purge, UninstallRequest, standing, uninstall};

/// Take the hooks away again, and give the files back as they were; the events stay, unless --purge
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// Which hooks
    #[arg(long, value_enum, default_value_t)]
    scope: ScopeName,
    /// Remove the spool directory too, with every event in it
    #[arg(long)]
    purge: bool,
    /// The spool directory to remove, if not the one that the hooks name
    #[arg(long, value_name = "DIR", requires = "purge")]
    spool_dir: Option<PathBuf>,
    /// Remove it without asking
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
    let scope = args.scope.scope(environment)?;
    let usual = environment.spool_dir(args.spool_dir.as_deref(), &home)?;
    let spool_dir = match standing(environment, &home, &scope, &usual)? {
        Some(standing) if args.spool_dir.is_none() => {
            HookCommand::recognise(&standing.command).and_then(|ours| ours.spool_dir).unwrap_or(usual)
        }
        _ => usual,
    };
    // What would keep the purge from being done keeps all from being done.
    let purge = if args.purge { Some(Purge::of(&spool_dir)?).filter(Purge::exists) } else { None };
    if let Some(purge) = purge.as_ref().filter(|_| !args.yes && !args.dry_run) {
        let place = spool_dir.display().to_string();
        let can_ask = context.interactive && !args.json;
        if !can_ask && !purge.is_empty() {
            return Err(Error::Refused {
                what: format!("a spool with {} is not removed unasked", purge.contents()).into(),
                place,
                remedy: "add --yes, or call it at a terminal, where it asks",
            });
        }
        if can_ask && !context.confirm(&format!("Remove {place} with {}?", purge.contents()))? {
            context.say("nothing was removed: the hooks and the spool stay as they are")?;
            return Ok(Exit::NotSo);
        }
    }
    let nothing_of_ours = format!("nothing of ours is installed in {}", scope.layer(&home).display());
    let outcomes = uninstall(environment, &UninstallRequest { home, scope }, args.dry_run)?;
    let removed = purge.as_ref().map(|purge| format!("{} with {}", spool_dir.display(), purge.contents()));
    if let Some(purge) = purge.filter(|_| !args.dry_run) {
        purge.carry_out()?;
    }
    if args.json {
        let report = Report {
            format: 1,
            changed: outcomes.changed() || removed.is_some(),
            files: outcomes.files.iter().map(FileReport::of).collect(),
            purged: removed.map(|_| spool_dir.display().to_string()),
        };
        context.say(&serde_json::to_string(&report).expect("strings and numbers can be written"))?;
    } else if !outcomes.changed() && removed.is_none() {
        context.say(&nothing_of_ours)?;
    } else if args.dry_run {
        if outcomes.changed() {
            tell_diffs(context, &outcomes)?;
        }
        removed.map_or(Ok(()), |removed| context.say(&format!("would remove {removed}")))?;
    } else {
        tell(context, &outcomes, removed.as_deref())?;
        if outcomes.changed() && spool_dir.join("format").exists() {
            let dir = spool_dir.display();
            context.say(&format!("The events stay in {dir}; `hook uninstall --purge` removes them."))?;
        }
    }
    Ok(Exit::Ok)
}

fn tell(context: &Context, outcomes: &Outcomes, removed: Option<&str>) -> Result<(), Error> {
    for file in outcomes.files.iter().filter(|file| file.before != file.after) {
        context.say(&format!("{:9} {}", file.action(), file.path.display()))?;
    }
    if let Some(removed) = removed {
        context.say(&format!("{:9} {removed}", "removed"))?;
    }
    if let Some(switch) = outcomes.left_on {
        context.say(&format!(
            "config.toml keeps `[features] {switch} = true`: what there was before the install is not known any more."
        ))?;
    }
    if outcomes.changed() {
        context.say("Restart Codex where it runs: its threads, and its background server, keep the hooks they began with.")?;
    }
    Ok(())
}

/// What `--json` prints: other programs rely on these names.
#[derive(Serialize)]
struct Report {
    format: u32,
    changed: bool,
    files: Vec<FileReport>,
    purged: Option<String>,
}
