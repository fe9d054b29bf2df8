//! Uninstall: what gives a layer back as it was before.

use super::attempt::{ATTEMPTS, catch_up, notes, sweep_all, write};
use super::install_json::{FeatureFlag, Install, Notes};
use super::installer::our_commands;
use super::layer::Layer;
use super::lock::InstallLock;
use super::outcomes::changes;
use super::pending::{FileMoves, Pending};
use super::registration::looks_like_ours;
use super::replace::Replaced;
use super::trust::MODE_BY_CODEX;
use super::{CodexHome, Environment, Error, Outcomes, Scope};

/// What to take away, and where.
#[derive(Clone, Debug)]
pub struct UninstallRequest {
    /// Codex's directory.
    pub home: CodexHome,
    /// Which layer.
    pub scope: Scope,
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
    let mut left = FileMoves::new();
    let mut told: Option<Outcomes> = None;
    for _ in 0..ATTEMPTS {
        if !dry_run && request.home.dir.is_dir() && lock.is_none() {
            lock = Some(InstallLock::take(&request.home.dir)?);
        }
        let mut layer = Layer::read(&request.home, &request.scope)?;
        let mut notes = notes(environment, &layer, &request.home, None)?;
        catch_up(&mut layer, &notes, &left)?;
        let noted = notes.find(&request.home, &request.scope);
        let before_unknown = match noted {
            Some(install) => install.before_unknown,
            None => {
                let is_ours = |command: &str| looks_like_ours(command) || notes.has_command(command);
                !our_commands(&layer, &is_ours)?.is_empty()
            }
        };
        take_away(&mut layer, noted, &notes)?;
        let left_on = match request.scope {
            Scope::User if before_unknown => switch_that_is_on(&layer)?,
            _ => None,
        };
        let outcomes = Outcomes {
            before_unknown,
            left_on,
            files: changes(&layer),
            feature_flag: noted.map_or(FeatureFlag::Untouched, |install| install.feature_flag),
            needs_trust: false,
            refreshed: Vec::new(),
        };
        let told = told.get_or_insert_with(|| outcomes.clone());
        told.end_as(&outcomes);
        if dry_run {
            return Ok(told.clone());
        }
        sweep_all(&layer, &notes);
        if let Some(pending) = Pending::of(&layer)
            && notes.announce(&pending)? == Replaced::ChangedMeanwhile
        {
            continue;
        }
        if write(&layer, &request.scope, &mut left)? == Replaced::Done
            && notes.strike(&request.home, &request.scope, None)? == Replaced::Done
        {
            remove_made_dir(&request.scope, told);
            return Ok(told.clone());
        }
    }
    Err(Error::KeepsChanging { path: request.home.dir.clone() })
}

fn switch_that_is_on(layer: &Layer) -> Result<Option<&'static str>, Error> {
    for name in ["hooks", "codex_hooks"] {
        if layer.flag(name)? == Some(true) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// `.codex` of a project goes with the last file in it.
fn remove_made_dir(scope: &Scope, outcomes: &Outcomes) {
    let removed = outcomes.files.iter().find(|file| file.before.is_some() && file.after.is_none());
    if let (Scope::Project(_), Some(dir)) = (scope, removed.and_then(|file| file.path.parent())) {
        // Refused where anything else is in it.
        let _ = std::fs::remove_dir(dir);
    }
}

/// Makes of the layer what an uninstall leaves.
pub(crate) fn take_away(layer: &mut Layer, noted: Option<&Install>, notes: &Notes) -> Result<(), Error> {
    let is_ours = |command: &str| looks_like_ours(command) || notes.has_command(command);
    let note_of = |path: &std::path::Path| {
        noted.and_then(|install| install.files.iter().find(|file| file.path == path))
    };
    // The bytes as they were found, before our entries of trust are taken out and after: Codex may have added these alone.
    let untouched: Vec<_> = layer
        .files()
        .map(|file| note_of(file.path()).and_then(|note| note.give_back(file.text.as_deref())))
        .collect();
    layer.set_hooks(&[], "", None, &is_ours)?;
    let trust_aside: Vec<_> = layer
        .files()
        .map(|file| note_of(file.path()).and_then(|note| note.give_back(file.text.as_deref())))
        .collect();
    let nothing_is_noted = noted.is_none();
    let is_first_state = noted.is_some_and(|install| !install.before_unknown);
    layer.turn_back(noted.map_or(&[], |install| &install.flags))?;
    for ((file, untouched), trust_aside) in layer.files_mut().zip(untouched).zip(trust_aside) {
        let created = note_of(file.path()).is_some_and(|note| note.created);
        // Where trust was added the file is as closed as Codex leaves it; else who may use it is the user's choice.
        if untouched.is_none() && trust_aside.is_some() && file.snapshot.mode == Some(MODE_BY_CODEX) {
            file.mode = note_of(file.path()).and_then(|note| note.mode);
        }
        if let Some(given_back) = untouched.or(trust_aside) {
            file.text = given_back;
            file.is_restored = is_first_state;
        } else if (created || (nothing_is_noted && file.is_emptied_json())) && Layer::is_blank(file) {
            file.text = None;
        }
    }
    Ok(())
}
