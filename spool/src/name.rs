//! The name of a queued file.

use crate::EventId;
use crate::time::Moment;

/// What the name of a queued file says: when its event was captured, and which it is. Ordered as events are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) captured: Moment,
    pub(crate) id: EventId,
}

impl Name {
    /// `<captured>-<id>`.
    pub(crate) fn stem(self) -> String {
        // Without the formatting of the standard library: this is done twice for each event that is drained.
        let mut stem = [b'0'; 53];
        let mut rest = self.captured.0;
        for digit in stem[..20].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        stem[20] = b'-';
        stem[21..].copy_from_slice(&self.id.to_hex());
        str::from_utf8(&stem).expect("digits are ASCII").to_owned()
    }

    /// The name of its file in a queue, at the given attempt to deliver it, counted from 1.
    pub(crate) fn file(self, attempt: u32) -> String {
        match attempt {
            0 | 1 => self.stem() + ".json",
            later => format!("{}.{later}.json", self.stem()),
        }
    }

    /// Reads the name of a queued file: the event and the attempt. `None`: it is none of ours.
    pub(crate) fn parse(file: &str) -> Option<(Self, u32)> {
        let file = file.strip_suffix(".json")?;
        let (captured, rest) = file.split_at_checked(20)?;
        let (id, attempt) = rest.strip_prefix('-')?.split_at_checked(32)?;
        if !captured.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let name = Self { captured: Moment(captured.parse().ok()?), id: EventId::from_hex(id.as_bytes())? };
        let attempt = match attempt.strip_prefix('.') {
            None => attempt.is_empty().then_some(1)?,
            Some(number) => {
                let attempt = number.parse().ok().filter(|&attempt| attempt >= 2)?;
                (number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0'))
                    .then_some(attempt)?
            }
        };
        Some((name, attempt))
    }
}
