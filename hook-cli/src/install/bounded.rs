//! Runs a program for so long and no longer.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::platform;
use super::running::Running;

/// How much is kept of what a program prints, in bytes; the rest is read and dropped.
const KEPT: u64 = 1 << 16;

/// A program that has ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// Runs it on `input`. `None`: it, or something that it started, still had its output open when `limit` was over; it has
/// been killed, with what is in its process group.
pub(crate) fn run(mut command: Command, input: &str, limit: Duration) -> io::Result<Option<Ended>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let (mut child, _running) = Running::start(&mut command)?;
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // One that does not read must not keep us.
        std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let (stdout, stderr) = (text_of(child.stdout.take()), text_of(child.stderr.take()));
    let left = || limit.saturating_sub(start.elapsed());
    let texts = stdout.recv_timeout(left()).and_then(|out| Ok((out, stderr.recv_timeout(left())?)));
    let ended = wait(&mut child, if texts.is_ok() { left() } else { Duration::ZERO })?;
    let took = start.elapsed();
    let (Ok((stdout, stderr)), Some(code)) = (texts, ended) else {
        platform::kill_group(&child);
        let _ = child.kill();
        child.wait()?;
        return Ok(None);
    };
    Ok(Some(Ended { code, stdout, stderr, took }))
}

/// Waits for a child, `limit` at most; `None`: it still runs.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<Option<i32>>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.code()));
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        // It has closed its output already, or is about to.
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// What is read from a pipe up to its end.
fn text_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(KEPT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(300);

    fn sh(script: &str, limit: Duration) -> Option<Ended> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        run(command, "some input", limit).expect("there is a shell")
    }

    #[test]
    fn what_ends_in_time_is_heard_to_the_end() {
        let ended =
            sh("cat; head -c 1000000 /dev/zero >&2; exit 3", Duration::from_secs(60)).expect("it ends");
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.len()), (Some(3), "some input", 1 << 16));
    }

    #[test]
    fn what_does_not_end_in_time_is_given_up() {
        for script in [
            "exec sleep 600",
            "exec <&- >&- 2>&-; sleep 600",
            "sleep 600 &",
            "exec 2>&-; sleep 600 >&- & sleep 600",
        ] {
            let start = Instant::now();
            assert!(sh(script, SOON).is_none(), "{script}");
            assert!(start.elapsed() < Duration::from_secs(60), "{script}");
        }
    }
}
