//! Writes Codex's hook files, gives them back, and talks with Codex about trust.
//!
//! What is promised: every byte that is not ours stays as it is; a file that Codex would refuse is never touched; a file is
//! replaced whole or not at all; [`uninstall`] gives back the very bytes that [`install`] found where nobody has edited
//! them in between.
//!
//! ```
//! use codex_hook::install::{self, Environment, EventSet, InstallRequest, Scope, UninstallRequest};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let environment = Environment { home: Some(dir.path().into()), ..Environment::default() };
//! let home = environment.codex_home(None)?;
//! let request = InstallRequest {
//!     spool_dir: home.default_spool(),
//!     home: home.clone(),
//!     scope: Scope::User,
//!     events: EventSet::core(),
//!     command: "/usr/local/bin/hook event".into(),
//!     version: None,
//! };
//! let done = install::install(&environment, &request, false)?;
//! assert!(done.changed() && done.needs_trust);
//!
//! install::uninstall(&environment, &UninstallRequest { home, scope: Scope::User }, false)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Limitations
//!
//! A program that writes into a file, rather than renaming another over it, in the microseconds in which we replace it loses
//! its write; so does any on a file system that can't exchange two files. Hard links to a file are parted from it; symlinks are followed.

mod app_server;
mod attempt;
mod bounded;
mod codex;
mod command;
mod config_toml;
mod diff;
mod doctor;
mod environment;
mod fault;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hook_event;
mod hooks_json;
mod inline_hooks;
mod install_json;
mod installer;
mod judge;
mod layer;
mod lock;
mod outcomes;
mod patch;
mod pending;
mod platform;
mod purge;
mod registration;
mod replace;
mod running;
mod snippet;
mod spool_of_hooks;
mod status;
mod strict_json;
mod text;
mod toml_extent;
mod trial;
mod trust;
mod trust_entries;
mod uninstaller;

pub use crate::error::Error;
pub use app_server::{AppServer, HookList, ListedHook, TrustStatus};
pub use codex::{Codex, CodexVersion};
pub use command::{HookCommand, MissingProgram, stable_program};
pub use diff::unified_diff;
pub use doctor::{Check, CheckStatus, all_well, doctor};
pub use environment::{CodexHome, Environment, Scope};
pub use fault::Fault;
pub use hook_event::{EventSet, HookEvent};
pub use install_json::FeatureFlag;
pub use installer::{InstallRequest, Standing, install, standing};
pub use outcomes::{FileChange, Outcomes};
pub use purge::Purge;
pub use registration::Registration;
pub use running::end_together;
pub use snippet::snippets;
pub use spool_of_hooks::spool_of_hooks;
pub use status::{AlsoRegistered, CodexReport, FeatureReport, HookReport, HookState, Status, status};
pub use strict_json::check_hooks_json;
pub use trust::{TrustReport, trust};
pub use uninstaller::{UninstallRequest, uninstall};
