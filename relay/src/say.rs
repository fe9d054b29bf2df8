//! What is said on standard error.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Mutex;

/// A line. Where nobody takes it there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "hook-relay: {}", line.replace(['\n', '\r'], " "));
}

/// What is wrong for a while, in one way or several: each is said when it is met first, and that it is over; not whenever it
/// is met.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<BTreeSet<String>>);

/// More ways than this are not told one by one.
const WAYS: usize = 8;

impl Trouble {
    /// It is so.
    pub(crate) fn is(&self, trouble: String) {
        let mut known = self.known();
        if known.len() < WAYS && !known.contains(&trouble) {
            say(&trouble);
            known.insert(trouble);
        }
    }

    /// All is well, which is said so.
    pub(crate) fn is_over(&self, relief: &str) {
        if !std::mem::take(&mut *self.known()).is_empty() {
            say(relief);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
