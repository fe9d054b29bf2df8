//! What waits in a queue to be read, and the order in which it may be delivered.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use crate::disk;
use crate::error::{At, Result};
use crate::name::Name;
use crate::queue::Queue;
use crate::sys::Folder;

/// What is known of a queue, but for what is held elsewhere: handed out, delayed, or waiting for its thread.
///
/// A listing is no snapshot: it may hold a later name and lack an earlier one that was made before. But a name that a
/// finished listing had was there before the next one began, and with it every name that had been made before it. So
/// names are delivered only when two listings had them, in the order of the newer, up to the first name that is new
/// in it: that one is *unconfirmed*. Notifications come in the order in which names were made; one confirms its name.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// In order.
    names: VecDeque<Name>,
    /// New in the newest listing.
    unconfirmed: BTreeSet<Name>,
    /// The attempts of those that are not at their first.
    attempts: HashMap<Name, u32>,
    /// The queue as it was listed last.
    folder: Option<Arc<Folder>>,
}

impl Pending {
    /// The next event that may be delivered, the attempt it is at, and the folder to look for it in.
    pub(crate) fn pop(&mut self) -> Option<(Name, u32, Arc<Folder>)> {
        let folder = Arc::clone(self.folder.as_ref()?);
        let first = *self.names.front()?;
        if self.unconfirmed.first().is_some_and(|unconfirmed| *unconfirmed <= first) {
            return None;
        }
        self.names.pop_front();
        if self.names.len() < self.names.capacity() / 4 && self.names.capacity() > 1024 {
            self.names.shrink_to(self.names.capacity() / 2);
        }
        Some((first, self.attempts.remove(&first).unwrap_or(1), folder))
    }

    /// Whether something waits to be confirmed by another listing, or by a notification.
    pub(crate) fn is_unsure(&self) -> bool {
        !self.unconfirmed.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn first(&self) -> Option<Name> {
        self.names.front().copied()
    }

    /// A name that is in the queue for sure, and before which none can turn up that was made earlier.
    pub(crate) fn insert(&mut self, name: Name, attempt: u32) {
        self.unconfirmed.remove(&name);
        if attempt > 1 {
            let known = self.attempts.entry(name).or_insert(attempt);
            *known = attempt.max(*known);
        }
        match self.names.back() {
            Some(last) if *last >= name => {
                if let Err(place) = self.names.binary_search(&name) {
                    self.names.insert(place, name);
                }
            }
            _ => self.names.push_back(name),
        }
    }

    /// Lists the queue, twice if there is anything new in it, leaving out what is held elsewhere.
    ///
    /// After an error nothing is sure any more: what one listing had may lack what was made before it.
    pub(crate) fn list(&mut self, queue: &Queue, is_held: impl Fn(&Name) -> bool) -> Result<()> {
        let listed = self.list_twice(queue, is_held);
        if listed.is_err() {
            self.unconfirmed.extend(&self.names);
        }
        listed
    }

    fn list_twice(&mut self, queue: &Queue, is_held: impl Fn(&Name) -> bool) -> Result<()> {
        let new = self.list_once(queue, &is_held)?;
        let sure = new.is_empty();
        self.add(new);
        let new = if sure { Vec::new() } else { self.list_once(queue, &is_held)? };
        self.unconfirmed = new.iter().copied().collect();
        self.add(new);
        Ok(())
    }

    /// Gives what is new. What is not there any more is found to be gone when its turn comes.
    fn list_once(&mut self, queue: &Queue, is_held: impl Fn(&Name) -> bool) -> Result<Vec<Name>> {
        self.open(queue.dir())?;
        let mut new = Vec::new();
        let mut attempts = HashMap::new();
        // Those of which a later attempt is known; that may be word of a file that is gone.
        let mut first = Vec::new();
        for file in disk::list(queue.dir())? {
            let Some((name, attempt)) = Name::parse(&file?) else { continue };
            if self.names.binary_search(&name).is_err() {
                if is_held(&name) {
                    continue;
                }
                new.push(name);
            }
            if attempt > 1 {
                self.note_attempt(queue, name, attempt, &mut attempts);
            } else if self.attempts.contains_key(&name) {
                first.push(name);
            }
        }
        new.sort_unstable();
        new.dedup();
        for name in first.into_iter().filter(|name| attempts.contains_key(name)) {
            let _ = queue.disk.unlink(&queue.file(name, 1));
        }
        self.attempts = attempts;
        Ok(new)
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
    fn note_attempt(&self, queue: &Queue, name: Name, attempt: u32, listed: &mut HashMap<Name, u32>) {
        let other = listed.get(&name).copied();
        listed.insert(name, attempt.max(other.unwrap_or(1)));
        let lower = match other {
            Some(other) => attempt.min(other),
            None if self.attempts.get(&name) == Some(&attempt) => return,
            None => 1,
        };
        // One that stays does no harm as long as this consumer is open; the next time it is tried again.
        let _ = queue.disk.unlink(&queue.file(name, lower));
    }

    /// Adds names that are in order.
    fn add(&mut self, names: Vec<Name>) {
        let in_order = match (self.names.back(), names.first()) {
            (_, None) => return,
            (None, Some(_)) => {
                self.names = names.into();
                return;
            }
            (Some(last), Some(first)) => last < first,
        };
        self.names.extend(names);
        if !in_order {
            self.names.make_contiguous().sort_unstable();
        }
    }
}
