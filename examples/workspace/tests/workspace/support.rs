//! A user who has Codex, `hook` and `workspace`.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant, SystemTime},
};

use codex_hook_tests::{AppServers, Config, Hooks, Ran, Sandbox, Scenario, run};
use codex_spool::{Spool, Status, ThreadIndex};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is there.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) struct Desk {
    pub(crate) sandbox: Sandbox,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(&Config::new())
    }

    pub(crate) fn with(config: &Config) -> Self {
        let sandbox = Sandbox::with(config).with_programs();
        let program = sandbox.bin().join("workspace");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_workspace"), program)
            .expect("the folder can be written to");
        let installed = run(sandbox.command("hook").args(["install", "--trust"]), b"");
        assert!(installed.status.success(), "{installed:?}");
        Self { sandbox }
    }

    /// Has Codex run another hook.
    pub(crate) fn add_hook(&self, event: &str, command: &str) {
        let hooks = Hooks::new(command).events(&[event]);
        self.sandbox.write_inline_hooks(&hooks);
        self.sandbox.app().trust();
    }

    /// A task that plays a scenario.
    pub(crate) fn task(&self, text: &str, scenario: Scenario) -> String {
        self.sandbox.model().prompt(text, scenario)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command("workspace");
        command.args(args);
        command
    }

    pub(crate) fn say(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args), b"")
    }

    /// What a command prints, which must end well.
    #[track_caller]
    pub(crate) fn ask(&self, args: &[&str]) -> String {
        let ran = self.say(args);
        ran.assert_printed();
        String::from_utf8(ran.stdout).expect("it prints UTF-8").trim_end().to_owned()
    }

    /// Delegates, and gives the id.
    #[track_caller]
    pub(crate) fn delegate(&self, returning: &[&str], task: &str) -> String {
        self.ask(&[&["delegate", "--return"], returning, &[task]].concat())
    }

    /// Starts the operator.
    #[track_caller]
    pub(crate) fn operate(&self) -> Operator {
        self.operate_with(&[])
    }

    /// Starts the operator with further arguments, and waits until it is at work.
    #[track_caller]
    pub(crate) fn operate_with(&self, args: &[&str]) -> Operator {
        let times = || self.log().lines().filter(|line| *line == "running").count();
        let before = times();
        let operator = self.spawn_operator(args);
        wait_for("an operator", || (times() > before).then_some(()));
        operator
    }

    /// Starts the operator, and waits for nothing.
    #[track_caller]
    pub(crate) fn start_operator(&self) -> Operator {
        self.spawn_operator(&[])
    }

    #[track_caller]
    fn spawn_operator(&self, args: &[&str]) -> Operator {
        let log = self.sandbox.root().join("operator.log");
        let log = File::options().create(true).append(true).open(log).expect("the sandbox can be written to");
        let mut command = self.command(&["run"]);
        command.args(args).stdin(Stdio::null()).process_group(0);
        command.stderr(log.try_clone().expect("there are descriptors left")).stdout(log);
        Operator(command.spawn().expect("it can be started"))
    }

    /// Runs a script, in which an operator may be started.
    #[track_caller]
    pub(crate) fn run_script(&self, script: &str) -> Operator {
        let mut command = self.sandbox.command("sh");
        command.args(["-euc", script]).stdin(Stdio::null()).process_group(0);
        let mut script = Operator(command.spawn().expect("sh can be started"));
        assert!(script.0.wait().expect("it can be waited for").success());
        script
    }

    /// What the operators have said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.sandbox.root().join("operator.log")).unwrap_or_default()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.sandbox.home().join(".local/state/codex-workspace")
    }

    /// The line of `workspace list` about a delegation or a thread.
    #[track_caller]
    pub(crate) fn listed(&self, id: &str) -> String {
        let list = self.ask(&["list"]);
        list.lines().find(|line| line.starts_with(id)).unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn wait_until_listed(&self, id: &str, words: &str) {
        wait_for(&format!("{id} {words}"), || self.listed(id).contains(words).then_some(()));
    }

    /// The operator's thread, once there is one.
    pub(crate) fn operator_thread(&self) -> Option<String> {
        let status = self.ask(&["status"]);
        let line = status.lines().find(|line| line.starts_with("operator"))?;
        line.split_whitespace().nth(1).map(str::to_owned)
    }

    /// What was said to the operator's thread, as it is in its transcript.
    pub(crate) fn wakes(&self) -> Vec<String> {
        self.operator_thread().map(|thread| self.prompts(&thread)).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn wait_for_wakes(&self, count: usize) -> Vec<String> {
        wait_for(&format!("{count} wakes"), || Some(self.wakes()).filter(|wakes| wakes.len() >= count))
    }

    /// The prompts in the transcript of a thread.
    pub(crate) fn prompts(&self, thread: &str) -> Vec<String> {
        let name = format!("-{thread}.jsonl");
        let transcripts = files(&self.sandbox.codex_home().join("sessions"));
        transcripts
            .iter()
            .filter(|path| path.to_string_lossy().ends_with(&name))
            .flat_map(|path| prompts(path))
            .collect()
    }

    /// The prompts in all transcripts.
    pub(crate) fn all_prompts(&self) -> Vec<String> {
        let transcripts = files(&self.sandbox.codex_home().join("sessions"));
        transcripts.iter().flat_map(|path| prompts(path)).collect()
    }

    /// Waits until no turn runs, and no wake is due.
    #[track_caller]
    pub(crate) fn wait_for_rest(&self) {
        wait_for("rest", || {
            let spool = Spool::open(self.sandbox.spool()).expect("it is there");
            let mut index = ThreadIndex::new();
            index.read_journal(&spool).expect("it can be read");
            index.reconcile(SystemTime::now());
            let rests = |status: Status| status.awaits_prompt() || status == Status::Ended;
            index.threads().iter().all(|thread| rests(thread.status)).then_some(())
        });
    }

    /// The Codex that `workspace` has started, and that outlives whoever did; killed when this is dropped.
    pub(crate) fn codex(&self) -> AppServers<'_> {
        AppServers::of(&self.sandbox)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.codex().kill();
    }
}

/// The prompts in a transcript.
fn prompts(transcript: &Path) -> Vec<String> {
    let text = fs::read_to_string(transcript).expect("a transcript can be read");
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let items = lines.map(|line| line["payload"]["item"].clone());
    items
        .filter(|item| item["type"] == "UserMessage")
        .map(|item| {
            item["content"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|part| part["text"].as_str())
                .collect()
        })
        .collect()
}

/// All files below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) else {
        return Vec::new();
    };
    let paths = entries.into_iter().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A running operator; dropping it kills it.
pub(crate) struct Operator(Child);

impl Operator {
    /// Asks it to end, as the system does it.
    #[track_caller]
    pub(crate) fn ask_to_end(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(asked.expect("kill can be run").success());
        self.0.wait().expect("it can be waited for")
    }

    /// Kills it, as the system does it: without a word.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.end();
    }
}
