use clap::ValueEnum;

use crate::install::{Environment, Scope};

/// `--scope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// Every session of yours.
    #[default]
    User,
    /// Sessions in the repository that the working directory is in, of everybody who works there.
    Project,
}

impl ScopeName {
    pub(crate) fn scope(self, environment: &Environment) -> Scope {
        match self {
            ScopeName::User => Scope::User,
            ScopeName::Project => Scope::project_of(&environment.cwd),
        }
    }
}
