//! What a crash must leave, as it follows from what was said before it.

use std::collections::{BTreeMap, BTreeSet};

use crate::log::{Number, Word};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Promises {
    /// Nothing is synced, so nothing is promised but that all goes on, and that nothing damaged is delivered.
    pub(crate) unsynced: bool,
    /// Events that somebody has begun to record: no others may be seen.
    pub(crate) begun: BTreeSet<Number>,
    /// Events that are recorded and in the journal.
    pub(crate) journal: BTreeSet<Number>,
    /// Consumers that are there, and whether they began with the earliest event.
    pub(crate) consumers: BTreeMap<String, bool>,
    /// Consumers that are not there any more.
    pub(crate) gone: BTreeSet<String>,
    /// What each consumer is to be given.
    pub(crate) due: BTreeSet<(String, Number)>,
    /// What is to be in `dead/` of a consumer, or to be given to it once more.
    pub(crate) dead: BTreeSet<(String, Number)>,
    /// Which consumers were there when somebody began to record an event for the first time.
    pub(crate) there: BTreeSet<(String, Number)>,
    /// What consumers have settled, or were about to.
    pub(crate) settled: BTreeSet<(String, Number)>,
    /// What no consumer of that name is to be given.
    pub(crate) skipped: BTreeSet<(String, Number)>,
    /// Of what all is given to a consumer, or nothing.
    pub(crate) rewinding: BTreeMap<String, Vec<Number>>,
    /// What is at which place in the log of a consumer.
    pub(crate) logged: BTreeMap<(String, String), Number>,
    /// What is kept in `rejected/`.
    pub(crate) kept: BTreeSet<Vec<u8>>,
}

impl Promises {
    pub(crate) fn hear(&mut self, word: &Word) {
        match word {
            Word::Unsynced => self.unsynced = true,
            Word::Begun(number) => {
                if self.begun.insert(*number) {
                    self.there.extend(self.consumers.keys().map(|name| (name.clone(), *number)));
                }
            }
            Word::Recorded(number) => {
                self.journal.insert(*number);
                let earliest = self.consumers.iter().filter(|(_, earliest)| **earliest).map(|(name, _)| name);
                let there =
                    self.there.iter().filter(|(name, of)| of == number && self.consumers.contains_key(name));
                let due: Vec<_> = earliest.chain(there.map(|(name, _)| name)).cloned().collect();
                for name in due {
                    if !self.settled.contains(&(name.clone(), *number)) {
                        self.due.insert((name, *number));
                    }
                }
            }
            Word::Opening(name) => drop(self.gone.remove(name)),
            Word::Opened(name, earliest) => {
                if self.consumers.insert(name.clone(), *earliest).is_none() && *earliest {
                    self.due.extend(self.journal.iter().map(|number| (name.clone(), *number)));
                }
            }
            Word::Skipping(name, numbers) => {
                self.skipped.extend(numbers.iter().map(|number| (name.clone(), *number)));
            }
            Word::Rewinding(name, numbers) => drop(self.rewinding.insert(name.clone(), numbers.clone())),
            Word::Rewound(name) => {
                let numbers = self.rewinding.remove(name).expect("it was begun before");
                self.settled.retain(|(of, number)| of != name || !numbers.contains(number));
                self.due.extend(numbers.into_iter().map(|number| (name.clone(), number)));
            }
            Word::Acking(name, number) => {
                self.due.remove(&(name.clone(), *number));
                self.settled.insert((name.clone(), *number));
            }
            Word::Rejecting(name, number) => {
                self.due.remove(&(name.clone(), *number));
                self.settled.insert((name.clone(), *number));
                self.dead.insert((name.clone(), *number));
            }
            Word::Removing(name) => {
                self.consumers.remove(name);
                for set in [&mut self.due, &mut self.dead, &mut self.there, &mut self.settled] {
                    set.retain(|(of, _)| of != name);
                }
                self.logged.retain(|(of, _), _| of != name);
            }
            Word::Removed(name) => drop(self.gone.insert(name.clone())),
            Word::Kept(bytes) => drop(self.kept.insert(bytes.clone())),
            Word::Logged(name, place, number) => {
                self.logged.insert((name.clone(), place.clone()), *number);
            }
            Word::Expired(number) => drop(self.journal.remove(number)),
        }
    }
}
