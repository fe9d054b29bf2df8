//! The edits of hook files as the fuzz targets reach them: text in, text out.

use std::path::Path;

use super::config_toml::{ConfigToml, Flag};
use super::hooks_json::HooksJson;
use super::inline_hooks::InlineHooks;
use super::install_json::FileNote;
use super::registration::{HookText, Moves, Registration, looks_like_ours, settle};
use super::{EventSet, Fault, HookEvent, trust_entries};

/// Where hooks stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In hooks.json.
    Json,
    /// In `[hooks]` of config.toml.
    Inline,
}

/// A text in which our hooks have been settled.
#[derive(Debug)]
pub struct Settled {
    /// The text.
    pub text: String,
    moves: Moves,
}

impl Place {
    /// Whether the text is one that Codex takes.
    pub fn check(self, text: &str) -> Result<(), Fault> {
        match self {
            Place::Json => HooksJson::new(text).map(drop),
            Place::Inline => InlineHooks::new(text).map(drop),
        }
    }

    /// Every handler in it.
    pub fn registrations(self, text: &str) -> Result<Vec<Registration>, Fault> {
        match self {
            Place::Json => HooksJson::new(text)?.registrations(),
            Place::Inline => InlineHooks::new(text)?.registrations(),
        }
    }

    /// Makes our hooks in the text exactly `events`.
    pub fn settle(self, text: &str, events: Option<&EventSet>, command: &str) -> Result<Settled, Fault> {
        let events: Vec<HookEvent> = events.iter().flat_map(|events| events.iter()).collect();
        let is_ours = |other: &str| other == command || looks_like_ours(other);
        let (text, moves) = match self {
            Place::Json => {
                let (json, moves) = settle(HooksJson::new(text)?, &events, command, &is_ours)?;
                (json.as_text().to_owned(), moves)
            }
            Place::Inline => {
                let (inline, moves) = settle(InlineHooks::new(text)?, &events, command, &is_ours)?;
                (inline.as_text().to_owned(), moves)
            }
        };
        Ok(Settled { text, moves })
    }
}

impl Settled {
    /// A config.toml whose entries of trust have followed the hooks of `file`.
    pub fn follow(&self, config: &str, file: &Path) -> Result<String, Fault> {
        Ok(trust_entries::follow(&ConfigToml::new(config)?, file, &self.moves)?.as_text().to_owned())
    }
}

/// What uninstall gives back of a file that install made `after` of.
pub fn give_back(before: Option<&str>, after: &str) -> Option<Option<String>> {
    FileNote::new(Path::new("/file"), before, after, None).give_back(Some(after))
}

/// What the switch of the hooks says in a config.toml.
pub fn flag(config: &str, name: &str) -> Result<Option<bool>, Fault> {
    Ok(match ConfigToml::new(config)?.flag(name)? {
        Flag::Set(value) => Some(value),
        Flag::Absent => None,
    })
}

/// A config.toml with the switch set.
pub fn set_flag(config: &str, name: &str, value: bool) -> Result<String, Fault> {
    Ok(ConfigToml::new(config)?.set_flag(name, value)?.as_text().to_owned())
}

/// A config.toml with the switch, which set_flag has made of `before`, taken out.
pub fn remove_flag(before: &str, config: &str, name: &str) -> Result<String, Fault> {
    let opened_table = !ConfigToml::new(before)?.has_features()?;
    Ok(ConfigToml::new(config)?.remove_flag(name, opened_table)?.as_text().to_owned())
}
