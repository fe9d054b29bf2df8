//! The thread that prompts go to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::codex::Codex;
use crate::error::Result;
use crate::outcome::Outcome;
use crate::pending::Pending;

/// The thread that prompts go to: one that is there, or one that is made when it is needed.
///
/// Codex forgets a thread that has not had a turn, and then another one will do. So that a session is started once, whoever
/// is killed meanwhile, whoever has made a thread keeps this where a crash does not lose it, before the first prompt goes
/// there:
///
/// ```no_run
/// # use codex_driver::{Addressee, Codex, Pending, Result};
/// # fn keep(addressee: &Addressee) {}
/// # fn start(mut codex: Codex) -> Result<()> {
/// let mut addressee = Addressee::new(None, "/home/me/project");
/// if addressee.make(&mut codex)? {
///     keep(&addressee);
/// }
/// let outcome = addressee.deliver(&mut codex, &mut Pending::default(), "request-1", "Run the tests.", false)?;
/// keep(&addressee);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// Its id. `None`: it is yet to be made.
    pub thread: Option<String>,
    /// Where it works.
    pub cwd: PathBuf,
    /// Whether it was made here, and is not known to have had a turn.
    is_unused: bool,
}

impl Addressee {
    /// A thread that is there, or is to be made in that folder.
    pub fn new(thread: Option<String>, cwd: impl Into<PathBuf>) -> Self {
        Self { is_unused: thread.is_none(), thread, cwd: cwd.into() }
    }

    /// Makes the thread where there is none. Whether it was made: then it is to be kept, before anything else.
    ///
    /// # Errors
    /// Those of [`Codex::create_thread`].
    pub fn make(&mut self, codex: &mut Codex) -> Result<bool> {
        if self.thread.is_some() {
            return Ok(false);
        }
        self.thread = Some(codex.create_thread(&self.cwd, json!({}))?);
        Ok(true)
    }

    /// Delivers a prompt as [`Pending::deliver`] does. [`Outcome::NoThread`] where no thread is there: if `thread` is then
    /// `None`, Codex has forgotten one that was made, and another is to be [made](Self::make).
    ///
    /// # Errors
    /// Those of [`Pending::deliver`].
    pub fn deliver(
        &mut self,
        codex: &mut Codex,
        pending: &mut Pending,
        key: &str,
        prompt: &str,
        is_at_rest: bool,
    ) -> Result<Outcome> {
        let Some(thread) = &self.thread else { return Ok(Outcome::NoThread) };
        let outcome = pending.deliver(codex, thread, key, prompt, is_at_rest)?;
        match outcome {
            Outcome::Delivered { .. } => self.is_unused = false,
            Outcome::NoThread if self.is_unused => self.thread = None,
            _ => {}
        }
        Ok(outcome)
    }
}
