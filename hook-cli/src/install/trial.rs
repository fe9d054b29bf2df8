//! Runs the command of the hooks as Codex would, with a payload of its own and into a spool of its own.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

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
    let alone = run(platform::shell("exit", shell.as_deref()), "")?;
    let ran = run(platform::shell(&line, shell.as_deref()), &payload.to_string())?;
    Ok(match ran {
        Ran { code: None, .. } => Trial::Failed("it did not end within 10 s, or was killed".to_owned()),
        Ran { code: Some(0), stdout, took, .. } if stdout.is_empty() => {
            match codex_spool::SpoolReport::of(&spool).events {
                0 => Trial::Failed("it ended well and recorded nothing".to_owned()),
                _ => Trial::Recorded { took, shell: alone.took },
            }
        }
        Ran { code: Some(0), .. } => Trial::Failed("it prints to stdout, which Codex reads".to_owned()),
        Ran { code: Some(code), stderr, .. } => {
            let said = stderr.lines().next().unwrap_or("nothing on stderr");
            Trial::Failed(format!("it exits {code}: {said}"))
        }
    })
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    took: Duration,
}

fn run(mut command: Command, input: &str) -> std::io::Result<Ran> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read is told by what it does not record.
        let _ = stdin.write_all(input.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let (mut out, mut err) = (String::new(), String::new());
        let _ = stdout.map(|mut stdout| stdout.read_to_string(&mut out));
        let _ = stderr.map(|mut stderr| stderr.read_to_string(&mut err));
        let _ = sender.send((out, err));
    });
    let Ok((stdout, stderr)) = receiver.recv_timeout(LIMIT) else {
        child.kill()?;
        child.wait()?;
        let (stdout, stderr) = (String::new(), String::new());
        return Ok(Ran { code: None, stdout, stderr, took: LIMIT });
    };
    let code = child.wait()?.code();
    Ok(Ran { code, stdout, stderr, took: start.elapsed() })
}
