//! What every Codex session on this machine is doing: events, transcripts and processes folded into threads.
//!
//! The state of a thread is a function of the *set* of what is known of it, not of the order in which it came to be
//! known. Each part of it is a value that only grows towards a later stamp (the last writer wins), a set, or derived
//! from these when it is asked for. So an event that is applied twice, late or before another changes nothing in the end.

mod counted;
mod doing;
mod facts;
mod index;
mod latest;
#[cfg(feature = "tokio")]
mod live;
mod lives;
mod observer;
mod process;
mod rebuild;
mod reconcile;
mod state;
mod thread;
mod transcript;
mod transition;
mod turn;

pub use self::index::ThreadIndex;
#[cfg(feature = "tokio")]
pub use self::live::{LiveThreads, ThreadUpdate, ThreadUpdates, Updates};
pub use self::observer::{Changes, Observer};
pub use self::thread::{Approval, Status, Thread, ToolUse};
#[cfg(fuzzing)]
pub(crate) use self::transcript::{Known, Reach, Told};
pub use self::transition::{Change, Transition, Witness};
