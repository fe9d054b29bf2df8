//! `hook status`

use std::path::PathBuf;
use std::time::SystemTime;

use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::install::{HookState, Status, status};

/// Tell whether the hooks will run
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
    context.say(match status.active {
        true => "active: all hooks that were installed will run",
        false => "not active",
    })?;
    if let Some(codex) = &status.codex {
        let version = codex.version.as_deref().unwrap_or("of unknown version");
        context.say(&format!(
            "codex   {version}, {}, home {}",
            codex.path.display(),
            codex.home.display()
        ))?;
    }
    let feature = if status.feature.enabled { "on" } else { "off" };
    let set_by = status.feature.set_by.as_deref().unwrap_or("Codex's default");
    context.say(&format!("hooks   {feature} ({set_by})"))?;
    for hook in &status.hooks {
        let place = match (&hook.source, &hook.index) {
            (Some(source), Some(index)) => format!("{} {index}", source.display()),
            _ => String::new(),
        };
        let line = format!("  {:18} {:10} {place}", hook.event, state(hook.state));
        context.say(line.trim_end())?;
    }
    for other in &status.also_registered {
        context.say(&format!("  also: {} in {}", other.event, other.source.display()))?;
    }
    let spool = &status.spool;
    let last = spool.last_event_at.map_or("never".to_owned(), to_the_second);
    context.say(&format!(
        "spool   {}: {} events, {} bytes, last {last}, {} rejected, {} recovering",
        spool.dir.display(),
        spool.events,
        spool.bytes,
        spool.rejected,
        spool.recovering
    ))?;
    for consumer in &status.consumers {
        let running = match (consumer.running, consumer.pid) {
            (true, Some(pid)) => format!("running as {pid}"),
            (true, None) => "running".to_owned(),
            _ => "not running".to_owned(),
        };
        let oldest = consumer
            .oldest_pending_at
            .map(|at| format!(", oldest {}", to_the_second(at)))
            .unwrap_or_default();
        context.say(&format!(
            "  {:18} {} pending{oldest}, {} dead, {running}",
            consumer.name, consumer.pending, consumer.dead
        ))?;
    }
    status.warnings.iter().try_for_each(|warning| context.say(&format!("warning: {warning}")))?;
    if let Some(remedy) = remedy(status) {
        context.say(&format!("\n{remedy}"))?;
    }
    Ok(())
}

fn to_the_second(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn state(state: HookState) -> &'static str {
    match state {
        HookState::Absent => "absent",
        HookState::Untrusted => "untrusted",
        HookState::Modified => "modified",
        HookState::Trusted => "trusted",
        HookState::Disabled => "disabled",
        HookState::Managed => "managed",
        _ => "unknown",
    }
}

fn remedy(status: &Status) -> Option<&'static str> {
    let any = |state| status.hooks.iter().any(|hook| hook.state == state);
    if status.active {
        None
    } else if any(HookState::Absent) {
        Some("Run `hook install`.")
    } else if !status.feature.enabled {
        Some("Hooks are switched off: run `hook install`.")
    } else if any(HookState::Untrusted) || any(HookState::Modified) {
        Some(
            "Codex does not run what you have not trusted: run `hook install --trust`, or say /hooks in Codex.",
        )
    } else if any(HookState::Disabled) {
        Some("Hooks are switched off one by one: say /hooks in Codex.")
    } else {
        Some("Run `hook doctor`.")
    }
}
