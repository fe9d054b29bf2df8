//! What was handed out and has yet to be settled.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use codex_spool::{Delivery, EventId};

/// The deliveries that others have to settle, by the id by which they name them.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// An event may be in flight twice: a resume of a thread that has not moved since yesterday is another event with
    /// the same id. The one that was handed out first is settled first.
    deliveries: HashMap<EventId, VecDeque<Delivery>>,
    /// How many have been settled so far.
    settled: u64,
    /// Nothing is settled any more.
    closed: bool,
}

impl InFlight {
    pub(super) fn add(&self, delivery: Delivery) {
        self.state().deliveries.entry(delivery.id()).or_default().push_back(delivery);
    }

    /// Settles a delivery, unless there is none of that id.
    pub(super) fn settle<T>(&self, id: EventId, settle: impl FnOnce(Delivery) -> T) -> Option<T> {
        let mut state = self.state();
        let same = state.deliveries.get_mut(&id)?;
        let delivery = same.pop_front()?;
        if same.is_empty() {
            state.deliveries.remove(&id);
        }
        // Under the lock, so that nothing is under way any more once all has been left.
        let settled = settle(delivery);
        state.settled += 1;
        drop(state);
        self.changed.notify_all();
        Some(settled)
    }

    pub(super) fn settled(&self) -> u64 {
        self.state().settled
    }

    /// Waits until more than so many have been settled. False: there will be no more.
    pub(super) fn wait_for_more_than(&self, settled: u64) -> bool {
        let mut state = self.state();
        loop {
            if state.closed {
                return false;
            }
            if state.settled > settled {
                return true;
            }
            if state.deliveries.is_empty() {
                return false;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing is settled any more: whoever waits for it need not.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Leaves what has not been settled for the next run.
    pub(super) fn leave(&self) {
        self.close();
        let deliveries = std::mem::take(&mut self.state().deliveries);
        deliveries.into_values().flatten().for_each(Delivery::leave);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
