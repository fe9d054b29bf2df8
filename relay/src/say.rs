//! What is said on standard error.

use std::io::Write;
use std::sync::Mutex;

/// A line. Where nobody takes it there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "hook-relay: {}", line.replace(['\n', '\r'], " "));
}

/// What is wrong for a while: said when it begins, when it becomes another, and when it is over; not whenever it is met.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// It is so.
    pub(crate) fn is(&self, trouble: String) {
        let mut known = self.known();
        if known.as_ref() != Some(&trouble) {
            say(&trouble);
            *known = Some(trouble);
        }
    }

    /// All is well, which is said so.
    pub(crate) fn is_over(&self, relief: &str) {
        if self.known().take().is_some() {
            say(relief);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
