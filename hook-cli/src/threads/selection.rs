//! Which threads are meant.

use std::fmt;
use std::path::{Path, PathBuf};

use codex_spool::{Thread, ThreadId};

/// The threads that are meant: all conditions have to hold.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    thread: Option<ThreadId>,
    /// The folder, as it is written and as it is without symbolic links. Empty: any.
    cwds: Vec<PathBuf>,
    tag: Option<String>,
}

impl Selection {
    pub(crate) fn new(thread: Option<ThreadId>, cwd: Option<&Path>, tag: Option<&str>) -> Self {
        let cwds = cwd.map(|cwd| {
            let written = std::path::absolute(cwd).unwrap_or_else(|_| cwd.to_owned());
            let resolved = written.canonicalize().unwrap_or_else(|_| written.clone());
            vec![written, resolved]
        });
        Self { thread, cwds: cwds.unwrap_or_default(), tag: tag.map(str::to_owned) }
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
