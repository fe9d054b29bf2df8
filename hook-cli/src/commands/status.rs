//! `hook status`

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use codex_spool::{ConsumerReport, SpoolReport};

use crate::cli::{Context, Exit};
use crate::counted::{counted, size};
use crate::error::Error;
use crate::install::{HookState, Status, status};

/// Tell at a glance whether the hooks will run: ends with 0 if all will, else with 1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Codex's directory, if not $CODEX_HOME or ~/.codex
    #[arg(long, value_name = "DIR")]
    codex_home: Option<PathBuf>,
    /// The spool directory, if not the one that the hooks name
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Look at the files alone, and do not ask Codex
    #[arg(long)]
    offline: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
///
/// [`Error`] where the files can't be read.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let environment = &context.environment;
    let home = environment.codex_home(args.codex_home.as_deref())?;
    let status = status(environment, &home, args.spool_dir.as_deref(), args.offline)?;
    if args.json {
        let json = serde_json::to_string(&status).map_err(|error| Error::InstallJson {
            fault: error.to_string(),
            path: home.dir.clone(),
            remedy: "rename it so that the path is UTF-8",
        })?;
        context.say(&json)?;
    } else {
        tell(context, &status)?;
    }
    Ok(if status.active { Exit::Ok } else { Exit::NotSo })
}

fn tell(context: &Context, status: &Status) -> Result<(), Error> {
    let verdict = Verdict::of(status);
    match &verdict {
        None => {
            context.say(&format!("active: all {} will run", counted(status.hooks.len() as u64, "hook")))?
        }
        Some(verdict) => context.say(&format!("not active: {}", verdict.reason))?,
    }
    let row = |name: &str, text: &str| context.say(&format!("{name:10} {text}"));
    if let Some(codex) = &status.codex {
        let version = codex.version.as_deref().unwrap_or("of unknown version");
        row("codex", &format!("{version}, {}, home {}", codex.path.display(), codex.home.display()))?;
    }
    let switch = if status.feature.enabled { "on" } else { "off" };
    let set_by = match &status.feature.set_by {
        Some(set_by) => format!("set by {set_by}"),
        None => "Codex's default".to_owned(),
    };
    row("feature", &format!("Codex's hooks feature: {switch} ({set_by})"))?;
    for (nth, line) in hook_lines(status).iter().enumerate() {
        row(if nth == 0 { "hooks" } else { "" }, line)?;
    }
    for line in other_lines(status) {
        row("also", &line)?;
    }
    row("spool", &spool_line(&status.spool))?;
    let redact = &status.spool.settings.redact;
    if !redact.is_empty() {
        row("masked", &redact.to_string())?;
    }
    for consumer in &status.consumers {
        row("consumer", &consumer_line(consumer))?;
    }
    status.warnings.iter().try_for_each(|warning| context.say(&format!("warning: {warning}")))?;
    match verdict.and_then(|verdict| verdict.remedy) {
        Some(remedy) => context.say(&format!("\n{remedy}")),
        None => Ok(()),
    }
}

/// The hooks that are alike in one line; named where they are not all alike.
fn hook_lines(status: &Status) -> Vec<String> {
    let mut alike: Vec<(HookState, Option<&Path>, Vec<&str>)> = Vec::new();
    for hook in &status.hooks {
        let source = hook.source.as_deref();
        match alike.iter_mut().find(|(state, place, _)| (*state, *place) == (hook.state, source)) {
            Some((.., events)) => events.push(hook.event),
            None => alike.push((hook.state, source, vec![hook.event])),
        }
    }
    let names = alike.len() > 1;
    let line = |(state, source, events): &(HookState, Option<&Path>, Vec<&str>)| {
        let mut line = format!("{} {}", events.len(), word(*state));
        if let Some(source) = source {
            line += &format!(", in {}", source.display());
        }
        if names {
            line += &format!(": {}", events.join(", "));
        }
        line
    };
    alike.iter().map(line).collect()
}

/// Where else our command stands, a line a file.
fn other_lines(status: &Status) -> Vec<String> {
    let mut files: Vec<(&Path, Vec<&str>)> = Vec::new();
    for other in &status.also_registered {
        match files.iter_mut().find(|(source, _)| *source == other.source) {
            Some((_, events)) => events.push(other.event),
            None => files.push((&other.source, vec![other.event])),
        }
    }
    let line = |(source, events): &(&Path, Vec<&str>)| {
        format!("in {}: {} (recorded once all the same)", source.display(), events.join(", "))
    };
    files.iter().map(line).collect()
}

