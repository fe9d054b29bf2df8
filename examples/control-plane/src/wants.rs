//! What a client wants to be told.

use std::collections::HashMap;

use codex_spool::{Event, ThreadId};

/// No client subscribes to more threads than this.
const MOST: usize = 1024;

/// Subscriptions: by thread, or for all threads (`None`), the beginnings of the names of events; none of these: all names.
#[derive(Default)]
pub(crate) struct Wants {
    by_thread: HashMap<Option<ThreadId>, Vec<String>>,
    /// Whether it wants to be told what threads are doing.
    pub(crate) states: bool,
}

impl Wants {
    pub(crate) fn add(&mut self, thread: Option<ThreadId>, names: Vec<String>) -> Result<(), String> {
        if self.by_thread.len() >= MOST || names.len() > MOST {
            return Err(format!("more than {MOST} subscriptions: subscribe to all threads instead"));
        }
        self.by_thread.insert(thread, names);
        Ok(())
    }

    pub(crate) fn remove(&mut self, thread: &Option<ThreadId>) {
        self.by_thread.remove(thread);
    }

    pub(crate) fn wants(&self, event: &Event) -> bool {
        let name = event.kind().as_str();
        let of = |thread: &Option<ThreadId>| {
            let names = self.by_thread.get(thread);
            names.is_some_and(|names| names.is_empty() || names.iter().any(|begin| name.starts_with(begin)))
        };
        of(&None) || (event.thread_id().is_some() && of(&event.thread_id().cloned()))
    }

    pub(crate) fn wants_all(&self) -> bool {
        self.by_thread.get(&None).is_some_and(Vec::is_empty)
    }
}
