//! The files of one of Codex's layers, as texts: what is in them, and what they become.

use std::path::{Path, PathBuf};

use super::config_toml::{ConfigToml, Flag};
use super::fault::{Fault, utf8};
use super::hooks_json::HooksJson;
use super::inline_hooks::InlineHooks;
use super::install_json::{FeatureFlag, FlagBefore};
use super::pending::FileMoves;
use super::registration::{HookText, Moves, Registration, settle};
use super::replace::Snapshot;
use super::{CodexHome, CodexVersion, Error, HookEvent, Scope, trust_entries};

/// The hooks.json of a layer, its config.toml, and the user's config.toml (the same one in user scope).
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) hooks: LayerFile,
    /// Only in project scope: in user scope it is `user_config`.
    project_config: Option<LayerFile>,
    pub(crate) user_config: LayerFile,
    /// Where hooks in other files than `user_config` have moved to.
    pub(crate) moves: FileMoves,
}

/// A file and its text, as read or as edited.
#[derive(Clone, Debug)]
pub(crate) struct LayerFile {
    pub(crate) snapshot: Snapshot,
    /// As read.
    pub(crate) found: Option<String>,
    /// As it shall be.
    pub(crate) text: Option<String>,
    /// Who may use it from now on; `None`: as it is.
    pub(crate) mode: Option<u32>,
    /// Whether it gets the very bytes back that the install found.
    pub(crate) is_restored: bool,
}

