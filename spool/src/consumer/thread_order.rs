//! Holding back the events of a thread until the one before is settled.

use std::collections::HashMap;

use crate::ThreadId;
use crate::name::Name;

/// Whose turn it is in each thread, and which events wait for theirs.
///
/// What waits has been read once, to learn its thread, and is kept by its name: 28 bytes an event.
#[derive(Debug, Default)]
pub(crate) struct ThreadOrder {
    lanes: HashMap<ThreadId, Lane>,
    /// The threads of the events whose turn it is.
    holders: HashMap<Name, ThreadId>,
    waiting: Waiting,
    next_number: u32,
}

#[derive(Debug)]
struct Lane {
    number: u32,
    /// Whose turn it is: handed out, delayed, or about to be handed out.
    holder: Name,
    waiting: usize,
    /// None of its waiting events is before this one.
    from: Name,
}

impl ThreadOrder {
    /// Whether the event may be handed out; it has its thread's turn then. If not it waits, and comes out of
    /// [`finished`](Self::finished) when its turn has come.
    pub(crate) fn take_turn(&mut self, thread: &ThreadId, name: Name, attempt: u32) -> bool {
        if let Some(lane) = self.lanes.get_mut(thread) {
            if lane.holder == name {
                return true;
            }
            lane.from = lane.from.min(name);
            lane.waiting += usize::from(self.waiting.insert(name, lane.number, attempt));
            return false;
        }
        self.next_number = self.next_number.wrapping_add(1).max(1);
        let lane = Lane { number: self.next_number, holder: name, waiting: 0, from: name };
        self.lanes.insert(thread.clone(), lane);
        self.holders.insert(name, thread.clone());
        true
    }

    /// An event has left the queue. Gives the one that has the turn now, and its attempt, if it was this one's.
    pub(crate) fn finished(&mut self, name: &Name) -> Option<(Name, u32)> {
        let thread = self.holders.remove(name)?;
        let lane = self.lanes.get_mut(&thread).expect("a thread has a lane while an event has its turn");
        if lane.waiting == 0 {
            self.lanes.remove(&thread);
            return None;
        }
        let (next, attempt) =
            self.waiting.take(lane.number, lane.from).expect("a lane counts its waiting events");
        lane.waiting -= 1;
        (lane.holder, lane.from) = (next, next);
        self.holders.insert(next, thread);
        Some((next, attempt))
    }

    /// Whether the event waits for its turn.
    pub(crate) fn is_waiting(&self, name: &Name) -> bool {
        self.waiting.place(name).is_ok_and(|place| self.waiting.lanes[place] != NOBODY)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.names.len() - self.waiting.gone
    }

    pub(crate) fn first(&self) -> Option<Name> {
        let place = self.waiting.lanes.iter().position(|lane| *lane != NOBODY)?;
        Some(self.waiting.names[place])
    }
}

/// The lane of a place that is empty.
const NOBODY: u32 = 0;

/// The names that wait, in order, each with the number of its lane. What is taken out leaves an empty place, until
/// half of the places are empty.
#[derive(Debug, Default)]
struct Waiting {
    names: Vec<Name>,
    lanes: Vec<u32>,
    /// How many places are empty.
    gone: usize,
    /// Of those that are not at their first attempt.
    attempts: HashMap<Name, u32>,
}

impl Waiting {
    fn place(&self, name: &Name) -> Result<usize, usize> {
        match self.names.last() {
            Some(last) if last < name => Err(self.names.len()),
            _ => self.names.binary_search(name),
        }
    }

    /// False: it waits already.
    fn insert(&mut self, name: Name, lane: u32, attempt: u32) -> bool {
        if attempt > 1 {
            self.attempts.insert(name, attempt);
        }
        match self.place(&name) {
            Ok(place) if self.lanes[place] != NOBODY => return false,
            Ok(place) => {
                self.lanes[place] = lane;
                self.gone -= 1;
            }
            Err(place) => {
                self.names.insert(place, name);
                self.lanes.insert(place, lane);
            }
        }
        true
    }

    /// Takes the first of a lane out, which is not before `from`.
    fn take(&mut self, lane: u32, from: Name) -> Option<(Name, u32)> {
        let start = self.names.partition_point(|name| *name < from);
        let place = start + self.lanes[start..].iter().position(|other| *other == lane)?;
        let name = self.names[place];
        self.lanes[place] = NOBODY;
        self.gone += 1;
        if self.gone > self.names.len() / 2 {
            self.compact();
        }
        Some((name, self.attempts.remove(&name).unwrap_or(1)))
    }

    fn compact(&mut self) {
        let mut lanes = self.lanes.iter();
        self.names.retain(|_| lanes.next().is_some_and(|lane| *lane != NOBODY));
        self.lanes.retain(|lane| *lane != NOBODY);
        self.gone = 0;
        if self.names.len() < self.names.capacity() / 4 {
            self.names.shrink_to(self.names.capacity() / 2);
            self.lanes.shrink_to(self.lanes.capacity() / 2);
        }
    }
}
