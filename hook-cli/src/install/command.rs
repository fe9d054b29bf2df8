//! The command that Codex runs: how it is chosen, written, and told from others.

use std::fmt;
use std::path::{Path, PathBuf};

use super::platform::{EXE, is_program, search_path, shell_quote, shell_words};
use super::{Environment, Error};

/// A command whose words are `[…/]hook event [--spool-dir X]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCommand {
    /// The program, as it is written.
    pub program: String,
    /// The spool directory, where it is given.
    pub spool_dir: Option<PathBuf>,
}

impl HookCommand {
    /// The command line for the shell. `None`: a path in it can't be written so that every shell takes it.
    pub fn line(&self) -> Option<String> {
        let mut line = format!("{} event", shell_quote(&self.program)?);
        if let Some(dir) = &self.spool_dir {
            line = format!("{line} --spool-dir {}", shell_quote(dir.to_str()?)?);
        }
        Some(line)
    }

    /// Takes a command line apart, if it is one of ours.
    pub fn recognise(line: &str) -> Option<Self> {
        let words = shell_words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (program, spool_dir) = match words.as_slice() {
            [program, "event"] => (program, None),
            [program, "event", "--spool-dir", dir] => (program, Some(*dir)),
            [program, "event", option] => (program, Some(option.strip_prefix("--spool-dir=")?)),
            _ => return None,
        };
        let name = program.rsplit(['/', '\\']).next()?;
        matches!(name, "hook" | "hook.exe")
            .then(|| HookCommand { program: (*program).to_owned(), spool_dir: spool_dir.map(PathBuf::from) })
    }
}

/// The path by which the user's PATH finds this very program.
///
/// # Errors
///
/// [`Error::UnstableCommand`] where PATH finds none or another one, or the path would not stand the next upgrade.
pub fn stable_program(environment: &Environment) -> Result<PathBuf, Error> {
    let unstable = |reason: &str, path: &Path, remedy| {
        Err(Error::UnstableCommand { reason: reason.to_owned(), path: path.to_owned(), remedy })
    };
    let Some(own) = own_program(environment) else {
        return unstable(
            "there is no `hook` beside it",
            &environment.program,
            "install the whole package, or give the command with --command",
        );
    };
    let name = format!("hook{EXE}");
    let found =
        search_path(environment.path.as_ref()).into_iter().map(|dir| dir.join(&name)).find(|p| is_program(p));
    let Some(found) = found else {
        return unstable(
            "its folder is not on your PATH",
            &own,
            "add its folder to PATH, or give the command with --command",
        );
    };
    let real = std::fs::canonicalize(&found).map_err(|source| Error::io("resolve", &found, source))?;
    if real != own {
        return unstable(
            "your PATH finds this other program first",
            &found,
            "put this one first in PATH, or give the command with --command",
        );
    }
    if let Some(reason) = built_by_cargo(&found).or_else(|| built_by_cargo(&real)) {
        return unstable(
            reason,
            &found,
            "run `cargo install --locked --path hook-cli`, or give the command with --command",
        );
    }
    if let Some(reason) = versioned(&found) {
        return unstable(
            reason,
            &found,
            "put the directory of the unversioned link first in PATH, or give the command with --command",
        );
    }
    Ok(found)
}

/// A program that hooks name and that is not there, or may not be executed: an absolute path, or the name of ours that PATH
/// does not find. Of a command that leaves more to the shell nobody can tell.
pub(crate) fn missing_program(line: &str, environment: &Environment) -> Option<MissingProgram> {
    let words = shell_words(line)?;
    let program = words.first()?;
    let is_ours = HookCommand::recognise(line).is_some();
    let path = match (program.strip_prefix("~/"), &environment.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(program),
    };
    if path.is_absolute() {
        let remedy = match stable_program(environment) {
            _ if !is_ours => "put it back, or name another with `hook install --trust --command CMD`",
            Ok(_) => "run `hook install --trust`",
            Err(_) => "install codex-hook again, then run `hook install --trust`",
        };
        return (!is_program(&path)).then_some(MissingProgram {
            fault: "it is not there, or no program",
            path,
            remedy,
        });
    }
    let found = |dir: PathBuf| ["", EXE].iter().any(|end| is_program(&dir.join(format!("{program}{end}"))));
    let is_name = path.components().count() == 1 && is_ours;
    let remedy = "put the folder of `hook` on the PATH that Codex is started with";
    (is_name && !search_path(environment.path.as_ref()).into_iter().any(found)).then_some(MissingProgram {
        fault: "it is not on PATH",
        path,
        remedy,
    })
}

/// The program of a hook, where Codex could not start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingProgram {
    /// What is wrong with it.
    pub fault: &'static str,
    /// The program.
    pub path: PathBuf,
    /// What brings it back.
    pub remedy: &'static str,
}

impl fmt::Display for MissingProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the program of the hooks cannot run ({}): {}: {}",
            self.fault,
            self.path.display(),
            self.remedy
        )
    }
}

/// The `hook` that belongs to the program running now, behind all links.
pub(crate) fn own_program(environment: &Environment) -> Option<PathBuf> {
    let running = std::fs::canonicalize(&environment.program).ok()?;
    let own = running.parent()?.join(format!("hook{EXE}"));
    is_program(&own).then(|| std::fs::canonicalize(own).ok()).flatten()
}

fn components(path: &Path) -> Vec<String> {
    path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

fn built_by_cargo(path: &Path) -> Option<&'static str> {
    let parts = components(path);
    let target = parts.iter().position(|part| part == "target")?;
    parts[target..]
        .iter()
        .any(|part| part == "debug" || part == "release")
        .then_some("it lies in cargo's build folder, which the next clean empties")
}

/// Directories that bear the version in their name: the next upgrade takes them away.
fn versioned(path: &Path) -> Option<&'static str> {
    const SEQUENCES: [(&[&str], &str); 8] = [
        (&["Cellar"], "it lies in Homebrew\'s Cellar, whose paths bear the version"),
        (&["nix", "store"], "it lies in the Nix store, whose paths bear the version"),
        (&["gnu", "store"], "it lies in the Guix store, whose paths bear the version"),
        (&[".asdf", "installs"], "it lies in asdf\'s installs, whose paths bear the version"),
        (&["asdf", "installs"], "it lies in asdf\'s installs, whose paths bear the version"),
        (&["mise", "installs"], "it lies in mise\'s installs, whose paths bear the version"),
        (&["rtx", "installs"], "it lies in rtx\'s installs, whose paths bear the version"),
        (&[".proto", "tools"], "it lies in proto\'s tools, whose paths bear the version"),
    ];
    let parts = components(path);
    SEQUENCES
        .iter()
        .find(|(names, _)| parts.windows(names.len()).any(|window| window.iter().eq(names.iter())))
        .map(|(_, reason)| *reason)
}
