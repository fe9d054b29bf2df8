//! Standard error: what went wrong, a line each.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::terminal::harmless;

/// Where complaints go; several threads may have it.
#[derive(Clone)]
pub(crate) struct Complaints(Arc<Mutex<Box<dyn Write + Send>>>);

impl Complaints {
    pub(crate) fn new(to: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(to))))
    }

    /// Says in a line what went wrong. It may quote what others have written.
    pub(crate) fn complain(&self, what: &dyn fmt::Display) {
        self.write(&format!("hook: {}\n", harmless(&what.to_string())));
    }

    /// Writes text that is ours.
    pub(crate) fn write(&self, text: &str) {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // With nobody left to tell, the exit code has to do.
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }
}
