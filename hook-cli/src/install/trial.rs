//! Runs the command of the hooks as Codex would, with a payload of its own and into a spool of its own.

use std::path::Path;
use std::time::Duration;

use super::bounded::{Ended, run};
use super::{HookCommand, platform};

/// How a trial went.
#[derive(Debug)]
pub(crate) enum Trial {
    /// The event was recorded: how long it took, and how long the shell alone takes.
    Recorded { took: Duration, shell: Duration },
    /// Something is wrong with it, in words.
    Failed(String),
    /// The command is not one that can be pointed to another spool.
    NotTried,
}

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn try_command(line: &str, cwd: &Path) -> std::io::Result<Trial> {
    let Some(mut command) = HookCommand::recognise(line) else { return Ok(Trial::NotTried) };
    let scratch = tempfile::tempdir()?;
    let spool = scratch.path().join("spool");
    command.spool_dir = Some(spool.clone());
    // The program as it was written, since the shell may have something to make of it.
    let words = line.split_once(" --spool-dir").map_or(line, |(words, _)| words);
    let words_end = words.rfind(" event").unwrap_or(words.len());
    let Some(dir) = spool.to_str().and_then(platform::shell_quote) else { return Ok(Trial::NotTried) };
    let line = format!("{} event --spool-dir {dir}", &line[..words_end]);
    let payload = serde_json::json!({
        "session_id": "hook-doctor", "transcript_path": null, "cwd": cwd.to_string_lossy(),
        "hook_event_name": "SessionStart", "model": "none", "permission_mode": "default", "source": "startup",
    });
    let shell = platform::passwd_shell();
    let alone = run(platform::shell("exit", shell.as_deref()), "", LIMIT)?;
    let ran = run(platform::shell(&line, shell.as_deref()), &payload.to_string(), LIMIT)?;
    let failed = |fault: &str| Trial::Failed(fault.to_owned());
    Ok(match ran {
        None => failed("it did not end within 10 s"),
        Some(Ended { code: None, .. }) => failed("a signal ended it"),
        Some(Ended { code: Some(0), stdout, took, .. }) if stdout.is_empty() => {
            match codex_spool::SpoolReport::of(&spool).events {
                0 => failed("it ended well and recorded nothing"),
                _ => Trial::Recorded { took, shell: alone.map(|alone| alone.took).unwrap_or_default() },
            }
        }
        Some(Ended { code: Some(0), .. }) => failed("it prints to stdout, which Codex reads"),
        Some(Ended { code: Some(code), stderr, .. }) => {
            let said = stderr.lines().next().unwrap_or("nothing on stderr");
            Trial::Failed(format!("it exits {code}: {said}"))
        }
    })
}
