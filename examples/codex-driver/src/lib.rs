//! Starts threads of OpenAI's Codex CLI and puts prompts into them, each exactly once, whoever is killed in between.
//!
//! ```no_run
//! use codex_driver::{Codex, Outcome};
//!
//! let mut codex = Codex::new("/home/me/.local/state/mine");
//! let thread = codex.create_thread("/home/me/project".as_ref(), serde_json::json!({}))?;
//! // Keep the id where a crash does not lose it; then:
//! match codex.deliver(&thread, "request-1", "Run the tests.")? {
//!     Outcome::Delivered { turn_id } => println!("it became turn {turn_id}"),
//!     other => println!("not yet: {other:?}"),
//! }
//! # Ok::<(), codex_driver::Error>(())
//! ```
//!
//! # How
//!
//! It speaks to a `codex app-server` that listens on a Unix socket: the background server of the interactive Codex where
//! that runs, so that people see the turn in their terminal as it happens; else one of its own, which it starts, and which
//! outlives this program, so that nobody's death interrupts a turn.
//!
//! Codex lets one process at a time have a thread loaded, by a lock that the kernel frees when the process dies, and it
//! writes the id that a client gives to a prompt, the *key*, into the transcript. So whoever has the thread loaded and
//! finds it idle, and its transcript without the key, knows that the prompt was not delivered, and nobody else delivers it.
//! That is what [`Codex::deliver`] does. Codex's answer to `turn/start` is no receipt: it comes before anything
//! is on disk.
//!
//! [`Pending`] does so until it is done, also where the thread is with a Codex that cannot be spoken to; an [`Addressee`] is a
//! thread that may have to be made first. What came of the turn, [`find_end`] tells.
//!
//! # Limitations
//!
//! - Unix only; measured with Codex 0.169.0. Elsewhere all fails with [`Error::NoServer`].
//! - A prompt that somebody types at the same moment, in the milliseconds between the look and the start, and ours become
//!   one turn: Codex has no "only if idle".
//! - Approvals are never answered. They stay open until a person comes: [`Codex::attach_command`].

mod addressee;
mod codex;
mod connection;
mod error;
mod outcome;
mod own_server;
mod pace;
mod pending;
mod prompt;
mod requests;
mod run;
mod sys;
mod turn_end;

pub use self::addressee::Addressee;
pub use self::codex::{Codex, home};
pub use self::error::{Error, Result};
pub use self::outcome::{Outcome, Place};
pub use self::pace::Pace;
pub use self::pending::Pending;
pub use self::prompt::find_prompt;
pub use self::run::{Confinement, Run};
pub use self::turn_end::{End, find_end};
