//! The command line of `hook`.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::tail;

/// Know what OpenAI's Codex CLI is doing on this machine: its lifecycle events, durable and in order.
#[derive(Debug, Parser)]
#[command(name = "hook", bin_name = "hook", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record the event on standard input. This is what Codex runs; it prints nothing
    Event(EventArgs),
    /// Print the events of the spool
    Tail(tail::Args),
}

/// For the help text alone: `hook` itself handles `event`.
#[derive(Debug, clap::Args)]
struct EventArgs {
    #[command(flatten)]
    spool: SpoolDir,
}

/// Where the spool is.
#[derive(Debug, clap::Args)]
pub(crate) struct SpoolDir {
    /// The spool directory, an absolute path [default: $CODEX_HOOK_SPOOL_DIR, else $CODEX_HOME/hook-spool, else
    /// ~/.codex/hook-spool]
    #[arg(long, value_name = "DIR")]
    pub(crate) spool_dir: Option<PathBuf>,
}

/// Runs the command line `args`, the program's name included, and gives the exit code: 0 ok, 1 failed, 2 usage.
pub fn main(args: impl Iterator<Item = OsString>, env: impl Fn(&str) -> Option<OsString> + Copy) -> ExitCode {
    let parsed =
        Cli::command().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = match cli.command {
        Command::Event(_) => {
            let what = "hook-cli does not record events: run `hook event`, the program beside it";
            Err(io::Error::other(what).into())
        }
        Command::Tail(args) => {
            let mut stdout = BufWriter::new(io::stdout().lock());
            tail::run(&args, env, &mut stdout, &mut io::stderr())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::FAILURE,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "hook: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command ends with 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The spool could not do it.
    #[error(transparent)]
    Spool(#[from] codex_spool::Error),
    /// Standard output could not take what it was given.
    #[error("cannot write to standard output: {0}: see where it goes")]
    Output(#[from] io::Error),
    /// There is no spool to read.
    #[error("no spool: {}: nothing has been recorded there yet; name another with --spool-dir", .0.display())]
    NoSpool(PathBuf),
    /// There is nothing to say that has not been said.
    #[error("failed")]
    Said,
}
