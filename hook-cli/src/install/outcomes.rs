//! What was done, as it is told.

use std::path::PathBuf;

use super::FeatureFlag;
use super::layer::Layer;

/// A file, and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: PathBuf,
    /// Its text; `None` where there is no file.
    pub before: Option<String>,
    /// Its new text; `None` where it is removed.
    pub after: Option<String>,
    /// Whether that is, to the byte, what the install had found.
    pub is_restored: bool,
}

impl FileChange {
    /// What is done to the file, in the word that people and programs are told.
    pub fn action(&self) -> &'static str {
        match (&self.before, &self.after) {
            (before, after) if before == after => "unchanged",
            (None, _) => "created",
            (_, None) => "removed",
            _ if self.is_restored => "restored",
            _ => "updated",
        }
    }
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
    /// Whether our hooks were there, and what there was before them is not known: nothing was noted, or it was lost.
    pub before_unknown: bool,
    /// The switch that uninstall leaves on, since nobody knows what it said before.
    pub left_on: Option<&'static str>,
}

impl Outcomes {
    /// After another attempt: from what there was at first to what there is now.
    pub(crate) fn end_as(&mut self, last: &Outcomes) {
        for file in &last.files {
            match self.files.iter_mut().find(|known| known.path == file.path) {
                Some(known) => {
                    known.after.clone_from(&file.after);
                    known.is_restored = file.is_restored;
                }
                None => self.files.push(file.clone()),
            }
        }
    }

    /// Whether any file differs.
    pub fn changed(&self) -> bool {
        self.files.iter().any(|file| file.before != file.after)
    }
}

/// The files of the layer, as they are and as they shall be.
pub(crate) fn changes(layer: &Layer) -> Vec<FileChange> {
    layer
        .files()
        .filter(|file| file.found.is_some() || file.text.is_some())
        .map(|file| FileChange {
            path: file.path().to_owned(),
            before: file.found.clone(),
            after: file.text.clone(),
            is_restored: file.is_restored,
        })
        .collect()
}
