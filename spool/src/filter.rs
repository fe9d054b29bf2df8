//! Which events are wanted: conditions on what an event is and where it comes from.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Event, EventKind, ThreadId};

/// Conditions that an event has to meet. An empty list is no condition; of several in a list one has to hold, and every
/// list has to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// By the name that Codex gives them.
    pub(crate) kinds: Vec<EventKind>,
    /// By the thread alone: the events of a subagent are those of a thread of its own, not of its session's.
    pub(crate) threads: Vec<ThreadId>,
    /// By the whole tag. An event without one has none of these.
    pub(crate) tags: Vec<String>,
    /// By the payload's `cwd`: it is one of these folders or lies below one. Whole components of the paths as they are
    /// written are compared; nothing is looked up, so that `..` and symbolic links mean only themselves.
    pub(crate) cwds: Vec<PathBuf>,
}

impl Filter {
    /// Whether `event` meets the conditions. The payload is parsed only where there is one on its `cwd`.
    pub(crate) fn matches(&self, event: &Event) -> bool {
        let kind = event.kind().as_str();
        any(&self.kinds, |wanted| wanted.as_str() == kind)
            && any(&self.threads, |wanted| event.thread_id() == Some(wanted))
            && any(&self.tags, |wanted| event.tag() == Some(wanted))
            && (self.cwds.is_empty()
                || cwd(event.payload())
                    .is_some_and(|cwd| self.cwds.iter().any(|wanted| Path::new(&cwd).starts_with(wanted))))
    }
}

fn any<T>(wanted: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(matches)
}

/// The payload's `cwd`; `None` where it has none, or no string.
fn cwd(payload: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        cwd: &'a RawValue,
    }
    let Fields { cwd } = serde_json::from_str(payload).ok()?;
    serde_json::from_str(cwd.get()).ok()
}
