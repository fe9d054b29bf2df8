//! `install.json` in the spool directory: what `hook install` changed, so that `hook uninstall` can give it back.

use std::io;
use std::path::{Path, PathBuf};

use codex_spool::Spool;
use serde::{Deserialize, Serialize};

use super::patch::{self, Hunk};
use super::pending::Pending;
use super::replace::{Replaced, Snapshot};
use super::{CodexHome, Error, Scope, platform};

const NAME: &str = "install.json";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstallJson {
    format: u32,
    /// The command last written.
    pub(crate) command: String,
    pub(crate) installs: Vec<Install>,
    /// What an installer was about to do; of no meaning any more once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

/// What was done to one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Install {
    pub(crate) codex_home: PathBuf,
    pub(crate) scope: String,
    /// The root of the project, in project scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<PathBuf>,
    #[serde(default)]
    pub(crate) command: String,
    pub(crate) events: Vec<String>,
    pub(crate) feature_flag: FeatureFlag,
    /// The flags that were set, and what they said before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) flags: Vec<FlagBefore>,
    pub(crate) files: Vec<FileNote>,
    /// Whether our hooks were there already and nothing was noted of them: `files` tells of a later time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) before_unknown: bool,
}

/// What happened to the switch of the hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureFlag {
    /// It was not there.
    Added,
    /// It said `false`.
    WasFalse,
    /// It was as it should be, or is none of our business.
    Untouched,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FlagBefore {
    pub(crate) name: String,
    pub(crate) was: Option<bool>,
    /// Whether `[features]` itself was not there.
    #[serde(default)]
    pub(crate) opened_table: bool,
}

/// What was done to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileNote {
    pub(crate) path: PathBuf,
    /// There was no file.
    pub(crate) created: bool,
    /// BLAKE3 of the text that was found; of nothing, where there was no file.
    pub(crate) before: String,
    /// BLAKE3 of the text that was written.
    pub(crate) after: String,
    /// What makes the text before of the text after.
    restore: Vec<Hunk>,
    /// Who could use the file that was found: Codex closes it to others whenever it writes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<u32>,
}

impl FileNote {
    pub(crate) fn new(path: &Path, before: Option<&str>, after: &str, mode: Option<u32>) -> Self {
        let text = before.unwrap_or_default();
        FileNote {
            path: path.to_owned(),
            created: before.is_none(),
            before: hash(text),
            after: hash(after),
            restore: patch::between(after, text),
            mode: mode.filter(|_| before.is_some()),
        }
    }

    /// What stood there before, if nobody has edited the file since: `Some(None)` is no file.
    pub(crate) fn give_back(&self, current: Option<&str>) -> Option<Option<String>> {
        let Some(text) = current else {
            return self.created.then_some(None);
        };
        if hash(text) == self.after {
            let before = patch::apply(text, &self.restore).filter(|before| hash(before) == self.before)?;
            return Some((!self.created).then_some(before));
        }
        // The install was cut short before it came to this file.
        (!self.created && hash(text) == self.before).then(|| Some(text.to_owned()))
    }
}

pub(crate) fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Install {
    pub(crate) fn is_of(&self, home: &CodexHome, scope: &Scope) -> bool {
        let project = match scope {
            Scope::User => None,
            Scope::Project(root) => Some(root),
        };
        self.codex_home == home.dir && self.scope == scope.name() && self.project.as_ref() == project
    }
}

/// The `install.json` of every spool directory that may have one, with their files as they were read.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<(PathBuf, Snapshot, Option<InstallJson>)>);

impl Notes {
    pub(crate) fn load(dirs: &[PathBuf]) -> Result<Self, Error> {
        let mut files: Vec<(PathBuf, Snapshot, Option<InstallJson>)> = Vec::new();
        for dir in dirs {
            if files.iter().any(|(known, ..)| known == dir) {
                continue;
            }
            let path = dir.join(NAME);
            let snapshot = Snapshot::read(&path)?;
            let fault = |fault: String| Error::InstallJson {
                fault,
                path: path.clone(),
                remedy: "move it away, then install again",
            };
            let json = match &snapshot.bytes {
                None => None,
                Some(bytes) => {
                    let json: InstallJson =
                        serde_json::from_slice(bytes).map_err(|error| fault(error.to_string()))?;
                    if json.format != 1 {
                        return Err(fault(format!("format {}", json.format)));
                    }
                    Some(json)
                }
            };
            files.push((dir.clone(), snapshot, json));
        }
        Ok(Notes(files))
    }

