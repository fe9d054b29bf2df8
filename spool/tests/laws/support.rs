//! A spool for a test, and payloads for it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use codex_spool::testing::TestSpool;
use codex_spool::{Capture, Consumer, EventId, Recorded, Start};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A spool of its own, removed with its value. It syncs nothing: what is tried here is the crash and the racing of
/// processes, not the loss of power.
pub(crate) struct Home {
    pub(crate) spool: TestSpool,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { spool: TestSpool::new() }
    }

    /// The same, with these lines in its `spool.toml`.
    pub(crate) fn with_settings(settings: &str) -> Self {
        Self { spool: TestSpool::with_settings(settings) }
    }

    /// A place below the spool directory.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.spool.dir().join(below)
    }

    /// The names in a folder of the spool, in order.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        list(&self.path(folder))
    }

    /// Records the `n`th event of a thread.
    #[track_caller]
    pub(crate) fn record(&self, thread: &str, n: usize) -> EventId {
        self.record_payload(&payload(thread, n)).id
    }

    #[track_caller]
    pub(crate) fn record_payload(&self, payload: &[u8]) -> Recorded {
        self.spool.record(payload, &Capture::now()).expect("an event can be recorded")
    }

    /// Opens a consumer, at the earliest event if it is new.
    #[track_caller]
    pub(crate) fn open(&self, name: &str) -> Consumer {
        let builder = self.spool.consumer(name).expect("a good name").start(Start::Earliest);
        builder.open().expect("it can be opened")
    }

    /// The ids of the journal, as it is read.
    #[track_caller]
    pub(crate) fn journal(&self) -> Vec<EventId> {
        let journal = self.spool.journal().expect("the journal can be listed");
        journal.map(|event| event.expect("no record is damaged").id()).collect()
    }
}

/// The `n`th event of a thread.
pub(crate) fn payload(thread: &str, n: usize) -> Vec<u8> {
    format!(r#"{{"hook_event_name":"SessionEnd","session_id":"{thread}","tool_use_id":"{n}"}}"#).into_bytes()
}

/// Which event of its thread a payload is.
pub(crate) fn number(payload: &str) -> usize {
    let (_, number) = payload.split_once(r#""tool_use_id":""#).expect("a payload of ours");
    number.trim_end_matches("\"}").parse().expect("a number")
}

/// Takes and acknowledges all that is deliverable now; gives the ids, in order.
#[track_caller]
pub(crate) fn ack_all(consumer: &mut Consumer) -> Vec<EventId> {
    let mut ids = Vec::new();
    for delivery in consumer.drain() {
        let delivery = delivery.expect("nothing is wrong with it");
        ids.push(delivery.id());
        delivery.ack().expect("it can be acknowledged");
    }
    ids
}

/// How often each id is there.
pub(crate) fn counted(ids: impl IntoIterator<Item = EventId>) -> HashMap<EventId, usize> {
    let mut counts = HashMap::new();
    for id in ids {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// The names in a folder, in order.
pub(crate) fn list(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("the folder can be listed");
    let mut names: Vec<String> = names
        .map(|entry| entry.expect("the folder can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}
