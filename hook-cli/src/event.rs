//! `hook event`: one payload on standard input becomes one event in the spool.
//!
//! Codex reads meaning into what a hook prints and how it ends, so this prints nothing to standard output, and ends
//! with 0 when the event is recorded and 1 when it is not, with one line on standard error; never with 2, by which
//! a hook tells Codex to stop what it is doing.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use codex_spool::{Capture, Spool};

/// How much of standard input is read before anything else is done, in bytes; few payloads are larger.
const READ_FIRST: u64 = 1 << 20;

/// Runs `hook event` with the arguments after that word, and gives its exit code.
pub fn main(
    args: impl Iterator<Item = OsString>,
    env: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
    stdin: &mut impl Read,
    stderr: &mut impl Write,
) -> ExitCode {
    quiet_panics();
    match run(args, env, home, stdin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            // With nobody left to tell, the exit code has to do.
            let _ = writeln!(stderr, "hook: {}", what.replace(['\n', '\r'], " "));
            ExitCode::FAILURE
        }
    }
}

fn run(
    args: impl Iterator<Item = OsString>,
    env: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
    stdin: &mut impl Read,
) -> Result<(), String> {
    let args = Args::parse(args);
    // Codex has done its part before anything else is looked at; only what is larger is read on the way.
    let mut beginning = Vec::with_capacity(4096);
    let read = stdin.by_ref().take(READ_FIRST).read_to_end(&mut beginning);
    // An input that has ended is not read again: at a terminal it would go on.
    let has_ended = read.is_ok_and(|length| (length as u64) < READ_FIRST);
    let mut stdin = (&beginning[..]).chain(stdin.take(if has_ended { 0 } else { u64::MAX }));
    let capture = || {
        let tag = env("CODEX_HOOK_TAG").unwrap_or_default();
        Capture::now().parent_pid(parent_pid()).tag(&tag.to_string_lossy())
    };
    let dir = Spool::locate(args.spool_dir.as_deref(), &env, home);
    match dir.and_then(Spool::open) {
        Ok(spool) => spool.record_from(&mut stdin, capture).map_err(|error| error.to_string())?,
        Err(error) => {
            // Codex is still writing, and might take a closed pipe for a failure of its own.
            let _ = io::copy(&mut stdin, &mut io::sink());
            return Err(error.to_string());
        }
    };
    // An event is worth more than an argument: the mistake is said after it has been recorded.
    args.mistake.map_or(Ok(()), Err)
}

/// The arguments of `hook event`, as far as they were understood.
#[derive(Debug, Default)]
struct Args {
    spool_dir: Option<PathBuf>,
    mistake: Option<String>,
}

impl Args {
    fn parse(args: impl Iterator<Item = OsString>) -> Self {
        let mut parsed = Self::default();
        if let Err(error) = parsed.take(&mut lexopt::Parser::from_args(args)) {
            parsed.mistake = Some(format!(
                "wrong command line: {error}: the event is recorded all the same; it is `hook event [--spool-dir DIR]`"
            ));
        }
        parsed
    }

    fn take(&mut self, parser: &mut lexopt::Parser) -> Result<(), lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                lexopt::Arg::Long("spool-dir") => self.spool_dir = Some(parser.value()?.into()),
                other => return Err(other.unexpected()),
            }
        }
        Ok(())
    }
}

/// A panic ends the process like any other failure: one line, and 1.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no reason given").replace(['\n', '\r'], " ");
        let _ = writeln!(io::stderr(), "hook: internal error: {place}: {what}: please report it");
        std::process::exit(1);
    }));
}

#[cfg(unix)]
fn parent_pid() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent_pid() -> u32 {
    0
}
