//! Drives the built programs, and the real Codex CLI against a scripted model.
//!
//! A test makes a [`Sandbox`], registers hooks in it, writes a [`Scenario`] and lets Codex play it:
//!
//! ```no_run
//! use codex_hook_tests::{Hooks, Sandbox, Scenario};
//!
//! let sandbox = Sandbox::new();
//! sandbox.write_hooks(&Hooks::new(sandbox.dump_command()));
//! let prompt = sandbox.model().prompt("Say hi.", Scenario::new().shell("echo hi"));
//! sandbox.exec(&prompt).bypass_trust().run().assert_success();
//! assert_eq!(sandbox.dumped_events()[0], "SessionStart");
//! ```
//!
//! Nothing here reaches for the user's own Codex: home, `CODEX_HOME` and environment are the sandbox's own.
//! The Codex CLI that is driven is the one pinned in `tests/codex/package-lock.json`, installed once into the
//! target folder. Whatever goes wrong in the harness panics, and the message says what to do.

mod app_server;
#[cfg(unix)]
mod app_servers;
mod browser;
mod codex_install;
mod config;
mod dump;
mod exec;
mod gate;
mod hook;
mod hook_bin;
mod hooks;
mod model;
mod nats;
mod npm;
mod process;
mod sandbox;
mod scenario;
#[cfg(unix)]
mod shell_gate;
mod svg;
mod target_dir;
#[cfg(unix)]
mod tmux;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod trace;
mod typescript;

pub use app_server::{App, AppBuilder, Decision, Trust, Turn};
#[cfg(unix)]
pub use app_servers::AppServers;
pub use browser::{Browser, Page};
pub use codex_install::{codex_binary, install_codex, install_codex_version};
pub use config::Config;
pub use exec::{Exec, Finished, Running};
pub use gate::Gate;
pub use hook::{Hook, Ran, hook, run};
pub use hook_bin::{
    hook_bin_dir, hook_binary, released_hook_binary, released_no_op_binary, released_relay_binary,
};
pub use hooks::{EVENTS, Hooks};
pub use model::{Model, ModelRequest};
pub use nats::NatsServer;
pub use process::Signal;
pub use sandbox::Sandbox;
pub use scenario::{Scenario, Step};
#[cfg(unix)]
pub use shell_gate::ShellGate;
pub use svg::svg;
#[cfg(unix)]
pub use tmux::Tmux;
pub use typescript::strip_types;
