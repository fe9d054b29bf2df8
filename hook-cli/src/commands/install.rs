//! `hook install`

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::file_report::{FileReport, tell_diffs};
use super::scope::ScopeName;
use crate::cli::{Context, Exit};
use crate::counted::counted;
use crate::error::Error;
use crate::install::{
    Codex, CodexHome, CodexVersion, Environment, EventSet, FeatureFlag, HookCommand, InstallRequest,
    Outcomes, Scope, Standing, TrustReport, TrustStatus, install, snippets, stable_program, standing, trust,
};

/// Register the hooks with Codex; with --trust they run from the next session on
///
/// Writes `hook event` into Codex's hooks.json, switches Codex's hooks feature on in config.toml, and notes in the spool what
/// `hook uninstall` has to give back. What others have in these files stays as it is, to the byte.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which events are recorded: default, core, all, or names with commas between them
    ///
    /// default: the twelve that Codex documents. core: SessionStart, UserPromptSubmit, PreToolUse, PermissionRequest,
    /// PostToolUse, Stop. all: the twelve, and PreModelRequest and PostModelRequest, which fire many times a turn. Not
    /// given: those of the install that stands, else default.
    #[arg(long, value_parser = parse_events)]
    events: Option<EventSet>,
    /// Whose sessions are recorded
    #[arg(long, value_enum, default_value_t)]
    scope: ScopeName,
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// Where events are kept, if not in hook-spool below Codex's directory
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// The command that Codex runs, if not `/path/of/your/hook event`
    ///
    /// The whole command line, for the shell, as in --command '/opt/bin/hook event'. Not given: the one of the install that
    /// stands, else the path by which your PATH finds `hook`. One that the next upgrade would take away is refused unless
    /// it is given here.
    #[arg(long, value_name = "CMD")]
    command: Option<String>,
    /// Have Codex trust these hooks, and no others: Codex silently skips hooks that are not trusted
    ///
    /// This asks Codex itself, which has to be on your PATH, to trust the very hooks that were written, and tells what it
    /// says of them then. Without it, approve them in Codex's /hooks dialogue.
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
    let (command, spool_dir) =
        choose_command(&args, environment, &home, &scope, spool_dir, standing.as_ref())?;
    let events = args.events.or(standing.map(|standing| standing.events)).unwrap_or_default();
    let codex = Codex::find(environment, &home);
    let version = codex.as_ref().and_then(|codex| codex.version);
    let request = InstallRequest { home, scope, spool_dir, events, command, version };
    if args.print {
        print_snippets(context, &request)?;
        return Ok(Exit::Ok);
    }
    let outcomes = install(environment, &request, args.dry_run)?;
    let asked = (args.trust && version.is_none_or(CodexVersion::asks_for_trust))
        .then(|| ask_for_trust(environment, codex.as_ref(), &request, &outcomes));
    let report = Report::of(&request, &outcomes, asked.as_ref());
    if args.json {
        context.say(&serde_json::to_string(&report).expect("strings and numbers can be written"))?;
    } else if args.dry_run {
        tell_diffs(context, &outcomes)?;
    } else {
        report.tell(context, &outcomes, asked.as_ref(), args.trust)?;
    }
    match asked {
        None => Ok(Exit::Ok),
        Some(Err(error)) => Err(error),
        Some(Ok(trusted)) => Ok(if trusted.all_trusted() { Exit::Ok } else { Exit::NotSo }),
    }
}

/// The command to be written, and the spool directory in which `install.json` is kept: as given, else as they stand.
fn choose_command(
    args: &Args,
    environment: &Environment,
    home: &CodexHome,
    scope: &Scope,
    spool_dir: PathBuf,
    standing: Option<&Standing>,
) -> Result<(String, PathBuf), Error> {
    if let Some(command) = &args.command {
        return Ok((command.clone(), spool_dir));
    }
    let words = standing.and_then(|standing| HookCommand::recognise(&standing.command));
    if let (Some(standing), None, None) = (standing, &words, &args.spool_dir) {
        // A command of the user's own making stays.
        return Ok((standing.command.clone(), spool_dir));
    }
    let said = args.spool_dir.is_some().then(|| spool_dir.clone());
    let said = said.or_else(|| words.and_then(|words| words.spool_dir));
    // What stands in the environment of one user is no business of a file that many share.
    let named = said.clone().or((*scope == Scope::User).then(|| spool_dir.clone()));
    let named = named.filter(|dir| *dir != home.default_spool());
    Ok((our_command(environment, scope, named)?, said.unwrap_or(spool_dir)))
}

