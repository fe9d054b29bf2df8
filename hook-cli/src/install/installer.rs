//! Install: reads the layer, edits its texts, notes what gives them back, and replaces the files.

use std::path::PathBuf;

use super::attempt::{ATTEMPTS, catch_up, notes, sweep_all, write};
use super::install_json::{FeatureFlag, FileNote, FlagBefore, Install, Notes};
use super::layer::Layer;
use super::lock::InstallLock;
use super::outcomes::changes;
use super::pending::{FileMoves, Pending};
use super::registration::looks_like_ours;
use super::replace::Replaced;
use super::uninstaller::take_away;
use super::{
    CodexHome, CodexVersion, Environment, Error, EventSet, HookEvent, Outcomes, Scope, platform,
    trust_entries,
};

/// What to install, and where.
#[derive(Clone, Debug)]
pub struct InstallRequest {
    /// Codex's directory.
    pub home: CodexHome,
    /// Which layer.
    pub scope: Scope,
    /// Where the `install.json` is kept.
    pub spool_dir: PathBuf,
    /// The events; ours for any other are removed.
    pub events: EventSet,
    /// The command line, exactly as it shall stand in the file.
    pub command: String,
    /// The Codex that will read it. `None`: not known, taken for a new one.
    pub version: Option<CodexVersion>,
}

struct Plan {
    layer: Layer,
    install: Install,
    notes: Notes,
    outcomes: Outcomes,
}

/// What an earlier install asked for.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its events.
    pub events: EventSet,
    /// Its command.
    pub command: String,
}

/// What `install.json` says of the last install into this layer; `None`: there was none.
///
/// # Errors
///
/// [`Error::Fault`] where Codex would refuse one of the files.
pub fn standing(
    environment: &Environment,
    home: &CodexHome,
    scope: &Scope,
    spool_dir: &PathBuf,
) -> Result<Option<Standing>, Error> {
    let layer = Layer::read(home, scope)?;
    let notes = notes(environment, &layer, home, Some(spool_dir))?;
    Ok(notes.find(home, scope).and_then(|install| {
        let events = install.events.join(",").parse().ok()?;
        Some(Standing { events, command: install.command.clone() })
    }))
}

/// Writes our hooks. With `dry_run` nothing is written.
///
/// Either file is replaced whole, hooks before the switch; a crash in between leaves a state that the next call completes.
///
/// # Errors
///
/// [`Error::Fault`] before anything is written, where Codex would refuse one of the files as they are.
pub fn install(
    environment: &Environment,
    request: &InstallRequest,
    dry_run: bool,
) -> Result<Outcomes, Error> {
    let mut left = FileMoves::new();
    // Before the directory is made: what can't be installed leaves nothing behind.
    let plan = plan_install(environment, request, &left)?;
    if dry_run {
        return Ok(plan.outcomes);
    }
    platform::create_private_dir(&request.home.dir)
        .map_err(|error| Error::io("create", &request.home.dir, error))?;
    let _lock = InstallLock::take(&request.home.dir)?;
    let (home, scope, spool_dir) = (&request.home, &request.scope, &request.spool_dir);
    let mut told: Option<Outcomes> = None;
    for _ in 0..ATTEMPTS {
        let Plan { layer, install, notes, outcomes } = plan_install(environment, request, &left)?;
        let told = told.get_or_insert_with(|| outcomes.clone());
        told.end_as(&outcomes);
        sweep_all(&layer, &notes);
        let pending = Pending::of(&layer);
        if notes.put(spool_dir, home, scope, &install, pending.clone())? == Replaced::ChangedMeanwhile
            || write(&layer, scope, &mut left)? == Replaced::ChangedMeanwhile
            || notes.strike(home, scope, Some(spool_dir))? == Replaced::ChangedMeanwhile
        {
            continue;
        }
        if pending.is_some() {
            let again = Notes::load(std::slice::from_ref(spool_dir))?;
            let _ = again.put(spool_dir, home, scope, &install, None)?;
        }
        return Ok(told.clone());
    }
    Err(Error::KeepsChanging { path: request.home.dir.clone() })
}

