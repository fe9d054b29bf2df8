//! Starting a delegation: the thread is known before the task is given to it, and the task is given once.

use codex_driver::{Codex, Outcome};
use serde_json::json;

use crate::delegation::{Delegation, How};
use crate::error::Result;
use crate::state::State;

/// Starts a delegation, or goes on where somebody was killed at it. After it `turn` or `result` is there, unless the
/// thread that it resumes is busy: then it is to be tried again.
///
/// Called with the lock held.
pub(crate) fn start(state: &State, codex: &mut Codex, delegation: &mut Delegation) -> Result<()> {
    loop {
        let thread = match &delegation.thread {
            Some(thread) => thread.clone(),
            None => {
                let made = codex.create_thread(&delegation.cwd, json!({}))?;
                delegation.thread = Some(made.clone());
                state.save(delegation)?;
                made
            }
        };
        match codex.deliver(&thread, &delegation.key(), &delegation.task)? {
            Outcome::Delivered { turn_id } => delegation.turn = Some(turn_id),
            Outcome::Blocked { .. } => delegation.end(How::Failed, "A hook of Codex's has blocked the task."),
            // Its server was gone before it had a turn, so there is nothing of it.
            Outcome::NoThread if !delegation.resumes => {
                delegation.thread = None;
                continue;
            }
            Outcome::NoThread => delegation.end(How::Failed, "There is no such thread."),
            _ => return Ok(()),
        }
        return state.save(delegation);
    }
}
