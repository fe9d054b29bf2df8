//! Asks Codex to trust our hooks: these, and no others.

use std::path::{Path, PathBuf};

use super::app_server::{AppServer, ListedHook, TrustStatus};
use super::installer::{note_trust, our_commands};
use super::layer::Layer;
use super::replace::Snapshot;
use super::{Codex, Environment, Error, HookEvent, InstallRequest, Outcomes, Scope};

/// Who may use config.toml after Codex has written to it.
pub(crate) const MODE_BY_CODEX: u32 = 0o600;

/// What Codex says of our hooks after it was asked to trust them.
#[derive(Clone, Debug)]
pub struct TrustReport {
    /// Each of our hooks, as Codex lists it now.
    pub hooks: Vec<ListedHook>,
    /// The events that Codex lists no hook of ours for: an older Codex does not know them all.
    pub unlisted: Vec<HookEvent>,
    /// The file that Codex has written trust into; `None`: all were trusted before.
    pub written_to: Option<PathBuf>,
    /// What Codex warns about.
    pub warnings: Vec<String>,
}

impl TrustReport {
    /// Whether all that Codex lists will run.
    pub fn all_trusted(&self) -> bool {
        !self.hooks.is_empty() && self.hooks.iter().all(|hook| hook.enabled && is_trusted(hook))
    }
}

fn is_trusted(hook: &ListedHook) -> bool {
    matches!(hook.trust_status, TrustStatus::Trusted | TrustStatus::Managed)
}

/// Has Codex trust the hooks that `outcomes` of [`install`](super::install) tells of: those with exactly the command of the
/// request, for its events, in the files written. Then asks Codex again.
///
/// The hashes are Codex's own; nothing is computed here.
///
/// # Errors
///
/// [`Error::Codex`]; the install itself stands.
pub fn trust(
    environment: &Environment,
    codex: &Codex,
    request: &InstallRequest,
    outcomes: &Outcomes,
) -> Result<TrustReport, Error> {
    let cwd: &Path = match &request.scope {
        Scope::User => &request.home.dir,
        Scope::Project(root) => root,
    };
    let files: Vec<PathBuf> = outcomes.files.iter().map(|file| file.path.clone()).collect();
    let is_ours = |hook: &ListedHook| {
        hook.command.as_deref() == Some(&request.command)
            && hook.event().is_some_and(|event| request.events.contains(event))
            && files.iter().any(|file| is_same(file, &hook.source_path))
    };
    let config = request.home.config();
    let before = Snapshot::read(&config)?;
    let mut server = AppServer::start(codex, cwd)?;
    let mut ours = server.hooks(cwd)?.hooks;
    ours.retain(|hook| is_ours(hook) && !is_trusted(hook));
    if !ours.is_empty() {
        server.trust(&ours)?;
    }
    let list = server.hooks(cwd)?;
    drop(server);
    if !ours.is_empty() {
        keep_mode(&before)?;
        let keys: Vec<&str> = ours.iter().map(|hook| hook.key.as_str()).collect();
        note_trust(environment, request, outcomes, &keys, before.mode)?;
    }
    still_there(request)?;
    let hooks: Vec<ListedHook> = list.hooks.into_iter().filter(is_ours).collect();
    let unlisted = request
        .events
        .iter()
        .filter(|event| !hooks.iter().any(|hook| hook.event() == Some(*event)))
        .collect();
    let written_to = (!ours.is_empty()).then_some(config);
    Ok(TrustReport { hooks, unlisted, written_to, warnings: list.warnings })
}

/// What Codex does not list tells something of Codex only where it is still in a file.
fn still_there(request: &InstallRequest) -> Result<(), Error> {
    let layer = Layer::read(&request.home, &request.scope)?;
    let is_ours = |command: &str| command == request.command;
    let here = our_commands(&layer, &is_ours)?;
    match request.events.iter().all(|event| here.iter().any(|(known, _)| *known == event)) {
        true => Ok(()),
        false => Err(Error::Refused {
            what: "another install has changed the hooks meanwhile".into(),
            place: layer.hooks.path().display().to_string(),
            remedy: "run it again",
        }),
    }
}

/// Codex closes config.toml to other users when it writes there; who could read it before shall do so again.
fn keep_mode(before: &Snapshot) -> Result<(), Error> {
    let now = Snapshot::read(&before.path)?;
    match before.mode.filter(|mode| now.mode == Some(MODE_BY_CODEX) && *mode != MODE_BY_CODEX) {
        Some(mode) => now.set_mode(mode).map_err(|error| Error::io("set the mode of", &now.path, error)),
        None => Ok(()),
    }
}

/// Whether two paths name one file, however its directory is spelled.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let directory = |path: &Path| path.parent().and_then(|dir| std::fs::canonicalize(dir).ok());
    one == other
        || (one.file_name() == other.file_name()
            && directory(one).is_some()
            && directory(one) == directory(other))
}
