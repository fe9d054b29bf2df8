use clap::ValueEnum;

use crate::error::Error;
use crate::install::{Environment, Scope};

/// `--scope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// Every session of yours: hooks.json and config.toml in Codex's directory
    #[default]
    User,
    /// Sessions in this repository, of everybody who works there: its .codex/hooks.json
    Project,
}

impl ScopeName {
    pub(crate) fn scope(self, environment: &Environment) -> Result<Scope, Error> {
        if self == ScopeName::User {
            return Ok(Scope::User);
        }
        match Scope::project_of(&environment.cwd) {
            Scope::Project(root) if !root.join(".git").exists() => Err(Error::Directory {
                what: "no repository to install into".into(),
                path: root,
                remedy: "go into one, or leave --scope out",
            }),
            scope => Ok(scope),
        }
    }
}
