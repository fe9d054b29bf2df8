//! The events that a consumer has in hand, or has been told to hand out later.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use super::inbox::Fate;
use crate::name::Name;

/// What is in the queue and must not be handed out now.
#[derive(Debug, Default)]
pub(crate) struct Held {
    states: HashMap<Name, State>,
    delays: BTreeSet<(Instant, Name)>,
    in_flight: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    InFlight,
    /// To be handed out as this attempt, then; `None`: not while this process lives.
    Delayed(u32, Option<Instant>),
}

impl Held {
    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.states.contains_key(name)
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn first(&self) -> Option<Name> {
        self.states.keys().min().copied()
    }

    /// It is handed out.
    pub(crate) fn hand_out(&mut self, name: Name) {
        self.remove(&name);
        self.states.insert(name, State::InFlight);
        self.in_flight += 1;
    }

    pub(crate) fn settled(&mut self, name: Name, fate: Fate) {
        self.remove(&name);
        if let Fate::Again(attempt, due) = fate {
            self.states.insert(name, State::Delayed(attempt, due));
            self.delays.extend(due.map(|due| (due, name)));
        }
    }

    /// When the next delay is over.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.delays.first().map(|(due, _)| *due)
    }

    /// Takes one out whose delay is over: the event and its attempt.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Name, u32)> {
        let (due, name) = *self.delays.first()?;
        if due > now {
            return None;
        }
        match self.remove(&name) {
            Some(State::Delayed(attempt, _)) => Some((name, attempt)),
            _ => unreachable!("only what is delayed has a delay"),
        }
    }

    fn remove(&mut self, name: &Name) -> Option<State> {
        let state = self.states.remove(name)?;
        match state {
            State::InFlight => self.in_flight -= 1,
            State::Delayed(_, due) => drop(due.map(|due| self.delays.remove(&(due, *name)))),
        }
        Some(state)
    }
}
