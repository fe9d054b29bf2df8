//! A home for one Codex, and nobody else's.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use tempfile::TempDir;

#[cfg(unix)]
use crate::hook_bin::hook_bin_dir;
use crate::{
    app_server::{App, AppBuilder},
    codex_install::codex_binary,
    config::Config,
    dump::Dump,
    exec::Exec,
    hooks::Hooks,
    model::Model,
};

/// What a process may see of the environment of the tests: where programs are, and what Windows can't do without.
const INHERITED: [&str; 5] = ["PATH", "SystemRoot", "SystemDrive", "ComSpec", "PATHEXT"];

/// A fresh `HOME`, `CODEX_HOME` and project, and a model of its own; all are gone when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    model: Model,
    dump: Dump,
    env: Vec<(OsString, OsString)>,
    outputs: AtomicUsize,
    codex: Option<PathBuf>,
    root: PathBuf,
    // The last: what uses the folder is dropped before it.
    _dir: TempDir,
}

impl Sandbox {
    /// A sandbox in which Codex never asks.
    pub fn new() -> Self {
        Self::with(&Config::new())
    }

    /// A sandbox with a configuration.
    pub fn with(config: &Config) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("codex-hook-")
            .tempdir()
            .expect("the temporary directory can be written to");
        // Codex resolves symbolic links in paths, and macOS has its temporary directory behind one.
        let root = dir.path().canonicalize().expect("a new folder can be resolved");
        for name in ["home", "codex-home", "project", "tmp", "dump", "output"] {
            fs::create_dir(root.join(name)).expect("a new folder can be written to");
        }
        let model = Model::start();
        let dump = Dump::create(&root.join("dump")).expect("a new folder can be written to");
        let mut env: Vec<(OsString, OsString)> = INHERITED
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)))
            .collect();
        env.extend([
            ("HOME".into(), root.join("home").into()),
            ("USERPROFILE".into(), root.join("home").into()),
            ("CODEX_HOME".into(), root.join("codex-home").into()),
            // Its own, because Codex holds back from a CODEX_HOME that lies in the temporary directory.
            ("TMPDIR".into(), root.join("tmp").into()),
            ("TEMP".into(), root.join("tmp").into()),
            ("TMP".into(), root.join("tmp").into()),
            ("SCRIPTED_MODEL_KEY".into(), "none".into()),
        ]);
        let sandbox = Self { model, dump, env, outputs: AtomicUsize::new(0), codex: None, root, _dir: dir };
        sandbox.write_config(config);
        sandbox
    }

    /// Sets a variable for every process started from here on.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env.retain(|(other, _)| *other != name);
        self.env.push((name, value.into()));
        self
    }

    /// Takes a variable away from every process started from here on.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.env.retain(|(other, _)| other != OsStr::new(name));
        self
    }

    /// Has another Codex CLI than the pinned one: the program at this path.
    pub fn with_codex(mut self, program: impl Into<PathBuf>) -> Self {
        self.codex = Some(program.into());
        self
    }

    /// Installs `hook` and `codex` as a user has them: in a folder of their own, [`Sandbox::bin`], that stands first in
    /// `PATH`.
    #[cfg(unix)]
    pub fn with_programs(self) -> Self {
        let bin = self.bin();
        fs::create_dir(&bin).expect("the sandbox can be written to");
        for name in ["hook", "hook-cli"] {
            install_program(&hook_bin_dir().join(name), &bin.join(name));
        }
        std::os::unix::fs::symlink(self.codex_program(), bin.join("codex")).expect("the folder is new");
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(bin).chain(std::env::split_paths(&inherited));
        let path = std::env::join_paths(dirs).expect("they come from such a variable");
        self.env("PATH", path)
    }

    /// Where [`Sandbox::with_programs`] installs.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// The folder that holds all the others; what a test puts there is removed with it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `HOME`.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// `CODEX_HOME`.
    pub fn codex_home(&self) -> PathBuf {
        self.root.join("codex-home")
    }

    /// The folder in which Codex works.
    pub fn project(&self) -> PathBuf {
        self.root.join("project")
    }

    /// Where the spool is by default.
    pub fn spool(&self) -> PathBuf {
        self.codex_home().join("hook-spool")
    }

    /// The model that Codex speaks to.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Writes the user's `config.toml` anew.
    pub fn write_config(&self, config: &Config) {
        let toml = config.to_toml(&self.model.base_url(), &self.project());
        write(&self.codex_home().join("config.toml"), &toml);
    }

    /// Writes the user's `hooks.json`.
    pub fn write_hooks(&self, hooks: &Hooks) {
        write(&self.codex_home().join("hooks.json"), &hooks.to_json());
    }

    /// Adds hooks to the user's `config.toml`.
    pub fn write_inline_hooks(&self, hooks: &Hooks) {
        let path = self.codex_home().join("config.toml");
        let config = fs::read_to_string(&path).expect("the sandbox has a config.toml");
        write(&path, &(config + &hooks.to_toml()));
    }

    /// Writes the project's `.codex/hooks.json`.
    pub fn write_project_hooks(&self, hooks: &Hooks) {
        let dir = self.project().join(".codex");
        fs::create_dir_all(&dir).expect("the project can be written to");
        write(&dir.join("hooks.json"), &hooks.to_json());
    }

    /// The command of a hook that keeps each payload; see [`Sandbox::dumped`].
    pub fn dump_command(&self) -> String {
        self.dump.command()
    }

    /// The payloads that the dump hook has got, byte for byte, in the order in which it had read them.
    pub fn dumped(&self) -> Vec<Vec<u8>> {
        self.dump.payloads().expect("the payloads can be read")
    }

    /// The same, parsed.
    pub fn dumped_json(&self) -> Vec<Value> {
        let parse = |bytes: &Vec<u8>| serde_json::from_slice(bytes).expect("a payload of Codex's is JSON");
        self.dumped().iter().map(parse).collect()
    }

    /// The same, names only.
    pub fn dumped_events(&self) -> Vec<String> {
        let name = |payload: &Value| payload["hook_event_name"].as_str().unwrap_or_default().to_owned();
        self.dumped_json().iter().map(name).collect()
    }

    /// A gate for a command that Codex runs, as a tool or as a hook.
    #[cfg(unix)]
    pub fn shell_gate(&self) -> crate::ShellGate {
        let dir = self.output_path();
        fs::create_dir(&dir).expect("the sandbox can be written to");
        crate::ShellGate::create(&dir)
    }

    /// Runs `codex exec` on a prompt.
    pub fn exec(&self, prompt: &str) -> Exec<'_> {
        Exec::new(self, prompt)
    }

    /// Starts `codex app-server`, accepting whatever it asks.
    pub fn app(&self) -> App {
        self.app_builder().start()
    }

    /// A `codex app-server` that is yet to be started.
    pub fn app_builder(&self) -> AppBuilder<'_> {
        AppBuilder::new(self)
    }

    /// A command that sees this sandbox and nothing else, in the project's folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env.iter().cloned()).current_dir(self.project());
        command
    }

    /// The Codex CLI, as [`Sandbox::command`].
    pub fn codex(&self) -> Command {
        self.command(self.codex_program())
    }

    fn codex_program(&self) -> &Path {
        self.codex.as_deref().unwrap_or_else(|| codex_binary())
    }

    /// A new path for what belongs to one process.
    pub(crate) fn output_path(&self) -> PathBuf {
        let number = self.outputs.fetch_add(1, Ordering::Relaxed);
        self.root.join("output").join(number.to_string())
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Another name for the program. Where it can't have one, `cp` makes a copy: a process of its own, since a file that
/// this one has open for writing could not be executed.
#[cfg(unix)]
fn install_program(program: &Path, to: &Path) {
    if fs::hard_link(program, to).is_err() {
        let copied = Command::new("cp").args([program, to]).status().expect("cp can be run");
        assert!(copied.success(), "{} can't be copied: {copied}", program.display());
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{} can't be written: {error}", path.display()));
}
