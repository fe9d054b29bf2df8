//! `hook install`

use std::path::PathBuf;

use serde::Serialize;

use super::scope::ScopeName;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::install::{
    Codex, CodexVersion, Environment, EventSet, FeatureFlag, FileChange, HookCommand, InstallRequest,
    Outcomes, Scope, TrustReport, TrustStatus, install, snippets, stable_program, standing, trust,
    unified_diff,
};

/// Register the hooks with Codex
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// default (the twelve documented ones), core, all, or names with commas between them; not given: those of the install
    /// that stands
    #[arg(long, value_parser = parse_events)]
    events: Option<EventSet>,
    /// Whose sessions
    #[arg(long, value_enum, default_value_t)]
    scope: ScopeName,
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// Where events are kept, if not in hook-spool below Codex's directory
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// The whole command line that Codex runs, if not the `hook event` of your PATH
    #[arg(long, value_name = "CMD")]
    command: Option<String>,
    /// Have Codex trust the hooks, these alone
    #[arg(long)]
    trust: bool,
    /// Show what would change, and write nothing
    #[arg(long, conflicts_with = "trust")]
    dry_run: bool,
    /// Print what to add by hand, and write nothing
    #[arg(long, conflicts_with_all = ["trust", "dry_run", "json"])]
    print: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

fn parse_events(text: &str) -> Result<EventSet, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

const RESTART: &str = "threads that run now, and the background server of the interactive Codex, keep their old hooks until they are restarted";

/// Runs it.
///
/// # Errors
///
/// [`Error`], with nothing written; but where only Codex did not do its part, the install stands.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let environment = &context.environment;
    let home = environment.codex_home(args.codex_home.as_deref())?;
    let scope = args.scope.scope(environment)?;
    let spool_dir = environment.spool_dir(args.spool_dir.as_deref(), &home)?;
    let standing = standing(environment, &home, &scope, &spool_dir)?;
    let kept = standing.as_ref().map(|standing| standing.command.clone());
    let (command, spool_dir) = match (args.command, kept.as_deref().map(HookCommand::recognise), kept.clone())
    {
        (Some(command), ..) => (command, spool_dir),
        // A command of the user's own making stays.
        (None, Some(None), Some(command)) if args.spool_dir.is_none() => (command, spool_dir),
        (None, words, _) => {
            let said = args.spool_dir.is_some().then(|| spool_dir.clone());
            let said = said.or_else(|| words.flatten().and_then(|words| words.spool_dir));
            // What stands in the environment of one user is no business of a file that many share.
            let named = said.clone().or((scope == Scope::User).then(|| spool_dir.clone()));
            let named = named.filter(|dir| *dir != home.default_spool());
            (our_command(environment, &scope, named)?, said.unwrap_or(spool_dir))
        }
    };
    let events = args.events.or(standing.map(|standing| standing.events)).unwrap_or_default();
    let codex = Codex::find(environment, &home);
    let version = codex.as_ref().and_then(|codex| codex.version);
    if args.print {
        let (hooks, config) = snippets(&events, &command, version);
        let layer = scope.layer(&home);
        context.say(&format!("# {}\n{hooks}", layer.join("hooks.json").display()))?;
        if scope == Scope::User {
            context.say(&format!("# {}\n{config}", layer.join("config.toml").display()))?;
        }
        return Ok(Exit::Ok);
    }
    let request = InstallRequest { home, scope, spool_dir, events, command, version };
    let outcomes = install(environment, &request, args.dry_run)?;
    let trusted = if args.trust && version.is_none_or(CodexVersion::asks_for_trust) {
        let asked = match &codex {
            Some(codex) => trust(environment, codex, &request, &outcomes),
            None => Err(Error::Codex {
                what: "there is no codex to ask for trust".to_owned(),
                codex: "PATH".into(),
                remedy: "add it to PATH and run this again; the hooks are installed",
            }),
        };
        Some(asked.and_then(|report| some_listed(report, codex.as_ref())))
    } else {
        None
    };
    let state = match &trusted {
        _ if version.is_some_and(|version| !version.asks_for_trust()) => "not_applicable",
        Some(Ok(report)) if report.all_trusted() => "trusted",
        Some(_) => "needed",
        None if outcomes.needs_trust => "needed",
        None => "unknown",
    };
    let newly_trusted = matches!(&trusted, Some(Ok(report)) if report.changed);
    let next = next_steps(state, &request.scope, outcomes.changed() || newly_trusted);
    if args.json {
        context.say(&as_json(&request, &outcomes, state, &next))?;
    } else if args.dry_run {
        for file in &outcomes.files {
            let diff = unified_diff(file, context.color);
            if !diff.is_empty() {
                context.say(&diff)?;
            }
        }
        if !outcomes.changed() {
            context.say("nothing to change")?;
        }
    } else {
        tell(context, &request, &outcomes)?;
        if let Some(Ok(report)) = &trusted {
            tell_trust(context, report)?;
        }
        if args.trust && state == "not_applicable" {
            context.say("This Codex runs hooks without being asked to trust them.")?;
        }
        if !next.is_empty() {
            context.say("\nNext:")?;
            next.iter().try_for_each(|step| context.say(&format!("- {step}")))?;
        }
    }
    match trusted {
        None => Ok(Exit::Ok),
        Some(Err(error)) => Err(error),
        Some(Ok(report)) => Ok(if report.all_trusted() { Exit::Ok } else { Exit::NotSo }),
    }
}

