//! Install and uninstall: read the layer, edit its texts, note what gives them back, and replace the files.

use std::path::PathBuf;

use super::layer::Layer;
use super::lock::InstallLock;
use super::record::{FeatureFlag, FileRecord, FlagBefore, Install, Records};
use super::registration::looks_like_ours;
use super::replace::{Outcome, sweep};
use super::{
    CodexHome, CodexVersion, Environment, Error, EventSet, HookCommand, HookEvent, Scope, platform,
    trust_entries,
};

/// How often a file may change under our hands before we give up.
const ATTEMPTS: usize = 20;

/// What to install, and where.
#[derive(Clone, Debug)]
pub struct InstallRequest {
    /// Codex's directory.
    pub home: CodexHome,
    /// Which layer.
    pub scope: Scope,
    /// Where the record is kept.
    pub spool_dir: PathBuf,
    /// The events; ours for any other are removed.
    pub events: EventSet,
    /// The command line, exactly as it shall stand in the file.
    pub command: String,
    /// The Codex that will read it. `None`: not known, taken for a new one.
    pub version: Option<CodexVersion>,
}

/// What to take away, and where.
#[derive(Clone, Debug)]
pub struct UninstallRequest {
    /// Codex's directory.
    pub home: CodexHome,
    /// Which layer.
    pub scope: Scope,
}

/// A file, and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: PathBuf,
    /// Its text; `None` where there is no file.
    pub before: Option<String>,
    /// Its new text; `None` where it is removed.
    pub after: Option<String>,
}

/// What was done, or would be.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// Every file looked at, changed or not, in the order of writing.
    pub files: Vec<FileChange>,
    /// What happened to the switch of the hooks.
    pub feature_flag: FeatureFlag,
    /// Whether a hook is new or differs from before, so that Codex wants it to be trusted again.
    pub needs_trust: bool,
    /// The commands that stood there and have been replaced by the new one.
    pub refreshed: Vec<String>,
}

impl Outcomes {
    /// Whether any file differs.
    pub fn changed(&self) -> bool {
        self.files.iter().any(|file| file.before != file.after)
    }
}

