//! Delegations to the real Codex, whoever is killed in between.

#![cfg(unix)]

mod killed;
mod readme;
mod returning;
mod sessions;
mod support;
