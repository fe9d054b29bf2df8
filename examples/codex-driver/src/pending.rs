//! A prompt that is tried until it is delivered.

use std::time::{Duration, Instant};

use crate::codex::Codex;
use crate::error::Result;
use crate::outcome::{Outcome, Place};

/// How long a Codex that cannot be spoken to must have had a thread that is at rest, to be there to stay: `codex exec` lets
/// go of it within a second.
const KEPT_FOR_GOOD: Duration = Duration::from_secs(5);

/// How long what has left Codex's own queue may be nowhere. It takes milliseconds.
const NOWHERE: Duration = Duration::from_secs(5);

/// A prompt that is tried again and again until it is delivered, and what it has met with so far.
///
/// A thread that another Codex keeps open for good, an editor or a terminal without the background server, is served through
/// Codex's own queue; where that Codex is closed before it has taken the prompt, it is delivered as others are.
#[derive(Debug, Default)]
pub struct Pending {
    /// Whether Codex has it in its queue, or had.
    is_queued: bool,
    /// Since when the thread has been kept; of one that was queued, since when it has been nowhere.
    since: Option<Instant>,
}

impl Pending {
    /// One that an earlier program was told [`Outcome::Queued`] of. It is not queued again, but found, or lost.
    pub fn queued() -> Self {
        Self { is_queued: true, since: None }
    }

    /// Tries now. Ask again, every second or two, until it is [`Outcome::Delivered`], or [`Outcome::Lost`].
    ///
    /// `is_at_rest` is whether the hooks tell that no turn runs in the thread, which is not known otherwise where it is
    /// [`Outcome::Elsewhere`]. Only then is it queued, lest a `codex exec` finds it there as it ends.
    ///
    /// # Errors
    /// Those of [`Codex::deliver`] and [`Codex::enqueue`].
    pub fn deliver(
        &mut self,
        codex: &mut Codex,
        thread: &str,
        key: &str,
        prompt: &str,
        is_at_rest: bool,
    ) -> Result<Outcome> {
        let outcome = if self.is_queued {
            match codex.find(thread, key)? {
                Place::Turn(turn_id) => Outcome::Delivered { turn_id },
                Place::Nowhere if self.has_lasted(NOWHERE) => Outcome::Lost,
                Place::Nowhere => return Ok(Outcome::Unconfirmed),
                Place::Queue => {
                    self.since = None;
                    codex.deliver_queued(thread, key, prompt)?
                }
            }
        } else {
            codex.deliver(thread, key, prompt)?
        };
        match outcome {
            Outcome::Elsewhere if self.is_queued => Ok(Outcome::Queued),
            Outcome::Elsewhere if is_at_rest => {
                if !self.has_lasted(KEPT_FOR_GOOD) {
                    return Ok(outcome);
                }
                let outcome = codex.enqueue(thread, key, prompt)?;
                *self = Self { is_queued: outcome == Outcome::Queued, since: None };
                Ok(outcome)
            }
            // It may be in the queue still.
            Outcome::Busy { .. } | Outcome::Unconfirmed if self.is_queued => Ok(outcome),
            _ => {
                *self = Self::default();
                Ok(outcome)
            }
        }
    }

    /// Whether it has met with the same for that long.
    fn has_lasted(&mut self, long: Duration) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() >= long
    }
}
