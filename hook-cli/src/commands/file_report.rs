//! What was done to each file, as `install` and `uninstall` tell it.

use std::path::Path;

use serde::Serialize;

use crate::cli::Context;
use crate::error::Error;
use crate::install::{FileChange, Outcomes, unified_diff};

/// A file in `--json`: other programs rely on these names.
#[derive(Debug, Serialize)]
pub(crate) struct FileReport {
    pub(crate) path: String,
    pub(crate) action: &'static str,
}

impl FileReport {
    pub(crate) fn of(file: &FileChange) -> Self {
        FileReport { path: file.path.display().to_string(), action: file.action() }
    }

    /// That somebody else has written to a file, which we may have left alone.
    pub(crate) fn note_update(files: &mut Vec<Self>, path: &Path) {
        let path = path.display().to_string();
        match files.iter_mut().find(|file| file.path == path) {
            Some(file) if file.action == "unchanged" => file.action = "updated",
            Some(_) => {}
            None => files.push(FileReport { path, action: "updated" }),
        }
    }
}

/// What `--dry-run` shows of the files.
pub(crate) fn tell_diffs(context: &Context, outcomes: &Outcomes) -> Result<(), Error> {
    for file in outcomes.files.iter().filter(|file| file.before != file.after) {
        context.say(&unified_diff(file, context.color))?;
    }
    if outcomes.changed() { Ok(()) } else { context.say("nothing to change") }
}
