//! Durable, ordered lifecycle events of OpenAI's Codex CLI, for any number of programs on one machine.
//!
//! Codex starts a hook for each event of a session; the hook `hook event` records it in a *spool*, a directory.
//! Programs that want to know what Codex does open a *consumer* on that directory and *drain* it. There is no daemon.
//!
//! ```no_run
//! use codex_spool::{Spool, Start};
//!
//! let spool = Spool::open_default()?;
//! let mut consumer = spool.consumer("dashboard")?.start(Start::Earliest).open()?;
//! for delivery in consumer.listen() {
//!     let delivery = delivery?;
//!     let event = delivery.event();
//!     println!("{} {:?}", event.kind(), event.thread_id());
//!     delivery.ack()?;
//! }
//! # Ok::<(), codex_spool::Error>(())
//! ```
//!
//! - [`Consumer`]: a place in the stream under a name. It [drains](Consumer::drain) what is there or
//!   [waits](Consumer::listen) for what comes, woken by the file system; with the feature `tokio` as a stream.
//!   [`ConsumerBuilder`] says which events it wants, and how.
//! - [`Delivery`]: an event in its hands, to be [acknowledged](Delivery::ack), [retried](Delivery::retry) or
//!   [rejected](Delivery::reject), from any thread. What was rejected is [listed, and can be put back](Spool::dead).
//! - [`Event`]: the payload as Codex sent it, [typed](Event::view) where wanted.
//! - [`EventLog`]: the events in an order that never changes, each with a [`Cursor`]: for those that hand them on to others.
//! - [`Journal`]: the events of the last days, read [without subscribing](Spool::journal).
//! - [`ThreadIndex`]: events folded into what every thread is doing; an [`Observer`] gives each change as it happens, and, with
//!   the feature `tokio`, `LiveThreads` is asked, and waited on, by any number of tasks.
//!
//! # Errors on the way
//!
//! What is wrong with one event (a record is [damaged](Error::Damaged), a file cannot be read now) is an item of the
//! iterator like any other, and ends nothing: whoever wants the others goes on. In the examples `?` ends the program.
//!
//! # What it promises
//!
//! - **Durable.** What [`Spool::record`] has returned `Ok` for outlives the crash of any process and, unless the
//!   settings say otherwise, the loss of power.
//! - **Whole.** Nobody sees half an event. A damaged record is set aside and reported, never delivered, never fatal.
//! - **Once.** One firing of a hook is one event, however often Codex repeats it: [`EventId`].
//! - **At least once, for each consumer.** An event stays in the queue of each consumer until that one settles it.
//!   Only after an unclean end may it get again what it had settled.
//! - **In order.** Of two events of a thread, one whose recording had ended before the other was captured is delivered
//!   first. What comes late says so: [`Delivery::is_late`]. Whether the next event of a thread waits until the one before
//!   is settled, each consumer says: [`ConsumerBuilder::ordered_by_thread`].
//!
//! # Limitations
//!
//! - It needs a local file system with hard links and file locks.
//! - Two firings that Codex makes indistinguishable are one event: two parallel, identical approval requests of one
//!   turn; a model request that is retried before the thread has moved; identical events of an ephemeral thread; a
//!   resume of a thread that has not moved within the same day.
//! - Processes of the same user can read, change and forge everything in it.
//! - Events hold prompts and the output of tools. Secrets among it are masked only where the settings ask for it, and
//!   only where they are found: [`Redact`].

/// Typed payloads, one type for each kind of event.
pub mod view {
    pub use crate::event::view::*;
}

#[cfg(feature = "testing")]
pub mod testing;

mod backfill;
mod capture;
mod consumer;
mod dead;
mod delivery;
mod disk;
mod draft;
mod error;
mod event;
mod expiry;
mod filter;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod holder;
mod id;
mod intent;
mod journal;
mod json_text;
mod log;
mod name;
mod names;
#[cfg(not(feature = "observe-disk"))]
#[allow(dead_code, unreachable_pub, reason = "what it takes to observe is not compiled")]
mod observe;
#[cfg(feature = "observe-disk")]
#[doc(hidden)]
pub mod observe;
mod payload;
mod peek;
mod queue;
mod record;
mod recovery;
mod redact;
mod removal;
mod report;
mod retention;
mod settings;
mod spool;
mod subscribe;
mod sweep;
mod sys;
mod threads;
mod time;
mod truncate;
mod write;

pub use self::capture::Capture;
#[cfg(feature = "tokio")]
pub use self::consumer::EventStream;
pub use self::consumer::{Consumer, Drain, Listen, Statistics, StopHandle, Wake};
pub use self::dead::DeadEvent;
pub use self::delivery::Delivery;
pub use self::error::{Error, Result};
pub use self::event::{Event, EventKind, Redaction};
pub use self::expiry::ExpiredConsumer;
pub use self::id::EventId;
pub use self::journal::Journal;
pub use self::log::{Cursor, EventLog, LogKeeper, LoggedEvent, Page, Scan};
pub use self::names::{ConsumerName, InvalidName, ThreadId};
pub use self::peek::{Peek, PendingEvent};
pub use self::redact::Redact;
pub use self::report::{ConsumerReport, SpoolReport};
pub use self::retention::{Prune, Pruned};
pub use self::settings::{Durability, Settings};
pub use self::spool::Spool;
pub use self::subscribe::{ConsumerBuilder, Start};
pub use self::threads::{
    Approval, Change, Changes, Observer, Status, Thread, ThreadIndex, ToolUse, Transition, Witness,
};
#[cfg(feature = "tokio")]
pub use self::threads::{LiveThreads, ThreadUpdate, ThreadUpdates, Updates};
pub use self::truncate::Truncation;
pub use self::write::Recorded;

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
