//! Whether the hooks will run: what the files say, and what Codex says of them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use codex_spool::{ConsumerReport, SpoolReport};
use serde::Serialize;
use serde_json::Value;

use super::attempt::notes;
use super::command::missing_program;
use super::judge::{Judge, ask};
use super::layer::Layer;
use super::registration::looks_like_ours;
use super::trust::is_same;
use super::{Codex, CodexHome, Environment, Error, EventSet, HookCommand, HookEvent, MissingProgram, Scope};

/// What becomes of a hook when its event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookState {
    /// It is in no file.
    Absent,
    /// It does not run: nobody has trusted it.
    Untrusted,
    /// It does not run: something else was trusted at its place.
    Modified,
    /// It runs.
    Trusted,
    /// It does not run: it was switched off.
    Disabled,
    /// It runs, whatever the user says.
    Managed,
    /// Only Codex knows, and was not asked or did not say.
    Unknown,
}

/// A hook of ours.
#[derive(Clone, Debug, Serialize)]
pub struct HookReport {
    /// Its event.
    pub event: &'static str,
    /// What becomes of it.
    pub state: HookState,
    /// The file that it stands in.
    pub source: Option<PathBuf>,
    /// Group and handler, as trust is bound to them: `0:0`.
    pub index: Option<String>,
}

/// Another place where our command is registered: the event fires once for each.
#[derive(Clone, Debug, Serialize)]
pub struct AlsoRegistered {
    /// The file.
    pub source: PathBuf,
    /// The event.
    pub event: &'static str,
}

/// The Codex that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct CodexReport {
    /// The program.
    pub path: PathBuf,
    /// Its version.
    pub version: Option<String>,
    /// The home that it works in.
    pub home: PathBuf,
}

/// The switch of all hooks.
#[derive(Clone, Debug, Serialize)]
pub struct FeatureReport {
    /// Whether it is on.
    pub enabled: bool,
    /// The file or the layer that says so; `None`: Codex's default.
    pub set_by: Option<String>,
}

/// Everything that `hook status` tells.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    format: u32,
    /// Whether all that was installed will run.
    pub active: bool,
    /// `None`: there is no codex on PATH.
    pub codex: Option<CodexReport>,
    /// The switch.
    pub feature: FeatureReport,
    /// Our hooks, one an event.
    pub hooks: Vec<HookReport>,
    /// Where else our command is registered.
    pub also_registered: Vec<AlsoRegistered>,
    /// The spool.
    pub spool: SpoolReport,
    /// Its consumers.
    pub consumers: Vec<ConsumerReport>,
    /// What else is not as it should be.
    pub warnings: Vec<String>,
    /// What Codex reports as its home; `None`: it was not asked, or does not say.
    #[serde(skip)]
    pub codex_says_home: Option<PathBuf>,
    /// What an administrator demands, as Codex tells it; null: nothing, or not asked.
    #[serde(skip)]
    pub requirements: Value,
    /// The command of our hooks, where there are any.
    #[serde(skip)]
    pub command: Option<String>,
    /// A program that our hooks name and that cannot run.
    #[serde(skip)]
    pub missing_program: Option<MissingProgram>,
    /// Why Codex could not be asked.
    #[serde(skip)]
    pub not_asked: Option<String>,
    /// What Codex itself warns about.
    #[serde(skip)]
    pub codex_warnings: Vec<String>,
    /// Whether Codex runs the hooks, as far as anybody can say; what comes of it then is another question.
    #[serde(skip)]
    pub hooks_run: bool,
}

