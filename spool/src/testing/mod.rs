//! For the tests of programs that embed this crate, with the feature `testing`: a spool that goes with the test, a clock
//! that is set, and the payloads of every kind of event, without a Codex.
//!
//! ```toml
//! [dev-dependencies]
//! codex-spool = { version = "0.1", features = ["testing"] }
//! ```
//!
//! ```
//! use codex_spool::testing::{TestSpool, payload};
//! use codex_spool::{Spool, Start, view::View};
//!
//! /// What is to be tested: tells which threads are done.
//! fn done(spool: &Spool) -> codex_spool::Result<Vec<String>> {
//!     let mut done = Vec::new();
//!     for delivery in spool.consumer("mine")?.start(Start::Earliest).open()?.drain() {
//!         let delivery = delivery?;
//!         if let View::Stop(stop) = delivery.event().view()? {
//!             done.push(stop.session_id);
//!         }
//!         delivery.ack()?;
//!     }
//!     Ok(done)
//! }
//!
//! let spool = TestSpool::new();
//! spool.fire(payload::user_prompt_submit("a").prompt("Mend the build."));
//! spool.fire(payload::user_prompt_submit("b"));
//! spool.fire(payload::stop("a").last_assistant_message("Done."));
//! assert_eq!(done(&spool)?, ["a"]);
//! # Ok::<(), codex_spool::Error>(())
//! ```
//!
//! Everything here panics where the library would return an error: in a test that is the shorter way to the same end.

pub mod payload;
mod spool;

pub use self::payload::Payload;
pub use self::spool::TestSpool;