/// Notes what Codex made of config.toml when it wrote down our trust, so that uninstall gives back what was there before.
///
/// Codex writes the whole file anew: CRLF becomes LF. Where anything else has changed too, nothing is noted: uninstall will
/// then take out what is ours.
pub(crate) fn note_trust(
    environment: &Environment,
    request: &InstallRequest,
    outcomes: &Outcomes,
    keys: &[&str],
    mode: Option<u32>,
) -> Result<(), Error> {
    if request.scope != Scope::User {
        return Ok(());
    }
    let _lock = InstallLock::take(&request.home.dir)?;
    let layer = Layer::read(&request.home, &request.scope)?;
    let notes = notes(environment, &layer, &request.home, Some(&request.spool_dir))?;
    let Some(noted) = notes.find(&request.home, &request.scope) else { return Ok(()) };
    let config = &layer.user_config;
    let written = outcomes.files.iter().find(|file| file.path == config.path());
    let written = written.and_then(|file| file.after.clone());
    let Some(now) = config.text.as_deref() else { return Ok(()) };
    let only_trust = trust_entries::only_adds(written.as_deref().unwrap_or_default(), now, keys);
    if !only_trust.map_err(|fault| fault.into_error(config.path()))? {
        return Ok(());
    }
    let mut install = noted.clone();
    let known = install.files.iter().find(|file| file.path == config.path());
    let before = match known {
        Some(note) => note.give_back(written.as_deref()),
        None => Some(written),
    };
    let Some(before) = before else { return Ok(()) };
    let mode = known.map_or(mode, |note| note.mode);
    install.files.retain(|file| file.path != config.path());
    install.files.push(FileNote::new(config.path(), before.as_deref(), now, mode));
    // Lost to another installer: that one has noted what it found.
    notes.put(&request.spool_dir, &request.home, &request.scope, &install, None).map(drop)
}

fn plan_install(
    environment: &Environment,
    request: &InstallRequest,
    left: &FileMoves,
) -> Result<Plan, Error> {
    let mut found = Layer::read(&request.home, &request.scope)?;
    let notes = notes(environment, &found, &request.home, Some(&request.spool_dir))?;
    catch_up(&mut found, &notes, left)?;
    let noted = notes.find(&request.home, &request.scope);
    let is_ours =
        |command: &str| command == request.command || looks_like_ours(command) || notes.has_command(command);

    let mut bare = found.clone();
    take_away(&mut bare, noted, &notes)?;

    let mut layer = found.clone();
    let events: Vec<HookEvent> = request.events.iter().collect();
    layer.set_hooks(&events, &request.command, request.version, &is_ours)?;
    let mut flags: Vec<FlagBefore> = noted.map(|install| install.flags.clone()).unwrap_or_default();
    let mut feature_flag = FeatureFlag::Untouched;
    if request.scope == Scope::User {
        let name = request.version.map_or("hooks", CodexVersion::feature_name);
        let (said, flag) = layer.turn_on(name)?;
        feature_flag = said;
        flags.extend(flag.filter(|flag| !flags.iter().any(|known| known.name == flag.name)));
    }

    // Codex has closed it when it was told to trust our hooks.
    for (file, bare) in layer.files_mut().zip(bare.files()) {
        file.mode = bare.mode;
    }

    let before = our_commands(&found, &is_ours)?;
    let after = our_commands(&layer, &is_ours)?;
    let before_unknown = noted.map_or(!before.is_empty(), |install| install.before_unknown);
    let outcomes = Outcomes {
        files: changes(&layer),
        feature_flag,
        before_unknown,
        left_on: None,
        needs_trust: after.iter().any(|ours| !before.contains(ours)),
        refreshed: {
            let mut old: Vec<String> = before.into_iter().map(|(_, command)| command).collect();
            old.retain(|command| *command != request.command);
            old.sort();
            old.dedup();
            old
        },
    };
    let install = Install {
        codex_home: request.home.dir.clone(),
        scope: request.scope.name().to_owned(),
        project: match &request.scope {
            Scope::User => None,
            Scope::Project(root) => Some(root.clone()),
        },
        command: request.command.clone(),
        events: events.iter().map(|event| event.name().to_owned()).collect(),
        feature_flag: match flags.last().map(|flag| flag.was) {
            None => FeatureFlag::Untouched,
            Some(None) => FeatureFlag::Added,
            Some(Some(_)) => FeatureFlag::WasFalse,
        },
        flags,
        files: file_notes(&layer, &bare),
        before_unknown,
    };
    Ok(Plan { layer, install, notes, outcomes })
}

/// What will be as it was after an uninstall, file by file.
fn file_notes(layer: &Layer, bare: &Layer) -> Vec<FileNote> {
    layer
        .files()
        .zip(bare.files())
        .filter(|(file, bare)| file.text != bare.text)
        .filter_map(|(file, bare)| {
            let mode = bare.mode.or(bare.snapshot.mode);
            Some(FileNote::new(file.path(), bare.text.as_deref(), file.text.as_deref()?, mode))
        })
        .collect()
}

pub(crate) fn our_commands(
    layer: &Layer,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<Vec<(HookEvent, String)>, Error> {
    let all = layer.registrations()?.into_iter();
    let commands = all.filter_map(|(_, r)| Some((r.event, r.command?)));
    Ok(commands.filter(|(_, command)| is_ours(command)).collect())
}
