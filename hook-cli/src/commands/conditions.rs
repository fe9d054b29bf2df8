//! Which events are wanted, as a command line says it.

use std::convert::Infallible;
use std::fs;
use std::path::{Component, Path, PathBuf};

use codex_spool::{ConsumerBuilder, EventKind, Journal, ThreadId};

use crate::cli::Context;

/// The options by which events are chosen: of one that is given several times one has to hold, and all options together.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which events (each may be given several times)")]
pub(crate) struct Conditions {
    /// Of this kind, like Stop or PermissionRequest
    #[arg(long, value_name = "EVENT", value_parser = kind)]
    kind: Vec<EventKind>,
    /// Of this thread: its whole id, as --json shows it
    #[arg(long, value_name = "ID")]
    thread: Vec<ThreadId>,
    /// Of sessions that were started with this CODEX_HOOK_TAG
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Of sessions that work in this folder or below it
    #[arg(long, value_name = "DIR")]
    cwd: Vec<PathBuf>,
}

impl Conditions {
    /// A journal with only what is wanted.
    pub(crate) fn narrow(&self, journal: Journal, context: &Context) -> Journal {
        let journal = journal.kinds(self.kind.iter().cloned());
        let journal = self.thread.iter().fold(journal, Journal::thread);
        let journal = self.tag.iter().fold(journal, Journal::tag);
        self.folders(context).into_iter().fold(journal, Journal::cwd_under)
    }

    /// A consumer that gets only what is wanted.
    pub(crate) fn subscribe(&self, consumer: ConsumerBuilder, context: &Context) -> ConsumerBuilder {
        let consumer = consumer.kinds(self.kind.iter().cloned());
        let consumer = self.thread.iter().fold(consumer, ConsumerBuilder::thread);
        let consumer = self.tag.iter().fold(consumer, ConsumerBuilder::tag);
        self.folders(context).into_iter().fold(consumer, ConsumerBuilder::cwd_under)
    }

    /// Says which kinds may never come: a misspelt one would be waited for in silence.
    pub(crate) fn question(&self, context: &Context) {
        for kind in &self.kind {
            if !EventKind::KNOWN.contains(kind) {
                context.complain(&format_args!(
                    "no event that this version knows: --kind {:?}: it is waited for all the same",
                    kind.as_str()
                ));
            }
        }
    }

    fn folders(&self, context: &Context) -> Vec<PathBuf> {
        self.cwd.iter().flat_map(|folder| ways_to(folder, context)).collect()
    }
}

/// A folder as Codex may write it: with the names of symbolic links in it, or with what these lead to.
pub(crate) fn ways_to(folder: &Path, context: &Context) -> Vec<PathBuf> {
    let folder = plain(&context.environment.cwd.join(folder));
    let real = fs::canonicalize(&folder).ok().filter(|real| *real != folder);
    std::iter::once(folder).chain(real).collect()
}

/// Codex's spelling of a kind, whatever its case; of one that is not known the spelling stays.
fn kind(name: &str) -> Result<EventKind, Infallible> {
    let known = EventKind::KNOWN.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name));
    Ok(known.cloned().unwrap_or_else(|| EventKind::from(name)))
}

/// Without `.` and `..`, by the path alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            component => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelt_as_codex_does_it() {
        let spelt = |name| kind(name).map(|kind| kind.to_string());
        assert_eq!(spelt("stop"), Ok("Stop".to_owned()));
        assert_eq!(spelt("PERMISSIONREQUEST"), Ok("PermissionRequest".to_owned()));
        assert_eq!(spelt("teleport"), Ok("teleport".to_owned()));
    }

    #[test]
    fn a_folder_is_meant_whatever_way_leads_to_it() {
        for (way, folder) in [("/a/./b/", "/a/b"), ("/a/b/../c", "/a/c"), ("/../a", "/a"), ("/", "/")] {
            assert_eq!(plain(Path::new(way)), Path::new(folder), "{way}");
        }
    }
}
