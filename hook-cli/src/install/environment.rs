//! What the installer takes from the process it runs in, and the directories that follow from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codex_spool::Spool;

use super::Error;

/// The environment, handed in: nothing below `main` reads it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `CODEX_HOME`.
    pub codex_home: Option<OsString>,
    /// `HOME` (`USERPROFILE` on Windows).
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `CODEX_HOOK_SPOOL_DIR`.
    pub spool_dir: Option<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The program running now.
    pub program: PathBuf,
    /// How long Codex may take to answer all that it is asked at a time, its start included: 10 s by default.
    pub codex_patience: Duration,
}

impl Default for Environment {
    fn default() -> Self {
        Environment {
            codex_home: None,
            home: None,
            path: None,
            spool_dir: None,
            cwd: PathBuf::new(),
            program: PathBuf::new(),
            codex_patience: Duration::from_secs(10),
        }
    }
}

impl Environment {
    /// As the process has it.
    pub fn of_process() -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Environment {
            codex_home: var("CODEX_HOME"),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            path: var("PATH"),
            spool_dir: var("CODEX_HOOK_SPOOL_DIR"),
            cwd: std::env::current_dir().unwrap_or_default(),
            program: std::env::current_exe().unwrap_or_default(),
            ..Environment::default()
        }
    }

    /// Codex's directory: `given`, else `CODEX_HOME`, else `~/.codex`.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] where the variable is relative, or no home is known.
    pub fn codex_home(&self, given: Option<&Path>) -> Result<CodexHome, Error> {
        let unset = self.codex_home.as_ref().is_none_or(|dir| dir.is_empty());
        if let Some(dir) = given {
            let dir = plain(&self.cwd.join(dir));
            // Sessions find the default by themselves.
            let default = self.home.as_ref().is_some_and(|home| dir == home.join(".codex"));
            return Ok(CodexHome { dir, named: !(unset && default) });
        }
        if let Some(dir) = self.codex_home.as_ref().filter(|dir| !dir.is_empty()) {
            let dir = PathBuf::from(dir);
            if !dir.is_absolute() {
                return Err(Error::Directory {
                    what: "CODEX_HOME is relative".into(),
                    path: dir,
                    remedy: "make it absolute: hooks run in the directories of their sessions",
                });
            }
            return Ok(CodexHome { dir: plain(&dir), named: true });
        }
        let home = self.home.as_ref().ok_or_else(|| Error::Directory {
            what: "no home directory is known".into(),
            path: PathBuf::from("~"),
            remedy: "set HOME or CODEX_HOME",
        })?;
        Ok(CodexHome { dir: home.join(".codex"), named: false })
    }

    /// The spool directory: `given`, else `CODEX_HOOK_SPOOL_DIR`, else the one of `home`; see [`Spool::locate`].
    ///
    /// # Errors
    ///
    /// [`Error::Spool`] where it is relative.
    pub fn spool_dir(&self, given: Option<&Path>, home: &CodexHome) -> Result<PathBuf, Error> {
        self.locate(given, Some(home.dir.clone().into()), None)
    }

    /// The spool directory where Codex's own does not matter: `given`, else that of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Spool`] where it is relative, or depends on a home that is not known.
    pub fn spool_of(&self, given: Option<&Path>) -> Result<PathBuf, Error> {
        self.locate(given, self.codex_home.clone(), self.home.clone())
    }

    fn locate(
        &self,
        given: Option<&Path>,
        codex_home: Option<OsString>,
        home: Option<PathBuf>,
    ) -> Result<PathBuf, Error> {
        let variable = |name: &str| match name {
            "CODEX_HOOK_SPOOL_DIR" => self.spool_dir.clone(),
            "CODEX_HOME" => codex_home.clone(),
            _ => None,
        };
        Ok(plain(&Spool::locate(given, variable, home)?))
    }
}

/// Without slashes too many: a path is compared with others, and written down.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Codex's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodexHome {
    /// Its path.
    pub dir: PathBuf,
    /// Whether it was named. Codex spells the paths in trust entries differently where it was not.
    pub(crate) named: bool,
}

impl CodexHome {
    /// Where events are kept when nothing else is said.
    pub fn default_spool(&self) -> PathBuf {
        self.dir.join("hook-spool")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }
}

/// Which of Codex's layers the hooks are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Codex's own directory: every session of this user.
    User,
    /// The `.codex` directory of a repository, given by its root: every session in it, of every user.
    Project(PathBuf),
}

impl Scope {
    /// The name in `--scope` and in install.json.
    pub fn name(&self) -> &'static str {
        match self {
            Scope::User => "user",
            Scope::Project(_) => "project",
        }
    }

    /// The directory that hooks.json and config.toml of the layer stand in.
    pub fn layer(&self, home: &CodexHome) -> PathBuf {
        match self {
            Scope::User => home.dir.clone(),
            Scope::Project(root) => root.join(".codex"),
        }
    }

    /// The project that `cwd` is in: the nearest directory upwards with a `.git`, else `cwd`.
    pub fn project_of(cwd: &Path) -> Self {
        let root = cwd.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(cwd);
        Scope::Project(root.to_owned())
    }
}
