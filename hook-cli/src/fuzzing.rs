//! What the targets in `fuzz/` reach of the inside, in memory. It is compiled with `--cfg fuzzing` alone, and no part of
//! the interface.

use std::fmt;
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_spool::EventId;

use crate::commands::tail::{Fate, read_answers};
use crate::complaints::Complaints;
pub use crate::install::fuzzing::*;

/// What an answer says of an event in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Ack,
    /// Not now.
    Retry(Option<Duration>),
    /// Not ever.
    Reject(String),
}

/// Reads the answers to `hook tail`, has each settled by `settle`, and gives what it says on standard error.
pub fn answers<E: fmt::Display>(
    input: &mut dyn BufRead,
    mut settle: impl FnMut(EventId, Answer) -> Option<Result<(), E>>,
) -> String {
    let said = Said::default();
    read_answers(input, &Complaints::new(said.clone()), |id, fate| {
        let answer = match fate {
            Fate::Ack => Answer::Ack,
            Fate::Retry(after) => Answer::Retry(after),
            Fate::Reject(reason) => Answer::Reject(reason),
        };
        settle(id, answer)
    });
    let said = std::mem::take(&mut *said.0.lock().expect("nobody panics with it"));
    String::from_utf8(said).expect("what is said is text")
}

#[derive(Default, Clone)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