/// Looks at the files and, unless `offline`, asks Codex.
///
/// # Errors
///
/// [`Error`] where our own files can't be read; a silent Codex is a warning.
pub fn status(
    environment: &Environment,
    home: &CodexHome,
    spool_dir: Option<&Path>,
    offline: bool,
) -> Result<Status, Error> {
    let mut warnings = Vec::new();
    let codex = Codex::find(environment, home);
    let mut not_asked = None;
    let answers = match codex.as_ref().filter(|_| !offline) {
        Some(codex) => ask(codex, environment).unwrap_or_else(|error| {
            not_asked = Some(error.to_string());
            None
        }),
        None => None,
    };
    warnings.extend(not_asked.clone());
    let layers = layers(environment, home, &mut warnings)?;
    let user = &layers.first().ok_or_else(|| no_layer(home))?.1;
    let notes = notes(environment, user, home, None)?;
    let is_ours = |command: &str| looks_like_ours(command) || notes.has_command(command);

    let mut ours = Vec::new();
    for (scope, layer) in &layers {
        for (path, registration) in layer.registrations()? {
            if registration.command.as_deref().is_some_and(is_ours) {
                ours.push((scope.clone(), path, registration));
            }
        }
    }
    let main = ours.first().map_or(Scope::User, |(scope, ..)| scope.clone());
    let noted = notes.find(home, &main);
    let wanted: Vec<HookEvent> = match noted {
        Some(install) => install.events.iter().filter_map(|name| name.parse().ok()).collect(),
        None if ours.is_empty() => EventSet::documented().iter().collect(),
        None => ours.iter().map(|(_, _, r)| r.event).collect(),
    };
    let version = codex.as_ref().and_then(|codex| codex.version);
    let judge = Judge { answers: answers.as_ref(), version, user };
    let mut hooks = Vec::new();
    let mut also_registered = Vec::new();
    let mut taken = vec![false; ours.len()];
    for event in HookEvent::all() {
        let first = ours.iter().position(|(scope, _, r)| *scope == main && r.event == event);
        let Some(first) = first else {
            if wanted.contains(&event) {
                let (state, source, index) = (HookState::Absent, None, None);
                hooks.push(HookReport { event: event.name(), state, source, index });
            }
            continue;
        };
        taken[first] = true;
        let (_, path, registration) = &ours[first];
        hooks.push(HookReport {
            event: event.name(),
            state: judge.state(path, registration)?,
            source: Some(path.clone()),
            index: Some(format!("{}:{}", registration.group, registration.handler)),
        });
    }
    for ((_, path, registration), taken) in ours.iter().zip(&taken) {
        if !taken {
            also_registered.push(AlsoRegistered { source: path.clone(), event: registration.event.name() });
        }
    }

    let feature = judge.feature()?;
    // Where Codex lists some of ours, it does not know the events of the others: an older version.
    let lists_some = hooks.iter().any(|hook| !matches!(hook.state, HookState::Absent | HookState::Unknown));
    let runs = |hook: &HookReport| match hook.state {
        HookState::Trusted | HookState::Managed => true,
        HookState::Unknown => answers.is_none() || lists_some,
        _ => false,
    };
    let too_old = version.is_some_and(|version| !version.asks_for_trust());
    let asked_or_offline = offline || answers.is_some() || too_old;
    let hooks_run = !ours.is_empty() && feature.enabled && asked_or_offline && hooks.iter().all(runs);
    let command = ours.iter().find_map(|(_, _, r)| r.command.clone());
    let named = command.as_deref().and_then(HookCommand::recognise).and_then(|ours| ours.spool_dir);
    let spool_dir = match spool_dir.map(Path::to_owned).or(named) {
        Some(dir) => dir,
        None => environment.spool_dir(None, home)?,
    };
    let spool = SpoolReport::of(&spool_dir);
    // One that others have put into a project of theirs is none of what was installed.
    let installed = ours.iter().filter(|(scope, ..)| *scope == main);
    let commands = installed.filter_map(|(_, _, r)| r.command.as_deref());
    let missing_program = commands.filter_map(|command| missing_program(command, environment)).next();
    // A hook that cannot start, or runs into a spool that refuses every event, records nothing.
    let active = hooks_run && missing_program.is_none() && spool.problems.is_empty();
    let codex_warnings: Vec<String> =
        answers.iter().flat_map(|answers| answers.list.warnings.iter().cloned()).collect();
    warnings.extend(codex_warnings.iter().cloned());
    warnings.extend(missing_program.as_ref().map(MissingProgram::to_string));
    warnings.extend(spool.problems.iter().cloned());
    let in_settings = |problem| format!("{}: {problem}", spool_dir.join("spool.toml").display());
    warnings.extend(spool.settings.problems.iter().map(in_settings));
    if main == Scope::User && !ours.is_empty() && noted.is_none_or(|install| install.before_unknown) {
        warnings.push(format!(
            "what there was before the hooks is not known any more, it is not in {}: `hook uninstall` will take the hooks \
             away, and leave the switch of Codex's hooks on",
            spool_dir.join("install.json").display()
        ));
    }
    warnings.extend(spool.expiry_warnings(SystemTime::now()));
    if codex.is_none() {
        warnings.push(
            "there is no codex on PATH: nobody can say whether the hooks are trusted: put it there"
                .to_owned(),
        );
    }
    Ok(Status {
        format: 1,
        active,
        codex: codex.map(|codex| CodexReport {
            path: codex.path,
            version: codex.version.map(|version| version.to_string()),
            home: home.dir.clone(),
        }),
        feature,
        hooks,
        also_registered,
        consumers: spool.consumers.clone(),
        spool,
        warnings,
        codex_says_home: answers.as_ref().and_then(|answers| answers.home.clone()),
        requirements: answers.map(|answers| answers.requirements).unwrap_or_default(),
        command,
        missing_program,
        not_asked,
        codex_warnings,
        hooks_run,
    })
}

fn no_layer(home: &CodexHome) -> Error {
    Error::Directory {
        what: "no layer to look at".into(),
        path: home.dir.clone(),
        remedy: "check CODEX_HOME",
    }
}

/// The user's layer, then that of each directory from the working one up to the root of its repository.
fn layers(
    environment: &Environment,
    home: &CodexHome,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Scope, Layer)>, Error> {
    let mut layers = vec![(Scope::User, Layer::read(home, &Scope::User)?)];
    let Scope::Project(root) = Scope::project_of(&environment.cwd) else { return Ok(layers) };
    for dir in environment.cwd.ancestors() {
        let scope = Scope::Project(dir.to_owned());
        let folder = scope.layer(home);
        if folder.is_dir() && !is_same(&folder.join("hooks.json"), &home.dir.join("hooks.json")) {
            match Layer::read(home, &scope) {
                Ok(layer) => layers.push((scope, layer)),
                Err(error) => warnings.push(error.to_string()),
            }
        }
        if dir == root {
            break;
        }
    }
    Ok(layers)
}
