//! What became of a prompt, and where it is.

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in the transcript, and outlives any crash from here on. Final.
    Delivered {
        /// The turn that it became, or was steered into.
        turn_id: String,
    },
    /// Its turn has ended without it: a hook has blocked it, or somebody was quick to interrupt. Final.
    Blocked {
        /// Its turn.
        turn_id: String,
    },
    /// Codex has it, but not yet in the transcript. Ask again.
    Unconfirmed,
    /// A turn runs; nothing was done. Ask again when the thread is idle.
    Busy {
        /// Whether it waits for an approval, or for an answer of the user's.
        is_waiting: bool,
    },
    /// Another Codex has the thread loaded, one that cannot be spoken to; nothing was done. A `codex exec` lets go of it
    /// when its turn has ended; a terminal without the background server, or an editor, keeps it:
    /// [`Codex::enqueue`](crate::Codex::enqueue).
    Elsewhere,
    /// It waits in Codex's own queue of the thread: [`Codex::find`](crate::Codex::find) tells what becomes of it.
    Queued,
    /// It has left Codex's own queue, and is in no turn: somebody has removed it, or Codex was killed as it took it. Told
    /// by [`Pending`](crate::Pending).
    Lost,
    /// There is no such thread, or one that has never had a turn and whose server has gone. Nothing was done.
    NoThread,
    /// Who was asked by [`Codex::deliver_if`](crate::Codex::deliver_if) has said no. Nothing was done.
    Refused,
}

/// Where a prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the transcript, in this turn.
    Turn(String),
    /// In Codex's own queue of the thread.
    Queue,
    /// In neither.
    Nowhere,
}