/// The command by which the user's PATH finds this program; in a project, by which that of everybody does.
fn our_command(
    environment: &Environment,
    scope: &Scope,
    spool_dir: Option<PathBuf>,
) -> Result<String, Error> {
    let program = match scope {
        Scope::User => stable_program(environment)?,
        Scope::Project(_) => PathBuf::from("hook"),
    };
    let unwritable = || Error::UnstableCommand {
        reason: "a shell can't be given this path".to_owned(),
        path: program.clone(),
        remedy: "move it to a path in UTF-8 without quotes, or say --command",
    };
    let words = HookCommand { program: program.to_str().ok_or_else(unwritable)?.to_owned(), spool_dir };
    words.line().ok_or_else(unwritable)
}

/// A list without our hooks means that Codex does not read them at all.
fn some_listed(report: TrustReport, codex: Option<&Codex>) -> Result<TrustReport, Error> {
    if !report.hooks.is_empty() {
        return Ok(report);
    }
    Err(Error::Codex {
        what: "codex lists none of the hooks".to_owned(),
        codex: codex.map(|codex| codex.path.clone()).unwrap_or_default(),
        remedy: "run `hook doctor`; in a project Codex must trust the project first",
    })
}

fn next_steps(trust: &str, scope: &Scope, changed: bool) -> Vec<&'static str> {
    let mut steps = Vec::new();
    match trust {
        "needed" => steps.push(match scope {
            Scope::User => {
                "Codex runs no hook that you have not trusted: run `hook install --trust`, or say /hooks in Codex"
            }
            Scope::Project(_) => {
                "Codex runs no hook that you have not trusted: trust the project in Codex, then run \
                 `hook install --scope project --trust`, or say /hooks in Codex"
            }
        }),
        "unknown" => steps.push("`hook status` tells whether Codex trusts the hooks"),
        _ => {}
    }
    if changed {
        steps.push(RESTART);
    }
    steps
}

fn action(file: &FileChange) -> &'static str {
    match (&file.before, &file.after) {
        (None, Some(_)) => "created",
        (before, after) if before == after => "unchanged",
        _ => "updated",
    }
}

/// What `--json` prints: other programs rely on these names.
#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    changed: bool,
    files: Vec<FileReport>,
    command: &'a str,
    events: Vec<&'static str>,
    trust: &'a str,
    next: String,
}

#[derive(Serialize)]
struct FileReport {
    path: String,
    action: &'static str,
}

fn as_json(request: &InstallRequest, outcomes: &Outcomes, trust: &str, next: &[&str]) -> String {
    let file = |file: &FileChange| FileReport { path: file.path.display().to_string(), action: action(file) };
    let report = Report {
        format: 1,
        changed: outcomes.changed(),
        files: outcomes.files.iter().map(file).collect(),
        command: &request.command,
        events: request.events.iter().map(|event| event.name()).collect(),
        trust,
        next: next.join("; "),
    };
    serde_json::to_string(&report).expect("strings and numbers can be written")
}

fn tell(context: &Context, request: &InstallRequest, outcomes: &Outcomes) -> Result<(), Error> {
    for file in &outcomes.files {
        context.say(&format!("{:9} {}", action(file), file.path.display()))?;
    }
    let events = request.events.iter().count();
    context.say(&format!("{:9} {events} events, each by: {}", "hooks", request.command))?;
    for old in &outcomes.refreshed {
        context.say(&format!("It was: {old}. Trust has to be given again."))?;
    }
    if outcomes.feature_flag == FeatureFlag::WasFalse {
        context.say("The hooks were switched off in config.toml; they are on now.")?;
    }
    Ok(())
}

fn tell_trust(context: &Context, report: &TrustReport) -> Result<(), Error> {
    let trusted = report.hooks.iter().filter(|hook| hook.trust_status == TrustStatus::Trusted).count();
    context.say(&format!("{:9} Codex says: {trusted} of {} hooks trusted", "trust", report.hooks.len()))?;
    for hook in report.hooks.iter().filter(|hook| !hook.enabled) {
        context.say(&format!("{} is switched off: say /hooks in Codex.", hook.event_name))?;
    }
    if !report.unlisted.is_empty() {
        let names: Vec<&str> = report.unlisted.iter().map(|event| event.name()).collect();
        context.say(&format!("This Codex does not know {}.", names.join(", ")))?;
    }
    report.warnings.iter().try_for_each(|warning| context.say(&format!("Codex warns: {warning}")))
}
