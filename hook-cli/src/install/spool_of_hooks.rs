//! Where the hooks that stand there write to.

use std::path::PathBuf;

use super::layer::Layer;
use super::{Environment, HookCommand, Scope};

/// The spool directory that the user's hooks name; `None` where they name none, or can't be read.
pub fn spool_of_hooks(environment: &Environment) -> Option<PathBuf> {
    let home = environment.codex_home(None).ok()?;
    let registrations = Layer::read(&home, &Scope::User).and_then(|layer| layer.registrations()).ok()?;
    let commands = registrations.into_iter().filter_map(|(_, registration)| registration.command);
    commands.filter_map(|command| HookCommand::recognise(&command)?.spool_dir).next()
}
