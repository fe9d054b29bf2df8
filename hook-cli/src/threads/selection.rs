//! Which threads are meant.

use std::fmt;
use std::path::{Path, PathBuf};

use codex_spool::{Thread, ThreadId};

use crate::cli::Context;
use crate::commands::conditions::ways_to;

/// The threads that are meant: all conditions have to hold.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    thread: Option<ThreadId>,
    /// The folder, whatever way leads to it. Empty: any.
    cwds: Vec<PathBuf>,
    tag: Option<String>,
}

impl Selection {
    pub(crate) fn new(
        thread: Option<ThreadId>,
        cwd: Option<&Path>,
        tag: Option<&str>,
        context: &Context,
    ) -> Self {
        let cwds = cwd.map(|cwd| ways_to(cwd, context)).unwrap_or_default();
        Self { cwds, ..Self::default() }.with(thread, tag)
    }

    /// The same, of this thread and with this tag.
    pub(crate) fn with(self, thread: Option<ThreadId>, tag: Option<&str>) -> Self {
        Self { thread, tag: tag.map(str::to_owned), ..self }
    }

    pub(crate) fn contains(&self, thread: &Thread) -> bool {
        let cwd = thread.cwd.as_deref().map(Path::new);
        self.thread.as_ref().is_none_or(|id| *id == thread.thread_id)
            && (self.cwds.is_empty()
                || cwd.is_some_and(|cwd| self.cwds.iter().any(|wanted| cwd.starts_with(wanted))))
            && self.tag.as_ref().is_none_or(|tag| thread.tag.as_ref() == Some(tag))
    }

    /// Whether a thread is meant by itself, and not because its session is: only by name a subagent is.
    pub(crate) fn means(&self, thread: &Thread) -> bool {
        self.contains(thread) && (self.thread.is_some() || thread.parent_id.is_none())
    }
}

/// As it was asked for.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.thread.as_ref().map(|id| format!("--thread {id}")),
            self.cwds.first().map(|cwd| format!("--cwd {}", cwd.display())),
            self.tag.as_ref().map(|tag| format!("--tag {tag}")),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}
