//! Registers in which the last writer wins, whatever comes first.

use crate::time::Moment;
use crate::{Event, EventId};

/// When something was said, and by which event: of two events captured at the same nanosecond the ids decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) at: Moment,
    pub(super) id: EventId,
}

impl Stamp {
    pub(super) fn of(event: &Event) -> Self {
        Self { at: event.moment(), id: event.id() }
    }
}

/// The value with the latest stamp.
#[derive(Debug, Clone)]
pub(super) struct Latest<T> {
    said: Option<(Stamp, T)>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { said: None }
    }
}

impl<T> Latest<T> {
    pub(super) fn offer(&mut self, stamp: Stamp, value: T) {
        if self.is_older_than(stamp) {
            self.said = Some((stamp, value));
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        Some(&self.said.as_ref()?.1)
    }

    fn is_older_than(&self, stamp: Stamp) -> bool {
        self.said.as_ref().is_none_or(|(known, _)| *known < stamp)
    }
}

impl Latest<Box<str>> {
    /// Keeps a text, where there is one. Most say what is known already.
    pub(super) fn offer_text(&mut self, stamp: Stamp, text: Option<&str>) {
        let Some(text) = text else { return };
        match &mut self.said {
            Some((known, said)) if **said == *text => *known = stamp.max(*known),
            _ => self.offer(stamp, text.into()),
        }
    }

    /// Keeps a text that has to be made, if it wins.
    pub(super) fn offer_with(&mut self, stamp: Stamp, text: Option<&str>, make: impl Fn(&str) -> Box<str>) {
        if let Some(text) = text
            && self.is_older_than(stamp)
        {
            self.said = Some((stamp, make(text)));
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        self.get().map(|text| String::from(&**text))
    }
}

/// Keeps the later of two.
pub(super) fn later<T: Ord + Copy>(known: &mut Option<T>, new: T) {
    *known = Some(known.map_or(new, |known| known.max(new)));
}

/// Keeps the earlier of two.
pub(super) fn earlier<T: Ord + Copy>(known: &mut Option<T>, new: T) {
    *known = Some(known.map_or(new, |known| known.min(new)));
}
