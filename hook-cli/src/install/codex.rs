//! Finds the `codex` of the user's PATH, and asks it for its version.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::bounded::run;
use super::platform::{EXE, is_program, search_path};
use super::{CodexHome, Environment};

/// A version of Codex: `0.169.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodexVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl CodexVersion {
    /// The first version number in what `codex --version` prints.
    pub fn find_in(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let core = word.split(['-', '+']).next()?;
            let mut numbers = core.split('.').map(|number| number.parse().ok());
            let version = CodexVersion {
                major: numbers.next()??,
                minor: numbers.next()??,
                patch: numbers.next().unwrap_or(Some(0))?,
            };
            Some(version)
        })
    }

    fn since(self, minor: u32) -> bool {
        (self.major, self.minor) >= (0, minor)
    }

    /// Before 0.124 only hooks.json was read.
    pub fn reads_inline_hooks(self) -> bool {
        self.since(124)
    }

    /// Since 0.129 no hook runs that has not been trusted, and the switch is called `hooks`.
    pub fn asks_for_trust(self) -> bool {
        self.since(129)
    }

    /// The name of the switch in `[features]`.
    pub fn feature_name(self) -> &'static str {
        if self.since(129) { "hooks" } else { "codex_hooks" }
    }
}

impl fmt::Display for CodexVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The Codex that the user's PATH finds.
#[derive(Clone, Debug)]
pub struct Codex {
    /// The program.
    pub path: PathBuf,
    /// What it says it is; `None` where it says nothing that can be understood.
    pub version: Option<CodexVersion>,
    /// How `CODEX_HOME` is set for it: not at all where the home is the default, since that changes how Codex writes paths.
    home: Option<PathBuf>,
    /// How long it may take to answer.
    patience: Duration,
    /// What is left of that after it was asked for its version; nothing where it did not answer.
    left: Duration,
}

impl Codex {
    /// Looks in PATH and asks for the version. `None`: there is no codex.
    pub fn find(environment: &Environment, home: &CodexHome) -> Option<Self> {
        let name = format!("codex{EXE}");
        let dirs = search_path(environment.path.as_ref());
        let path = dirs.into_iter().map(|dir| dir.join(&name)).find(|path| is_program(path))?;
        let patience = environment.codex_patience;
        let home = home.named.then(|| home.dir.clone());
        let mut codex = Codex { path, version: None, home, patience, left: patience };
        codex.ask_version();
        Some(codex)
    }

    /// A command that runs it for the home it was found for.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        match &self.home {
            Some(home) => command.env("CODEX_HOME", home),
            None => command.env_remove("CODEX_HOME"),
        };
        command
    }

    fn ask_version(&mut self) {
        let start = Instant::now();
        let mut command = self.command();
        command.arg("--version");
        let ended = run(command, "", self.patience);
        self.left = self.patience.saturating_sub(start.elapsed());
        self.version = ended.ok().flatten().and_then(|ended| CodexVersion::find_in(&ended.stdout));
    }

    /// How long it may take to answer, in all.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// How much of its time it has not used up by telling its version.
    pub(crate) fn time_left(&self) -> Duration {
        self.left
    }

    /// The path of the program.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
