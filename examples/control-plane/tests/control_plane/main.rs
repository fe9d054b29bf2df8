//! What the README promises, tried: on the real program, the real Codex, and a real browser.

#![cfg(unix)]

mod api;
mod guard;
mod many;
mod page;
mod streams;
mod support;
