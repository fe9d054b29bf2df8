//! Every reason for which hooks do not run, looked for one by one.

use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::ConsumerReport;
use serde::Serialize;
use serde_json::Value;

use super::layer::Layer;
use super::status::{HookState, Status, status};
use super::trial::{Trial, try_command};
use super::{Codex, CodexHome, Environment, Error, Scope, platform, stable_program};
use crate::counted::counted;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Works, but not as it should.
    Warn,
    /// Keeps hooks from running, or events from being recorded.
    Fail,
    /// Could not be looked at.
    Skip,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found.
    pub detail: String,
    /// What mends it.
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Check { name, status: CheckStatus::Ok, detail: detail.into(), remedy: None }
    }

    fn skip(name: &'static str, detail: impl Into<String>) -> Self {
        Check { name, status: CheckStatus::Skip, detail: detail.into(), remedy: None }
    }

    fn warn(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { name, status: CheckStatus::Warn, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn fail(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { name, status: CheckStatus::Fail, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    /// Of a line that ends with the remedy.
    fn of_text(name: &'static str, line: &str) -> Self {
        let (detail, remedy) = line.rsplit_once(": ").unwrap_or((line, "see there"));
        Check::fail(name, detail, remedy)
    }

    fn of_error(name: &'static str, error: &Error) -> Self {
        let (text, remedy) = (error.to_string(), error.remedy());
        let detail = text.strip_suffix(remedy).unwrap_or(&text).trim_end_matches([':', ' ']).to_owned();
        Check::fail(name, detail, remedy)
    }
}

/// All checks, in an order in which an earlier one often explains a later one.
pub fn doctor(environment: &Environment, home: &CodexHome, spool_dir: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![codex(environment, home), program(environment)];
    checks.extend(files(environment, home));
    match status(environment, home, spool_dir, false) {
        Err(error) => checks.push(Check::of_error("hooks", &error)),
        Ok(status) => {
            checks.push(feature(&status));
            checks.push(hooks(&status));
            checks.push(also_registered(&status));
            checks.push(codex_home(&status, home));
            checks.push(managed(&status));
            checks.push(codex_warnings(&status));
            checks.push(command(&status, environment));
            let dir = &status.spool.dir;
            checks.push(spool(&status));
            checks.push(spool_toml(&status));
            checks.push(redact(&status));
            checks.push(ownership(dir));
            checks.push(consumers(&status));
            checks.push(disk(dir));
        }
    }
    checks.push(inotify());
    checks
}

fn codex(environment: &Environment, home: &CodexHome) -> Check {
    match Codex::find(environment, home) {
        None => Check::warn("codex", "there is no codex on PATH", "add it to PATH, so that it can be asked"),
        Some(codex) => match codex.version {
            None => Check::warn(
                "codex",
                format!("{} does not tell its version", codex.path.display()),
                "reinstall it",
            ),
            Some(version) => Check::ok("codex", format!("{version}, {}", codex.path.display())),
        },
    }
}

fn program(environment: &Environment) -> Check {
    match stable_program(environment) {
        Ok(path) => Check::ok("hook", format!("{}, {}", env!("CARGO_PKG_VERSION"), path.display())),
        Err(error) => {
            let check = Check::of_error("hook", &error);
            Check { status: CheckStatus::Warn, ..check }
        }
    }
}

/// Each file of each layer, as strictly as Codex reads it.
fn files(environment: &Environment, home: &CodexHome) -> Vec<Check> {
    let mut scopes = vec![Scope::User];
    if let Scope::Project(root) = Scope::project_of(&environment.cwd) {
        let up_to_root = environment.cwd.ancestors().take_while(|dir| dir.starts_with(&root));
        scopes.extend(up_to_root.map(|dir| Scope::Project(dir.to_owned())));
    }
    let mut checks = Vec::new();
    for scope in scopes {
        let dir = scope.layer(home);
        if scope != Scope::User && (!dir.is_dir() || dir == home.dir) {
            continue;
        }
        match Layer::read(home, &scope) {
            Ok(_) => checks.push(Check::ok("files", format!("{}: Codex can read them", dir.display()))),
            Err(error) => checks.push(Check::of_error("files", &error)),
        }
    }
    checks
}

fn feature(status: &Status) -> Check {
    let set_by = status.feature.set_by.as_deref().unwrap_or("Codex's default");
    match status.feature.enabled {
        true => Check::ok("feature", format!("Codex's hooks feature is on (set by {set_by})")),
        false => {
            Check::fail("feature", format!("Codex's hooks feature is off (set by {set_by})"), "hook install")
        }
    }
}

fn hooks(status: &Status) -> Check {
    const NAME: &str = "hooks";
    let of = |state| {
        let events: Vec<&str> =
            status.hooks.iter().filter(|hook| hook.state == state).map(|hook| hook.event).collect();
        match events.len() {
            0 => None,
            1 => Some(events.concat()),
            number if number == status.hooks.len() => Some(format!("all {number} hooks")),
            _ => Some(events.join(", ")),
        }
    };
    // What is installed without trust does not run either.
    for (state, word) in [
        (HookState::Absent, "not installed"),
        (HookState::Untrusted, "untrusted"),
        (HookState::Modified, "modified since trusted"),
    ] {
        if let Some(events) = of(state) {
            return Check::fail(NAME, format!("{word}: {events}"), "hook install --trust");
        }
    }
    if let Some(events) = of(HookState::Disabled) {
        return Check::fail(
            NAME,
            format!("switched off: {events}"),
            "switch them on in Codex's /hooks dialogue",
        );
    }
    match (status.hooks_run, &status.not_asked) {
        (true, _) => Check::ok(NAME, format!("Codex runs {}", counted(status.hooks.len() as u64, "hook"))),
        (false, Some(error)) => Check { status: CheckStatus::Warn, ..Check::of_text(NAME, error) },
        (false, None) if !status.feature.enabled => Check::skip(NAME, "Codex's hooks feature is off"),
        (false, None) => Check::warn(NAME, "nobody can say whether they are trusted", "put codex on PATH"),
    }
}

fn also_registered(status: &Status) -> Check {
    let mut places: Vec<String> =
        status.also_registered.iter().map(|other| other.source.display().to_string()).collect();
    places.dedup();
    match places.as_slice() {
        [] => Check::ok("registrations", "each event once"),
        _ => Check::warn(
            "registrations",
            format!("also in {}: an event is recorded once all the same", places.join(", ")),
            "hook uninstall, with the --scope that it is not wanted in",
        ),
    }
}

fn codex_home(status: &Status, home: &CodexHome) -> Check {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match &status.codex_says_home {
        None => Check::skip("codex_home", "Codex does not say"),
        Some(says) if real(says) == real(&home.dir) => Check::ok("codex_home", says.display().to_string()),
        Some(says) => Check::fail(
            "codex_home",
            format!("Codex works in {}, this looked at {}", says.display(), home.dir.display()),
            "set CODEX_HOME the same for both",
        ),
    }
}

fn managed(status: &Status) -> Check {
    const NAME: &str = "managed";
    let requirements = &status.requirements;
    let only_managed = requirements.get("allowManagedHooksOnly").and_then(Value::as_bool) == Some(true);
    let off = ["/featureRequirements/hooks", "/featureRequirements/codex_hooks"]
        .iter()
        .any(|path| requirements.pointer(path).and_then(Value::as_bool) == Some(false));
    let files: Vec<PathBuf> = platform::managed_files().into_iter().filter(|path| path.exists()).collect();
    if only_managed || off {
        return Check::fail(
            NAME,
            "your administrator allows no hooks of yours",
            "ask for this one to be managed",
        );
    }
    if requirements.is_null() && files.is_empty() {
        return Check::ok(NAME, "no policy");
    }
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    Check::ok(NAME, format!("a policy that lets hooks be {}", names.join(", ")).trim_end().to_owned())
}

/// What Codex itself warns about; all else that status warns about has a check of its own.
fn codex_warnings(status: &Status) -> Check {
    const NAME: &str = "warnings";
    match status.codex_warnings.as_slice() {
        [] => Check::ok(NAME, "none"),
        warnings => {
            let lines: Vec<String> =
                warnings.iter().map(|warning| warning.replace(['\n', '\r'], " ")).collect();
            Check::warn(NAME, format!("Codex warns: {}", lines.join("; ")), "mend what it names")
        }
    }
}

fn command(status: &Status, environment: &Environment) -> Check {
    const NAME: &str = "command";
    let Some(command) = &status.command else { return Check::skip(NAME, "not installed") };
    if let Some(missing) = &status.missing_program {
        return Check::of_text(NAME, &missing.to_string());
    }
    match try_command(command, &environment.cwd) {
        Ok(Trial::Recorded { took, shell }) => {
            let (took, shell) = (took.as_secs_f64() * 1e3, shell.as_secs_f64() * 1e3);
            let said = format!("recorded an event in {took:.1} ms, {shell:.1} ms of it the shell: {command}");
            match status.spool.problems.first() {
                None => Check::ok(NAME, said),
                // The trial has a spool of its own, and so proves nothing of this one.
                Some(problem) => {
                    let check = Check::of_text(NAME, problem);
                    Check { detail: format!("{command} is refused by its spool: {}", check.detail), ..check }
                }
            }
        }
        Ok(Trial::Failed(fault)) => Check::fail(
            NAME,
            format!("{command}: {fault}"),
            "install codex-hook again, then run `hook install --trust`",
        ),
        Ok(Trial::NotTried) => Check::skip(NAME, format!("{command} is of your own making")),
        Err(error) => {
            Check::fail(NAME, format!("{command}: {error}"), "check the shell of your passwd entry")
        }
    }
}

fn spool(status: &Status) -> Check {
    const NAME: &str = "spool";
    let spool = &status.spool;
    match spool.problems.first() {
        Some(problem) => Check::of_text(NAME, problem),
        None if !spool.exists => Check::ok(NAME, format!("{} will be made", spool.dir.display())),
        None => Check::ok(NAME, format!("{}: {}", spool.dir.display(), counted(spool.events, "event"))),
    }
}

fn spool_toml(status: &Status) -> Check {
    const NAME: &str = "spool.toml";
    let (spool, path) = (&status.spool, status.spool.dir.join("spool.toml"));
    match (spool.problems.first(), spool.settings.problems.as_slice()) {
        (Some(problem), _) if spool.settings_refused => Check::of_text(NAME, problem),
        (Some(_), _) => Check::skip(NAME, "the spool is refused before it is read"),
        (None, []) if path.exists() => Check::ok(NAME, path.display().to_string()),
        (None, []) => Check::ok(NAME, "defaults"),
        (None, problems) => {
            Check::warn(NAME, format!("{}: {}", path.display(), problems.join("; ")), "mend it by hand")
        }
    }
}

/// That nothing is masked is nobody's fault, but has to be known.
fn redact(status: &Status) -> Check {
    const NAME: &str = "redact";
    let spool = &status.spool;
    match spool.problems.first() {
        Some(problem) if spool.settings_refused => Check::of_text(NAME, problem),
        Some(_) => Check::skip(NAME, "the spool is refused before it is read"),
        None if spool.settings.redact.is_empty() => {
            Check::ok(NAME, "nothing is masked: events hold prompts and what tools printed")
        }
        None => Check::ok(NAME, format!("masked: {}", spool.settings.redact)),
    }
}

fn ownership(dir: &Path) -> Check {
    const NAME: &str = "permissions";
    if !dir.exists() {
        return Check::ok(NAME, format!("{} will be made", dir.display()));
    }
    match platform::ownership(dir) {
        Err(error) => Check::fail(NAME, format!("{}: {error}", dir.display()), "make it yours"),
        Ok(None) => Check::skip(NAME, "not told by this system"),
        Ok(Some((owner, user, _))) if owner != user => Check::fail(
            NAME,
            format!("{} belongs to user {owner}", dir.display()),
            "remove it, or name another with --spool-dir",
        ),
        Ok(Some((.., mode))) if mode & 0o022 != 0 => Check::fail(
            NAME,
            format!("others can write to {}", dir.display()),
            format!("chmod 700 {}", quoted(dir)),
        ),
        Ok(Some((.., mode))) if mode & 0o077 != 0 => Check::warn(
            NAME,
            format!("others can read {}", dir.display()),
            format!("chmod 700 {}", quoted(dir)),
        ),
        Ok(Some(_)) => Check::ok(NAME, "yours alone"),
    }
}

/// For a command line that is copied.
fn quoted(dir: &Path) -> String {
    dir.to_str().and_then(platform::shell_quote).unwrap_or_else(|| dir.display().to_string())
}

fn consumers(status: &Status) -> Check {
    const NAME: &str = "consumers";
    let all = &status.consumers;
    let pending: u64 = all.iter().map(|consumer| consumer.pending).sum();
    let said = match all.len() {
        0 => "none".to_owned(),
        number => format!("{}, {} pending", counted(number as u64, "consumer"), counted(pending, "event")),
    };
    let waits = |consumer: &ConsumerReport| {
        let verb = if consumer.pending == 1 { "waits" } else { "wait" };
        format!("{} {verb} for {}, which does not run", consumer.pending, consumer.name)
    };
    let idle: Vec<String> = all.iter().filter(|c| c.pending > 0 && !c.running).map(waits).collect();
    match idle.as_slice() {
        [] => Check::ok(NAME, said),
        _ => Check::warn(
            NAME,
            format!("{said}: {}", idle.join(", ")),
            "start it: what it has not settled is kept for it",
        ),
    }
}

fn disk(dir: &Path) -> Check {
    const ENOUGH: u64 = 100 << 20;
    let there = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
    match platform::free_bytes(there) {
        Err(error) => Check::skip("disk", error.to_string()),
        Ok(None) => Check::skip("disk", "not told by this system"),
        Ok(Some(free)) if free < ENOUGH => {
            Check::warn("disk", format!("{} MiB free", free >> 20), "free some space")
        }
        Ok(Some(free)) => Check::ok("disk", format!("{} MiB free", free >> 20)),
    }
}

fn inotify() -> Check {
    const NAME: &str = "inotify";
    let limit = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    match (limit("max_user_watches"), limit("max_user_instances")) {
        (Some(watches), Some(instances)) if watches < 8192 || instances < 128 => Check::warn(
            NAME,
            format!("{watches} watches, {instances} instances: consumers may have to poll"),
            "sudo sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=512",
        ),
        (Some(watches), Some(instances)) => {
            Check::ok(NAME, format!("{watches} watches, {instances} instances"))
        }
        _ => Check::skip(NAME, "not of this system"),
    }
}

/// Whether nothing keeps hooks from running.
pub fn all_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.status != CheckStatus::Fail)
}