fn spool_line(spool: &SpoolReport) -> String {
    let events = match spool.events {
        0 => "0 events".to_owned(),
        events => format!("{}, {}", counted(events, "event"), size(spool.bytes)),
    };
    let last = spool.last_event_at.map_or("none yet".to_owned(), to_the_second);
    let mut line = format!("{}: {events}, last event: {last}", spool.dir.display());
    if spool.rejected > 0 {
        line += &format!(", {}", counted(spool.rejected, "rejected payload"));
    }
    if spool.recovering > 0 {
        line += &format!(", {} to be recovered", spool.recovering);
    }
    line
}

fn consumer_line(consumer: &ConsumerReport) -> String {
    let name = match consumer.name.is_ephemeral() {
        true => "a `hook tail`",
        false => consumer.name.as_str(),
    };
    let mut line = match (consumer.name.is_ephemeral(), consumer.pid) {
        (true, Some(pid)) => format!("{name} (pid {pid}): "),
        _ => format!("{name}: "),
    };
    line += &match consumer.pending {
        0 => "nothing pending".to_owned(),
        pending => format!("{} pending", counted(pending, "event")),
    };
    if let Some(at) = consumer.oldest_pending_at {
        line += &format!(", the oldest of {}", to_the_second(at));
    }
    if consumer.dead > 0 {
        line += &format!(", {} set aside in dead/", consumer.dead);
    }
    line += &match (consumer.running, consumer.pid) {
        (true, Some(pid)) if !consumer.name.is_ephemeral() => format!(", running (pid {pid})"),
        (true, _) => ", running".to_owned(),
        (false, _) => ", not running".to_owned(),
    };
    line
}

fn to_the_second(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn word(state: HookState) -> &'static str {
    match state {
        HookState::Absent => "not installed",
        HookState::Untrusted => "untrusted",
        HookState::Modified => "modified since trusted",
        HookState::Trusted => "trusted",
        HookState::Disabled => "disabled",
        HookState::Managed => "managed by an administrator",
        _ => "unknown to Codex, or not asked about",
    }
}

/// Why not all hooks will run, in a few words, and what mends it where no warning says so already.
struct Verdict {
    reason: String,
    remedy: Option<&'static str>,
}

impl Verdict {
    /// `None`: all is well.
    fn of(status: &Status) -> Option<Self> {
        if status.active {
            return None;
        }
        let number = |state| status.hooks.iter().filter(|hook| hook.state == state).count() as u64;
        let absent = number(HookState::Absent);
        let untrusted = number(HookState::Untrusted) + number(HookState::Modified);
        let disabled = number(HookState::Disabled);
        let (reason, remedy) = if absent == status.hooks.len() as u64 {
            ("nothing is installed".to_owned(), Some("Run `hook install --trust`."))
        } else if absent > 0 {
            (format!("{} not installed", are(absent)), Some("Run `hook install --trust`."))
        } else if !status.feature.enabled {
            let remedy = match status.feature.set_by.as_deref() {
                Some("requirements") => "Your administrator has switched it off: ask for it.",
                _ => "Run `hook install`.",
            };
            ("Codex's hooks feature is off".to_owned(), Some(remedy))
        } else if untrusted > 0 {
            (
                format!("{} not trusted, and Codex silently skips such hooks", are(untrusted)),
                Some("Run `hook install --trust`, or approve them in Codex's /hooks dialogue."),
            )
        } else if disabled > 0 {
            (format!("{} switched off", are(disabled)), Some("Switch them on in Codex's /hooks dialogue."))
        } else if status.missing_program.is_some() {
            ("the program of the hooks is not there".to_owned(), None)
        } else if !status.spool.problems.is_empty() {
            ("the spool refuses every event".to_owned(), None)
        } else if status.not_asked.is_some() || status.codex.is_none() {
            ("nobody can say whether Codex trusts the hooks".to_owned(), None)
        } else {
            ("Codex does not list the hooks".to_owned(), Some("Run `hook doctor`."))
        };
        Some(Verdict { reason, remedy })
    }
}

fn are(hooks: u64) -> String {
    format!("{} {}", counted(hooks, "hook"), if hooks == 1 { "is" } else { "are" })
}
