//! What waits in a queue, and the order in which it may be delivered.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::disk;
use crate::error::{At, Result};
use crate::queue::{HeldBack, Name, Queue};
use crate::sys::Folder;

/// What is known of a queue.
///
/// A listing is no snapshot: it may hold a later name and lack an earlier one that was made before. But a name that a
/// finished listing had was there before the next one began, and with it every name that had been made before it. So
/// names are delivered only when two listings had them, in the order of the newer, up to the first name that is new
/// in it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Names that a finished listing had and that have not been handed out, in order.
    known: VecDeque<Name>,
    /// How many of them, from the front, may be delivered.
    deliverable: usize,
    /// The attempts of those that are not at their first.
    attempts: HashMap<Name, u32>,
    /// The queue as it was listed last.
    folder: Option<Arc<Folder>>,
}

impl Pending {
    /// The next event that may be delivered, the attempt it is at, and the folder in which it was found.
    pub(crate) fn pop(&mut self) -> Option<(Name, u32, Arc<Folder>)> {
        self.deliverable = self.deliverable.checked_sub(1)?;
        let name = self.known.pop_front()?;
        Some((name, self.attempts.remove(&name).unwrap_or(1), self.folder.clone()?))
    }

    /// Lists the queue once more, leaving out what is held. False: there is nothing to be delivered, and nothing new
    /// that the next listing may make so.
    pub(crate) fn list(&mut self, queue: &Queue) -> Result<bool> {
        self.open(queue.dir())?;
        let mut seen = vec![false; self.known.len()];
        let mut due = Vec::new();
        let mut new = Vec::new();
        let now = Instant::now();
        for file in disk::list(queue.dir())? {
            let Some((name, attempt)) = Name::parse(&file?) else { continue };
            match self.known.binary_search(&name) {
                Ok(place) => seen[place] = true,
                Err(_) => match queue.held_back(&name, now) {
                    HeldBack::Yes => continue,
                    HeldBack::Due => due.push(name),
                    HeldBack::No => new.push(name),
                },
            }
            if attempt > 1 {
                self.note_attempt(queue, name, attempt);
            }
        }
        let mut seen = seen.into_iter();
        self.known.retain(|_| seen.next() == Some(true));
        self.add(due);
        new.sort_unstable();
        self.deliverable = match new.first() {
            Some(first_new) => self.known.partition_point(|name| name < first_new),
            None => self.known.len(),
        };
        let more = !self.known.is_empty() || !new.is_empty();
        self.add(new);
        self.attempts.retain(|name, _| self.known.binary_search(name).is_ok());
        Ok(more)
    }

    /// Opens the queue, unless it is what is open already.
    fn open(&mut self, dir: &Path) -> Result<()> {
        if let Some(folder) = &self.folder
            && folder.is_current().at("look at", dir)?
        {
            return Ok(());
        }
        self.folder = Some(Arc::new(Folder::open(dir).at("open", dir)?));
        Ok(())
    }

    /// Of several attempts of one event the highest stands.
    fn note_attempt(&mut self, queue: &Queue, name: Name, attempt: u32) {
        let lower = match self.attempts.insert(name, attempt) {
            Some(other) if other > attempt => {
                self.attempts.insert(name, other);
                attempt
            }
            Some(other) if other == attempt => return,
            Some(other) => other,
            None => 1,
        };
        // One that stays does no harm as long as this consumer is open; the next time it is tried again.
        let _ = queue.disk.unlink(&queue.file(name, lower));
    }

    fn add(&mut self, mut names: Vec<Name>) {
        if names.is_empty() {
            return;
        }
        if self.known.is_empty() {
            names.sort_unstable();
            names.dedup();
            self.known = names.into();
            return;
        }
        self.known.extend(names);
        self.known.make_contiguous().sort_unstable();
        let mut last = None;
        self.known.retain(|name| last.replace(*name) != Some(*name));
    }
}