impl LayerFile {
    fn read(path: PathBuf, check: impl Fn(&str) -> Result<(), Fault>) -> Result<Self, Error> {
        let snapshot = Snapshot::read(&path)?;
        let found = match &snapshot.bytes {
            None => None,
            Some(bytes) => {
                let text = utf8(bytes).and_then(|text| check(text).map(|()| text.to_owned()));
                Some(text.map_err(|fault| fault.into_error(&path))?)
            }
        };
        Ok(LayerFile { snapshot, text: found.clone(), found, mode: None, is_restored: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.snapshot.path
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.found != self.text
    }

    /// Whether this is a hooks.json that something was taken out of.
    pub(crate) fn is_emptied_json(&self) -> bool {
        self.found.is_some() && self.is_changed() && self.is_json()
    }

    fn is_json(&self) -> bool {
        self.path().extension().is_some_and(|extension| extension == "json")
    }

    /// Who shall be able to use the file, where its text stays.
    pub(crate) fn new_mode(&self) -> Option<u32> {
        self.mode
            .filter(|&mode| !self.is_changed() && self.found.is_some() && Some(mode) != self.snapshot.mode)
    }

    fn edit<T>(&self, edit: impl FnOnce() -> Result<T, Fault>) -> Result<T, Error> {
        edit().map_err(|fault| fault.into_error(self.path()))
    }

    fn config(&self) -> Result<ConfigToml, Error> {
        self.edit(|| ConfigToml::new(self.text.clone().unwrap_or_default()))
    }

    /// Sets the text; a file that was not there stays away while nothing is to be in it.
    fn set(&mut self, text: &str) {
        if self.text.is_some() || !text.is_empty() {
            self.text = Some(text.to_owned());
        }
    }
}

impl Layer {
    pub(crate) fn read(home: &CodexHome, scope: &Scope) -> Result<Self, Error> {
        let dir = scope.layer(home);
        let config = |path| LayerFile::read(path, |text| ConfigToml::new(text).map(drop));
        Ok(Layer {
            hooks: LayerFile::read(dir.join("hooks.json"), |text| HooksJson::new(text).map(drop))?,
            project_config: match scope {
                Scope::User => None,
                Scope::Project(_) => Some(config(dir.join("config.toml"))?),
            },
            user_config: config(home.config())?,
            moves: FileMoves::new(),
        })
    }

    /// The files, the user's config.toml last.
    pub(crate) fn files(&self) -> impl Iterator<Item = &LayerFile> {
        std::iter::once(&self.hooks).chain(&self.project_config).chain(std::iter::once(&self.user_config))
    }

    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut LayerFile> {
        std::iter::once(&mut self.hooks)
            .chain(&mut self.project_config)
            .chain(std::iter::once(&mut self.user_config))
    }

    /// The config.toml that inline hooks of this layer stand in.
    pub(crate) fn inline_file(&self) -> &LayerFile {
        self.project_config.as_ref().unwrap_or(&self.user_config)
    }

    fn inline_file_mut(&mut self) -> &mut LayerFile {
        self.project_config.as_mut().unwrap_or(&mut self.user_config)
    }

    fn json(&self) -> Result<HooksJson, Error> {
        match &self.hooks.text {
            Some(text) => self.hooks.edit(|| HooksJson::new(text.clone())),
            None => Ok(HooksJson::empty()),
        }
    }

    fn inline(&self) -> Result<InlineHooks, Error> {
        let file = self.inline_file();
        file.edit(|| InlineHooks::new(file.text.clone().unwrap_or_default()))
    }

    /// Every handler in hooks.json, then every inline one, each with its file.
    pub(crate) fn registrations(&self) -> Result<Vec<(PathBuf, Registration)>, Error> {
        let json = self.json()?;
        let json = self.hooks.edit(|| json.registrations())?;
        let inline = self.inline()?;
        let inline = self.inline_file().edit(|| inline.registrations())?;
        let in_file = |file: &LayerFile, list: Vec<Registration>| {
            let path = file.path().to_owned();
            list.into_iter().map(move |r| (path.clone(), r)).collect::<Vec<_>>()
        };
        let mut all = in_file(&self.hooks, json);
        all.extend(in_file(self.inline_file(), inline));
        Ok(all)
    }

    /// Makes our hooks exactly `events`, in one of the two places where the layer can have them.
    pub(crate) fn set_hooks(
        &mut self,
        events: &[HookEvent],
        command: &str,
        version: Option<CodexVersion>,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let (json, inline) = (self.json()?, self.inline()?);
        let in_json = self.hooks.edit(|| json.has_groups())?;
        let in_inline = self.inline_file().edit(|| inline.has_groups())?;
        let reads_inline = version.is_none_or(CodexVersion::reads_inline_hooks);
        let use_inline = !in_json && in_inline && reads_inline;
        let (json_events, inline_events): (&[_], &[_]) =
            if use_inline { (&[], events) } else { (events, &[]) };

        let (json, json_moves) = self.hooks.edit(|| settle(json, json_events, command, is_ours))?;
        if self.hooks.text.is_some() || !json_events.is_empty() {
            self.hooks.text = Some(json.as_text().to_owned());
        }
        let file = self.inline_file();
        let (inline, inline_moves) = file.edit(|| settle(inline, inline_events, command, is_ours))?;
        self.inline_file_mut().set(inline.as_text());

        let files = [self.hooks.path(), self.inline_file().path()].map(Path::to_owned);
        for (file, moves) in files.into_iter().zip([json_moves, inline_moves]) {
            self.follow_trust(&file, &moves)?;
            if file != self.user_config.path() && !moves.is_empty() {
                self.moves.push((file, moves));
            }
        }
        Ok(())
    }

    /// Has the entries of trust follow hooks that have moved before.
    pub(crate) fn catch_up(&mut self, left: &FileMoves) -> Result<(), Error> {
        left.iter().try_for_each(|(file, moves)| self.follow_trust(file, moves))
    }

    fn follow_trust(&mut self, file: &Path, moves: &Moves) -> Result<(), Error> {
        let config = self.user_config.config()?;
        let followed = self.user_config.edit(|| trust_entries::follow(&config, file, moves))?;
        self.user_config.set(followed.as_text());
        Ok(())
    }

    /// Turns the hooks on, and tells what the switch said before.
    pub(crate) fn turn_on(&mut self, name: &str) -> Result<(FeatureFlag, Option<FlagBefore>), Error> {
        let config = self.user_config.config()?;
        let (said, was) = match self.user_config.edit(|| config.flag(name))? {
            Flag::Set(true) => return Ok((FeatureFlag::Untouched, None)),
            Flag::Set(false) => (FeatureFlag::WasFalse, Some(false)),
            Flag::Absent => (FeatureFlag::Added, None),
        };
        let with_flag = self.user_config.edit(|| config.set_flag(name, true))?;
        self.user_config.set(with_flag.as_text());
        let opened_table = !self.user_config.edit(|| config.has_features())?;
        Ok((said, Some(FlagBefore { name: name.to_owned(), was, opened_table })))
    }

    /// What the switch says, where it is there.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        let config = self.user_config.config()?;
        Ok(match self.user_config.edit(|| config.flag(name))? {
            Flag::Set(value) => Some(value),
            Flag::Absent => None,
        })
    }

    /// Sets the switches back to what they said, unless somebody has set them since.
    pub(crate) fn turn_back(&mut self, flags: &[FlagBefore]) -> Result<(), Error> {
        for flag in flags {
            let config = self.user_config.config()?;
            let file = &self.user_config;
            if file.edit(|| config.flag(&flag.name))? != Flag::Set(true) {
                continue;
            }
            let config = file.edit(|| match flag.was {
                Some(was) => config.set_flag(&flag.name, was),
                None => config.remove_flag(&flag.name, flag.opened_table),
            })?;
            self.user_config.set(config.as_text());
        }
        Ok(())
    }

    /// Whether there is nothing in the file that would be missed.
    pub(crate) fn is_blank(file: &LayerFile) -> bool {
        let Some(text) = &file.text else { return true };
        match file.is_json() {
            true => HooksJson::new(text.clone()).is_ok_and(|json| json.is_empty()),
            false => text.trim().is_empty(),
        }
    }
}
