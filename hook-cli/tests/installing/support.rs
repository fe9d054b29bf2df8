//! Texts of hook files, and installers that run as processes of their own.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::home::Home;

pub(crate) fn group(command: &str) -> String {
    format!(r#"{{"hooks":[{{"type":"command","command":"{command}"}}]}}"#)
}

/// The commands of the groups of an event, in order.
pub(crate) fn commands(json: &str, event: &str) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(json).expect("valid");
    let groups = value["hooks"][event].as_array().cloned().unwrap_or_default();
    let handlers = groups.iter().flat_map(|group| group["hooks"].as_array().cloned().unwrap_or_default());
    handlers.map(|handler| handler["command"].as_str().unwrap_or_default().to_owned()).collect()
}

pub(crate) fn state(home: &Home, file: &str, entries: &[(&str, &str)]) -> String {
    let path = home.path(file);
    let entry = |(place, hash): &(&str, &str)| {
        format!("\n[hooks.state.\"{}:{place}\"]\ntrusted_hash = \"{hash}\"\n", path.display())
    };
    entries.iter().map(entry).collect()
}

pub(crate) fn hook_cli(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hook-cli"));
    command.env_clear().env("CODEX_HOME", home.path("")).env("HOME", home.root()).current_dir(home.root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How long a whole run takes, to sweep the kills over; and a bit more.
pub(crate) fn run_time(command: &mut Command) -> Duration {
    let start = Instant::now();
    assert!(command.status().expect("runs").success());
    start.elapsed() * 3 / 2
}

pub(crate) fn kill_after(command: &mut Command, time: Duration) {
    let mut child = command.spawn().expect("starts");
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
    child.kill().expect("kills");
    child.wait().expect("ends");
}