fn print_snippets(context: &Context, request: &InstallRequest) -> Result<(), Error> {
    let (hooks, config) = snippets(&request.events, &request.command, request.version);
    let layer = request.scope.layer(&request.home);
    context.say(&format!("# {}\n{hooks}", layer.join("hooks.json").display()))?;
    if request.scope == Scope::User {
        context.say(&format!("# {}\n{config}", layer.join("config.toml").display()))?;
    }
    Ok(())
}

fn ask_for_trust(
    environment: &Environment,
    codex: Option<&Codex>,
    request: &InstallRequest,
    outcomes: &Outcomes,
) -> Result<TrustReport, Error> {
    let Some(codex) = codex else {
        let path = environment.path.clone().unwrap_or_default();
        return Err(Error::Refused {
            what: format!("there is no codex to ask for trust (looked in PATH={})", path.display()).into(),
            place: "the hooks are installed, and wait for trust".to_owned(),
            remedy: "install Codex or add its folder to PATH, then run this again; or start Codex, and approve them in its \
                     /hooks dialogue",
        });
    };
    let report = trust(environment, codex, request, outcomes)?;
    if !report.hooks.is_empty() {
        return Ok(report);
    }
    // A list without our hooks means that Codex does not read them at all.
    Err(Error::Codex {
        what: "codex lists none of the hooks".to_owned(),
        codex: codex.path.clone(),
        remedy: "run `hook doctor`; in a project Codex must trust the project first",
    })
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
        remedy: "move it to a path in UTF-8 without quotes, or give the command with --command",
    };
    let words = HookCommand { program: program.to_str().ok_or_else(unwritable)?.to_owned(), spool_dir };
    words.line().ok_or_else(unwritable)
}

/// How it stands with the trust in the hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Trust {
    Trusted,
    Needed,
    /// This Codex asks for none.
    NotApplicable,
    /// Nothing has changed, and nobody has asked.
    Unknown,
}

type Asked<'a> = Option<&'a Result<TrustReport, Error>>;

