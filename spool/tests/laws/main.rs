//! The laws of a spool, tried through its public face: one subject a module.
//!
//! No test waits for a time to pass, and none needs another's spool.

mod damage;
mod flow;
mod journal;
mod log;
mod midnight;
mod order;
mod peeking;
mod presets;
mod races;
mod recovery;
mod redaction;
mod refusals;
mod replay;
mod report;
mod retention;
mod round_trip;
mod settling;
#[cfg(feature = "tokio")]
mod streaming;
mod subscribing;
mod support;
mod upheaval;
mod waiting;
