//! From the spool of a host into NATS JetStream: what `hook-relay` does.
//!
//! A spool serves one machine; a stream that a fleet shares is a distributed log's job. [`run`](mod@run) is a durable
//! consumer of the spool that publishes each event, and settles it when JetStream has acknowledged it; while the server
//! is away the spool keeps what comes. How an event comes to be in the stream exactly once: [`publisher`].

pub mod check;
pub mod error;
pub mod fleet;
pub mod identity;
pub mod message;
pub mod publisher;
pub mod run;
pub mod say;
pub mod server;
pub mod stream;
pub mod subject;