    fn installs(&self) -> impl Iterator<Item = &Install> {
        self.0.iter().filter_map(|(.., json)| json.as_ref()).flat_map(|json| &json.installs)
    }

    /// The directories looked into.
    pub(crate) fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(dir, ..)| dir.as_path())
    }

    /// Whether `command` was written by an install, whatever it looks like.
    pub(crate) fn has_command(&self, command: &str) -> bool {
        self.installs().any(|install| install.command == command)
            || self.0.iter().any(|(.., r)| r.as_ref().is_some_and(|r| r.command == command))
    }

    pub(crate) fn find(&self, home: &CodexHome, scope: &Scope) -> Option<&Install> {
        self.installs().find(|install| install.is_of(home, scope))
    }

    /// Writes `install` into that of `dir`.
    pub(crate) fn put(
        &self,
        dir: &Path,
        home: &CodexHome,
        scope: &Scope,
        install: &Install,
        pending: Option<Pending>,
    ) -> Result<Replaced, Error> {
        let Some((_, snapshot, old)) = self.0.iter().find(|(known, ..)| known == dir) else {
            return Ok(Replaced::ChangedMeanwhile);
        };
        let mut json = old.clone().unwrap_or(InstallJson {
            format: 1,
            command: String::new(),
            installs: Vec::new(),
            pending: None,
        });
        json.command.clone_from(&install.command);
        json.pending = pending;
        match json.installs.iter_mut().find(|known| known.is_of(home, scope)) {
            Some(known) => *known = install.clone(),
            None => json.installs.push(install.clone()),
        }
        if old.as_ref() == Some(&json) {
            return Ok(Replaced::Done);
        }
        make_spool(dir)?;
        write(snapshot, &json)
    }

    /// What an installer that was killed had begun.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.0.iter().filter_map(|(.., json)| json.as_ref()?.pending.as_ref())
    }

    /// Writes down what is about to be done, in the first of them that there is.
    pub(crate) fn announce(&mut self, pending: &Pending) -> Result<Replaced, Error> {
        let Some((_, snapshot, Some(json))) = self.0.iter_mut().find(|(.., json)| json.is_some()) else {
            return Ok(Replaced::Done);
        };
        json.pending = Some(pending.clone());
        let replaced = write(snapshot, json)?;
        *snapshot = Snapshot::read(&snapshot.path)?;
        Ok(replaced)
    }

    /// Strikes the install out of all but that of `except`; one that is empty then goes.
    pub(crate) fn strike(
        &self,
        home: &CodexHome,
        scope: &Scope,
        except: Option<&Path>,
    ) -> Result<Replaced, Error> {
        for (dir, snapshot, json) in &self.0 {
            let Some(json) = json.as_ref().filter(|_| Some(dir.as_path()) != except) else { continue };
            let mut rest = json.clone();
            rest.installs.retain(|install| !install.is_of(home, scope));
            rest.pending = None;
            let replaced = match rest.installs.len() {
                _ if rest == *json => Replaced::Done,
                0 => snapshot.replace(None, None, None)?,
                _ => write(snapshot, &rest)?,
            };
            if replaced == Replaced::ChangedMeanwhile {
                return Ok(replaced);
            }
            if rest.installs.is_empty() {
                // What we made for the notes alone goes with them; where it can't, it does no harm.
                let _ = Spool::open(dir).and_then(Spool::remove_unused);
            }
        }
        Ok(Replaced::Done)
    }
}

/// Makes the spool directory, where `install.json` is kept.
fn make_spool(dir: &Path) -> Result<(), Error> {
    match Spool::open(dir) {
        // What there is to do about a directory that can't be written to, an installer knows better.
        Err(codex_spool::Error::Io { source, .. }) if is_forbidden(&source) => {
            Err(Error::io("make the spool", dir, source))
        }
        opened => Ok(opened.map(drop)?),
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn write(snapshot: &Snapshot, json: &InstallJson) -> Result<Replaced, Error> {
    let mut text = serde_json::to_string_pretty(json).map_err(|error| Error::InstallJson {
        fault: error.to_string(),
        path: snapshot.path.clone(),
        remedy: "rename the files in it so that their names are UTF-8",
    })?;
    text.push('\n');
    snapshot.replace(Some(text.as_bytes()), platform::private(), None)
}
