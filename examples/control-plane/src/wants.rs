//! What a client wants to be told.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use codex_spool::{Cursor, Event, ThreadId};
use serde::Deserialize;

use crate::message::Refused;

/// Subscriptions: by thread, or for all threads (`None`), the beginnings of the names of events; none of these: all names.
#[derive(Default)]
pub(crate) struct Wants {
    by_thread: HashMap<Option<ThreadId>, Vec<String>>,
    /// Whether it wants to be told what threads are doing.
    pub(crate) states: bool,
}

impl Wants {
    pub(crate) fn change(&mut self, said: Said) {
        for thread in &said.unsubscribe {
            self.by_thread.remove(thread);
        }
        self.by_thread.extend(said.subscribe.into_iter().map(|one| (one.thread, one.names)));
        self.states = said.states.unwrap_or(self.states);
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

/// What stands behind the `?` of an address.
#[derive(Default, Deserialize, FromRequestParts)]
#[serde(default)]
#[from_request(via(axum_extra::extract::Query), rejection(Refused))]
pub(crate) struct Asked {
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: Option<usize>,
    pub(crate) last: Option<usize>,
    thread: Vec<ThreadId>,
    name: Vec<String>,
    states: Option<bool>,
}

impl Asked {
    /// Events of `thread`s, or of all, whose names begin with a `name`, or with anything.
    pub(crate) fn wants(self) -> Wants {
        let threads = self.thread.into_iter();
        let mut by_thread: HashMap<_, _> = threads.map(|thread| (Some(thread), self.name.clone())).collect();
        if by_thread.is_empty() {
            by_thread.insert(None, self.name);
        }
        Wants { by_thread, states: self.states.unwrap_or(false) }
    }
}

/// What a client says on a WebSocket.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Said {
    /// Counts in the first message: from where on.
    pub(crate) after: Option<Cursor>,
    subscribe: Vec<Subscription>,
    unsubscribe: Vec<Option<ThreadId>>,
    /// Whether it wants to be told what threads are doing.
    states: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    /// `null`: all threads.
    thread: Option<ThreadId>,
    /// How the names of events begin; none: any name.
    #[serde(default)]
    names: Vec<String>,
}
