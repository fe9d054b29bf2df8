//! What becomes of a hook, by what Codex answers and, where it was not asked, by what the files say.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app_server::{AppServer, HookList, ListedHook, TrustStatus};
use super::layer::Layer;
use super::registration::Registration;
use super::trust::is_same;
use super::trust_entries::{Told, told_of};
use super::{Codex, CodexVersion, Environment, Error, FeatureReport, HookState};

/// What Codex was asked.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) list: HookList,
    config: Value,
    pub(crate) requirements: Value,
    pub(crate) home: Option<PathBuf>,
}

/// `None` from a Codex too old to be asked.
pub(crate) fn ask(codex: &Codex, environment: &Environment) -> Result<Option<Answers>, Error> {
    if codex.version.is_some_and(|version| !version.asks_for_trust()) {
        return Ok(None);
    }
    let mut server = AppServer::start(codex, &environment.cwd)?;
    let list = server.hooks(&environment.cwd)?;
    // Older ones do not know these two.
    let config = server.config(&environment.cwd).unwrap_or_default();
    let requirements = server.requirements().unwrap_or_default();
    Ok(Some(Answers { list, config, requirements, home: server.codex_home().map(Path::to_owned) }))
}

impl Answers {
    fn find(&self, path: &Path, registration: &Registration) -> Option<&ListedHook> {
        self.list.hooks.iter().find(|hook| {
            hook.event() == Some(registration.event)
                && hook.position() == Some((registration.group, registration.handler))
                && is_same(&hook.source_path, path)
        })
    }
}

pub(crate) struct Judge<'a> {
    pub(crate) answers: Option<&'a Answers>,
    pub(crate) version: Option<CodexVersion>,
    pub(crate) user: &'a Layer,
}

impl Judge<'_> {
    pub(crate) fn state(&self, path: &Path, registration: &Registration) -> Result<HookState, Error> {
        if let Some(answers) = self.answers {
            let Some(listed) = answers.find(path, registration) else { return Ok(HookState::Unknown) };
            return Ok(match listed.trust_status {
                TrustStatus::Managed => HookState::Managed,
                _ if !listed.enabled => HookState::Disabled,
                TrustStatus::Trusted => HookState::Trusted,
                TrustStatus::Untrusted => HookState::Untrusted,
                TrustStatus::Modified => HookState::Modified,
                TrustStatus::Unknown => HookState::Unknown,
            });
        }
        if self.version.is_some_and(|version| !version.asks_for_trust()) {
            return Ok(HookState::Trusted);
        }
        let file = &self.user.user_config;
        let at = (registration.event, registration.group, registration.handler);
        let told = told_of(file.text.as_deref().unwrap_or_default(), path, at);
        Ok(match told.map_err(|fault| fault.into_error(file.path()))? {
            None => HookState::Untrusted,
            Some(Told { enabled: false, .. }) => HookState::Disabled,
            Some(Told { trusted: false, .. }) => HookState::Untrusted,
            // Whether the definition is the one that was trusted, only Codex can tell.
            Some(_) => HookState::Unknown,
        })
    }

    pub(crate) fn feature(&self) -> Result<FeatureReport, Error> {
        let on_by_default = self.version.is_none_or(CodexVersion::reads_inline_hooks);
        for name in ["hooks", "codex_hooks"] {
            if let Some(answers) = self.answers {
                let demanded = answers.requirements.pointer(&format!("/featureRequirements/{name}"));
                if let Some(enabled) = demanded.and_then(Value::as_bool) {
                    return Ok(FeatureReport { enabled, set_by: Some("requirements".to_owned()) });
                }
                let said =
                    answers.config.pointer(&format!("/config/features/{name}")).and_then(Value::as_bool);
                let Some(enabled) = said else { continue };
                let origin = &answers.config["origins"][format!("features.{name}")]["name"];
                let set_by = origin.get("file").or_else(|| origin.get("type")).and_then(Value::as_str);
                return Ok(FeatureReport { enabled, set_by: set_by.map(str::to_owned) });
            }
            if self.version.is_some_and(|version| version.feature_name() == "codex_hooks") && name == "hooks"
            {
                continue;
            }
            if let Some(enabled) = self.user.flag(name)? {
                let set_by = Some(self.user.user_config.path().display().to_string());
                return Ok(FeatureReport { enabled, set_by });
            }
        }
        Ok(FeatureReport { enabled: on_by_default, set_by: None })
    }
}