struct Plan {
    layer: Layer,
    install: Install,
    records: Records,
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

/// What the record says of the last install into this layer; `None`: there was none.
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
    let records = records(environment, &layer, home, Some(spool_dir))?;
    Ok(records.find(home, scope).and_then(|install| {
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
    if dry_run {
        return Ok(plan_install(environment, request)?.outcomes);
    }
    // Before the directory is made: what can't be installed leaves nothing behind.
    plan_install(environment, request)?;
    platform::create_private_dir(&request.home.dir)
        .map_err(|error| Error::io("create", &request.home.dir, error))?;
    let _lock = InstallLock::take(&request.home.dir)?;
    for _ in 0..ATTEMPTS {
        let plan = plan_install(environment, request)?;
        let Plan { layer, install, records, outcomes } = &plan;
        sweep_all(layer, records);
        let put = records.put(&request.spool_dir, &request.home, &request.scope, install)?;
        if put == Outcome::Done
            && write(layer, &request.scope)? == Outcome::Done
            && records.strike(&request.home, &request.scope, Some(&request.spool_dir))? == Outcome::Done
        {
            return Ok(outcomes.clone());
        }
    }
    Err(Error::KeepsChanging { path: request.home.dir.clone() })
}

/// Takes our hooks away again. With `dry_run` nothing is written.
///
/// Where nobody edited a file since the install, it gets the very bytes back that the install found; elsewhere, what is
/// ours is taken out.
///
/// # Errors
///
/// [`Error::Fault`] before anything is written, where a file can't be understood.
pub fn uninstall(
    environment: &Environment,
    request: &UninstallRequest,
    dry_run: bool,
) -> Result<Outcomes, Error> {
    let mut lock = None;
    for _ in 0..ATTEMPTS {
        if !dry_run && request.home.dir.is_dir() && lock.is_none() {
            lock = Some(InstallLock::take(&request.home.dir)?);
        }
        let mut layer = Layer::read(&request.home, &request.scope)?;
        let records = records(environment, &layer, &request.home, None)?;
        let recorded = records.find(&request.home, &request.scope);
        take_away(&mut layer, recorded, &records)?;
        let outcomes = Outcomes {
            files: changes(&layer),
            feature_flag: recorded.map_or(FeatureFlag::Untouched, |install| install.feature_flag),
            needs_trust: false,
            refreshed: Vec::new(),
        };
        if !dry_run {
            sweep_all(&layer, &records);
        }
        let done = dry_run
            || (write(&layer, &request.scope)? == Outcome::Done
                && records.strike(&request.home, &request.scope, None)? == Outcome::Done);
        if done {
            remove_made_dir(&request.scope, &outcomes, dry_run);
            return Ok(outcomes);
        }
    }
    Err(Error::KeepsChanging { path: request.home.dir.clone() })
}

/// `.codex` of a project goes with the last file in it.
fn remove_made_dir(scope: &Scope, outcomes: &Outcomes, dry_run: bool) {
    let removed = outcomes.files.iter().find(|file| file.before.is_some() && file.after.is_none());
    if let (Scope::Project(_), Some(dir), false) =
        (scope, removed.and_then(|file| file.path.parent()), dry_run)
    {
        // Refused where anything else is in it.
        let _ = std::fs::remove_dir(dir);
    }
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
) -> Result<(), Error> {
    if request.scope != Scope::User {
        return Ok(());
    }
    let _lock = InstallLock::take(&request.home.dir)?;
    let layer = Layer::read(&request.home, &request.scope)?;
    let records = records(environment, &layer, &request.home, Some(&request.spool_dir))?;
    let Some(recorded) = records.find(&request.home, &request.scope) else { return Ok(()) };
    let config = &layer.user_config;
    let written = outcomes.files.iter().find(|file| file.path == config.path());
    let written = written.and_then(|file| file.after.clone());
    let Some(now) = config.text.as_deref() else { return Ok(()) };
    let only_trust = trust_entries::only_adds(written.as_deref().unwrap_or_default(), now, keys);
    if !only_trust.map_err(|fault| fault.into_error(config.path()))? {
        return Ok(());
    }
    let mut install = recorded.clone();
    let known = install.files.iter().find(|file| file.path == config.path());
    let before = match known {
        Some(record) => record.give_back(written.as_deref()),
        None => Some(written),
    };
    let Some(before) = before else { return Ok(()) };
    install.files.retain(|file| file.path != config.path());
    install.files.push(FileRecord::new(config.path(), before.as_deref(), now));
    // Lost to another installer: that one has noted what it found.
    records.put(&request.spool_dir, &request.home, &request.scope, &install).map(drop)
}

fn plan_install(environment: &Environment, request: &InstallRequest) -> Result<Plan, Error> {
    let found = Layer::read(&request.home, &request.scope)?;
    let records = records(environment, &found, &request.home, Some(&request.spool_dir))?;
    let recorded = records.find(&request.home, &request.scope);
    let is_ours = |command: &str| {
        command == request.command || looks_like_ours(command) || records.has_command(command)
    };

    let mut bare = found.clone();
    take_away(&mut bare, recorded, &records)?;

    let mut layer = found.clone();
    let events: Vec<HookEvent> = request.events.iter().collect();
    layer.set_hooks(&events, &request.command, request.version, &is_ours)?;
    let mut flags: Vec<FlagBefore> = recorded.map(|install| install.flags.clone()).unwrap_or_default();
    let mut feature_flag = FeatureFlag::Untouched;
    if request.scope == Scope::User {
        let name = request.version.map_or("hooks", CodexVersion::feature_name);
        let (said, flag) = layer.turn_on(name)?;
        feature_flag = said;
        flags.extend(flag.filter(|flag| !flags.iter().any(|known| known.name == flag.name)));
    }

    let before = our_commands(&found, &is_ours)?;
    let after = our_commands(&layer, &is_ours)?;
    let outcomes = Outcomes {
        files: changes(&layer),
        feature_flag,
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
        files: file_records(&layer, &bare),
    };
    Ok(Plan { layer, install, records, outcomes })
}

/// What will be as it was after an uninstall, file by file.
fn file_records(layer: &Layer, bare: &Layer) -> Vec<FileRecord> {
    layer
        .files()
        .zip(bare.files())
        .filter(|(file, bare)| file.text != bare.text)
        .filter_map(|(file, bare)| {
            Some(FileRecord::new(file.path(), bare.text.as_deref(), file.text.as_deref()?))
        })
        .collect()
}

fn our_commands(layer: &Layer, is_ours: &dyn Fn(&str) -> bool) -> Result<Vec<(HookEvent, String)>, Error> {
    let all = layer.registrations()?.into_iter();
    let commands = all.filter_map(|(_, r)| Some((r.event, r.command?)));
    Ok(commands.filter(|(_, command)| is_ours(command)).collect())
}

/// The records that may know of this layer: of the usual spool directories, and of those that our hooks name.
pub(crate) fn records(
    environment: &Environment,
    layer: &Layer,
    home: &CodexHome,
    also: Option<&PathBuf>,
) -> Result<Records, Error> {
    let mut dirs: Vec<PathBuf> = also.cloned().into_iter().collect();
    dirs.extend(environment.spool_dir(None, home).ok());
    dirs.push(home.default_spool());
    for (_, registration) in layer.registrations()? {
        let ours = registration.command.as_deref().and_then(HookCommand::recognise);
        dirs.extend(ours.and_then(|ours| ours.spool_dir).filter(|dir| dir.is_absolute()));
    }
    Records::load(&dirs)
}

/// Makes of the layer what an uninstall leaves.
fn take_away(layer: &mut Layer, recorded: Option<&Install>, records: &Records) -> Result<(), Error> {
    let is_ours = |command: &str| looks_like_ours(command) || records.has_command(command);
    let record_of = |path: &std::path::Path| {
        recorded.and_then(|install| install.files.iter().find(|file| file.path == path))
    };
    // The bytes as they were found, before our entries of trust are taken out and after: Codex may have added these alone.
    let untouched: Vec<_> = layer
        .files()
        .map(|file| record_of(file.path()).and_then(|record| record.give_back(file.text.as_deref())))
        .collect();
    layer.set_hooks(&[], "", None, &is_ours)?;
    let trust_aside: Vec<_> = layer
        .files()
        .map(|file| record_of(file.path()).and_then(|record| record.give_back(file.text.as_deref())))
        .collect();
    layer.turn_back(recorded.map_or(&[], |install| &install.flags))?;
    for ((file, untouched), trust_aside) in layer.files_mut().zip(untouched).zip(trust_aside) {
        let created = record_of(file.path()).is_some_and(|record| record.created);
        if let Some(given_back) = untouched.or(trust_aside) {
            file.text = given_back;
        } else if created && Layer::is_blank(file) {
            file.text = None;
        }
    }
    Ok(())
}

fn changes(layer: &Layer) -> Vec<FileChange> {
    layer
        .files()
        .filter(|file| file.found.is_some() || file.text.is_some())
        .map(|file| FileChange {
            path: file.path().to_owned(),
            before: file.found.clone(),
            after: file.text.clone(),
        })
        .collect()
}

fn sweep_all(layer: &Layer, records: &Records) {
    layer.files().map(|file| file.snapshot.dir()).chain(records.dirs()).for_each(sweep);
}

fn write(layer: &Layer, scope: &Scope) -> Result<Outcome, Error> {
    for file in layer.files().filter(|file| file.is_changed()) {
        let fresh = match scope {
            Scope::Project(_) if file.path() != layer.user_config.path() => platform::shared(),
            _ => platform::private(),
        };
        if let (Scope::Project(_), Some(dir)) = (scope, file.path().parent()) {
            std::fs::create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
        }
        let new = file.text.as_deref().map(str::as_bytes);
        if file.snapshot.replace(new, fresh)? == Outcome::ChangedMeanwhile {
            return Ok(Outcome::ChangedMeanwhile);
        }
    }
    Ok(Outcome::Done)
}
