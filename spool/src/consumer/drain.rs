//! Draining: what waits for a consumer, until nothing does.

use crate::error::{Error, Result};
use crate::{Consumer, Delivery};

/// The iterator of [`Consumer::drain`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Drain<'a> {
    consumer: &'a mut Consumer,
    done: bool,
}

impl<'a> Drain<'a> {
    pub(super) fn new(consumer: &'a mut Consumer) -> Self {
        Self { consumer, done: false }
    }
}

impl Iterator for Drain<'_> {
    type Item = Result<Delivery>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let mut next = self.consumer.next(false, |_, _| true);
        if next.is_none() && !self.consumer.is_full() {
            // What came meanwhile is included.
            self.consumer.waiting.look_now();
            next = self.consumer.next(false, |_, _| true);
        }
        // A queue that cannot be listed would be an endless row of the same error.
        self.done = match &next {
            None | Some(Err(Error::NoConsumer { .. })) => true,
            Some(Err(Error::Io { path, .. })) => {
                path == self.consumer.queue.dir() || path == self.consumer.queue.lock().1
            }
            Some(_) => false,
        };
        next
    }
}

impl std::iter::FusedIterator for Drain<'_> {}
