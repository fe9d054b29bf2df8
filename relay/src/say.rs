//! What is said on standard error.

use std::io::Write;
use std::sync::Mutex;

/// A line. Where nobody takes it there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "hook-relay: {}", line.replace(['\n', '\r'], " "));
}

/// What keeps events from being published: said when it begins, when it becomes another, and when it is over; not at every
/// event that it hits.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// It is so.
    pub(crate) fn is(&self, trouble: &str) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.as_deref() != Some(trouble) {
            say(&format!("{trouble}; the events wait in the spool, and it is tried again"));
            *known = Some(trouble.to_owned());
        }
    }

    /// All is well.
    pub(crate) fn is_over(&self) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.take().is_some() {
            say("events are published again");
        }
    }
}
