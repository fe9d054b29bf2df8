//! What install and uninstall share: both read a layer, make other texts of it, and try to put these in place.

use std::path::PathBuf;

use super::install_json::Notes;
use super::layer::Layer;
use super::pending::FileMoves;
use super::replace::{Replaced, sweep};
use super::{CodexHome, Environment, Error, HookCommand, Scope, platform};

/// How often a file may change under our hands before we give up.
pub(crate) const ATTEMPTS: usize = 20;

/// Every install.json that may know of this layer: of the usual spool directories, and of those that our hooks name.
pub(crate) fn notes(
    environment: &Environment,
    layer: &Layer,
    home: &CodexHome,
    also: Option<&PathBuf>,
) -> Result<Notes, Error> {
    let mut dirs: Vec<PathBuf> = also.cloned().into_iter().collect();
    dirs.extend(environment.spool_dir(None, home).ok());
    dirs.push(home.default_spool());
    for (_, registration) in layer.registrations()? {
        let ours = registration.command.as_deref().and_then(HookCommand::recognise);
        dirs.extend(ours.and_then(|ours| ours.spool_dir).filter(|dir| dir.is_absolute()));
    }
    Notes::load(&dirs)
}

/// Has the entries of trust follow what moved in an attempt that did not come to them, be it ours or a killed one.
pub(crate) fn catch_up(layer: &mut Layer, notes: &Notes, left: &FileMoves) -> Result<(), Error> {
    let killed: Vec<FileMoves> = notes.pending().map(|pending| pending.left(layer)).collect();
    layer.catch_up(left)?;
    if left.is_empty() {
        killed.iter().try_for_each(|left| layer.catch_up(left))?;
    }
    Ok(())
}

pub(crate) fn sweep_all(layer: &Layer, notes: &Notes) {
    layer.files().map(|file| file.snapshot.dir()).chain(notes.dirs()).for_each(sweep);
}

/// Writes what has changed, the user's config.toml last. `left` is what it has still to follow.
pub(crate) fn write(layer: &Layer, scope: &Scope, left: &mut FileMoves) -> Result<Replaced, Error> {
    for file in layer.files().filter(|file| file.is_changed()) {
        let is_user_config = file.path() == layer.user_config.path();
        let fresh = match scope {
            Scope::Project(_) if !is_user_config => platform::shared(),
            _ => platform::private(),
        };
        if let (Scope::Project(_), Some(dir)) = (scope, file.path().parent()) {
            std::fs::create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
        }
        let new = file.text.as_deref().map(str::as_bytes);
        if file.snapshot.replace(new, fresh, file.mode)? == Replaced::ChangedMeanwhile {
            if is_user_config {
                left.extend(layer.moves.iter().cloned());
            }
            return Ok(Replaced::ChangedMeanwhile);
        }
    }
    for file in layer.files() {
        if let Some(mode) = file.new_mode() {
            let set = file.snapshot.set_mode(mode);
            set.map_err(|error| Error::io("set the mode of", file.path(), error))?;
        }
    }
    left.clear();
    Ok(Replaced::Done)
}
