//! `hook install`, `status`, `doctor` and `uninstall` beside the real Codex: what they say is so, and what they have
//! written is what Codex runs.

#![cfg(unix)]

mod diagnosing;
mod faults;
mod places;
mod refusing;
mod support;
mod trusting;
