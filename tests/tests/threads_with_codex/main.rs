//! Real Codex sessions, and what the index of threads makes of them: the transitions in order, and the state at the end.

#![cfg(unix)]

mod approvals;
mod ends;
mod fewer_hooks;
mod many;
mod support;
mod turns;
