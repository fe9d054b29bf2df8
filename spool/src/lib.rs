//! Durable lifecycle events of the Codex CLI.