impl Trust {
    fn of(request: &InstallRequest, outcomes: &Outcomes, asked: Asked<'_>) -> Self {
        match asked {
            _ if request.version.is_some_and(|version| !version.asks_for_trust()) => Trust::NotApplicable,
            Some(Ok(report)) if report.all_trusted() => Trust::Trusted,
            Some(_) => Trust::Needed,
            None if outcomes.needs_trust => Trust::Needed,
            None => Trust::Unknown,
        }
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
    trust: Trust,
    #[serde(serialize_with = "as_one_line")]
    next: Vec<Cow<'static, str>>,
}

fn as_one_line<S: Serializer>(steps: &[Cow<'static, str>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&steps.join("; "))
}

impl<'a> Report<'a> {
    fn of(request: &'a InstallRequest, outcomes: &Outcomes, asked: Asked<'_>) -> Self {
        let mut files: Vec<FileReport> = outcomes.files.iter().map(FileReport::of).collect();
        let written_to = asked.and_then(|asked| asked.as_ref().ok()?.written_to.as_ref());
        if let Some(path) = written_to {
            FileReport::note_update(&mut files, path);
        }
        let trust = Trust::of(request, outcomes, asked);
        let changed = outcomes.changed() || written_to.is_some();
        Report {
            format: 1,
            changed,
            files,
            command: &request.command,
            events: request.events.iter().map(|event| event.name()).collect(),
            trust,
            next: next_steps(trust, request, changed, asked),
        }
    }

    fn tell(
        &self,
        context: &Context,
        outcomes: &Outcomes,
        asked: Asked<'_>,
        wanted: bool,
    ) -> Result<(), Error> {
        let trusted = asked.and_then(|asked| asked.as_ref().ok());
        let by_codex =
            trusted.and_then(|report| report.written_to.as_ref()).map(|path| path.display().to_string());
        for file in &self.files {
            let note = if by_codex.as_ref() == Some(&file.path) { " (trust, written by Codex)" } else { "" };
            context.say(&format!("{:9} {}{note}", file.action, file.path))?;
        }
        let events = counted(self.events.len() as u64, "event");
        context.say(&format!("{:9} {events}, each by: {}", "hooks", self.command))?;
        for old in &outcomes.refreshed {
            context.say(&format!("          before: {old}"))?;
        }
        if outcomes.before_unknown {
            context.say(
                "The hooks were here already, and nothing is noted of what there was before them: that is not known any more.",
            )?;
        }
        if outcomes.feature_flag == FeatureFlag::WasFalse {
            context.say("Codex's hooks feature was switched off in config.toml; it is on now.")?;
        }
        match trusted {
            Some(report) => tell_trust(context, report)?,
            None if wanted && self.trust == Trust::NotApplicable => {
                context.say("This Codex runs hooks without being asked to trust them.")?;
            }
            None => {}
        }
        if !self.next.is_empty() {
            context.say("\nNext:")?;
            self.next.iter().try_for_each(|step| context.say(&format!("- {step}")))?;
        }
        Ok(())
    }
}

const RESTART: &str =
    "restart Codex where it runs: its threads, and its background server, keep the hooks they began with";

fn next_steps(
    trust: Trust,
    request: &InstallRequest,
    changed: bool,
    asked: Asked<'_>,
) -> Vec<Cow<'static, str>> {
    let mut steps: Vec<Cow<'static, str>> = Vec::new();
    match (trust, &request.scope) {
        // The error says what to do.
        (Trust::Needed, _) if matches!(asked, Some(Err(_))) => {}
        (Trust::Needed, Scope::User) => steps.push(
            "Codex silently skips hooks that are not trusted: run `hook install --trust`, or approve them in Codex's /hooks \
             dialogue"
                .into(),
        ),
        (Trust::Needed, Scope::Project(_)) => steps.push(
            "Codex silently skips hooks that are not trusted: trust the project in Codex, then run \
             `hook install --scope project --trust`, or approve them in Codex's /hooks dialogue"
                .into(),
        ),
        (Trust::Unknown, _) => steps.push("`hook status` tells whether Codex trusts the hooks".into()),
        _ => {}
    }
    if changed {
        steps.push(RESTART.into());
    }
    let named = HookCommand::recognise(&request.command).and_then(|words| words.spool_dir);
    if let Some(dir) = named.filter(|dir| *dir != request.home.default_spool()) {
        steps.push(
            format!(
                "the events go to {}: give that to `hook tail` and to programs too, with --spool-dir or CODEX_HOOK_SPOOL_DIR",
                dir.display()
            )
            .into(),
        );
    }
    steps
}

fn tell_trust(context: &Context, report: &TrustReport) -> Result<(), Error> {
    let trusted = report.hooks.iter().filter(|hook| hook.trust_status == TrustStatus::Trusted).count();
    let of = counted(report.hooks.len() as u64, "hook");
    context.say(&format!("{:9} Codex says: {trusted} of {of} trusted", "trust"))?;
    for hook in report.hooks.iter().filter(|hook| !hook.enabled) {
        let event = hook.event().map_or(hook.event_name.as_str(), |event| event.name());
        context.say(&format!("{event} is switched off: switch it on in Codex's /hooks dialogue."))?;
    }
    if !report.unlisted.is_empty() {
        let names: Vec<&str> = report.unlisted.iter().map(|event| event.name()).collect();
        context.say(&format!("This Codex does not know {}.", names.join(", ")))?;
    }
    report.warnings.iter().try_for_each(|warning| context.say(&format!("Codex warns: {warning}")))
}
