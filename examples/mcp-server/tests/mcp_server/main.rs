//! What the README promises, seen by MCP clients: the one of the MCP SDK, and Codex itself.

#![cfg(unix)]

mod as_codex;
mod client;
mod events;
mod killed;
mod sending;
mod threads;
