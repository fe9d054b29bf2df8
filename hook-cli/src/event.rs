//! `hook event`: one payload on standard input becomes one event in the spool.
//!
//! Codex reads meaning into what a hook prints and how it ends, so this prints nothing to standard output, and ends
//! with 0 when the event is recorded and 1 when it is not, with one line on standard error; never with 2, by which
//! a hook tells Codex to stop what it is doing.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use codex_spool::{Capture, Error, MAX_PAYLOAD_BYTES, Spool};

/// Runs `hook event` with the arguments after that word, and gives its exit code.
pub fn main(
    args: impl Iterator<Item = OsString>,
    env: impl Fn(&str) -> Option<OsString>,
    stdin: &mut impl Read,
    stderr: &mut impl Write,
) -> ExitCode {
    quiet_panics();
    // Read in any case: a Codex that cannot write all of it might take that for a failure of its own.
    let input = Input::read(stdin);
    match run(args, env, input) {
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
    input: Input,
) -> Result<(), String> {
    // An event is worth more than an argument: it goes to the default spool, and the mistake is said after that.
    let args = parse(args);
    let flag = args.as_ref().ok().and_then(|args| args.spool_dir.as_deref());
    let tag = env("CODEX_HOOK_TAG").unwrap_or_default();
    let capture = Capture::now().parent_pid(parent_pid()).tag(&tag.to_string_lossy());
    let spool = Spool::locate(flag, env).and_then(Spool::open).map_err(|error| error.to_string())?;
    record(&spool, &input, &capture).map_err(|error| error.to_string())?;
    args.map(drop)
}

fn record(spool: &Spool, input: &Input, capture: &Capture) -> Result<(), Error> {
    match &input.problem {
        None => spool.record(&input.bytes, capture).map(drop),
        Some(problem) => {
            let kept = (input.total <= MAX_PAYLOAD_BYTES as u64).then_some(&input.bytes[..]);
            Err(spool.reject(problem, input.total, kept, capture))
        }
    }
}

/// The arguments of `hook event`.
#[derive(Debug, Default)]
struct Args {
    spool_dir: Option<PathBuf>,
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Args, String> {
    use lexopt::Arg::Long;
    let mut parsed = Args::default();
    let mut parser = lexopt::Parser::from_args(args);
    let usage =
        |error: lexopt::Error| format!("wrong command line: {error}: usage: hook event [--spool-dir DIR]");
    while let Some(arg) = parser.next().map_err(usage)? {
        match arg {
            Long("spool-dir") => parsed.spool_dir = Some(parser.value().map_err(usage)?.into()),
            other => return Err(usage(other.unexpected())),
        }
    }
    Ok(parsed)
}

/// What came on standard input.
#[derive(Debug)]
struct Input {
    bytes: Vec<u8>,
    total: u64,
    /// Why it is no payload, whatever it says.
    problem: Option<String>,
}

impl Input {
    fn read(stdin: &mut impl Read) -> Self {
        let mut bytes = Vec::with_capacity(4096);
        let limit = MAX_PAYLOAD_BYTES as u64 + 1;
        let mut result = stdin.take(limit).read_to_end(&mut bytes).map(|_| bytes.len() as u64);
        if matches!(result, Ok(length) if length == limit) {
            result = io::copy(stdin, &mut io::sink()).map(|rest| limit + rest);
        }
        match result {
            Ok(total) if total < limit => Self { bytes, total, problem: None },
            Ok(total) => Self { bytes, total, problem: Some("it is larger than 64 MiB".to_owned()) },
            Err(error) => {
                let problem = format!("standard input could not be read to its end: {error}");
                Self { total: bytes.len() as u64, bytes, problem: Some(problem) }
            }
        }
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
