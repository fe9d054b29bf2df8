//! `hook`: what Codex starts at every event. It records one event and is gone; all other commands are `hook-cli`'s,
//! which stands beside it, so that this program stays small and quick to start.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use codex_hook::event;

const AT_A_TERMINAL: &str = "hook: `hook event` is what Codex runs, not you: it waits for a payload on standard input, \
                             which Ctrl-D ends; for what you can do say `hook --help`";

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|command| command == "event") && !is_request_for_help(env::args_os().skip(2)) {
        let (mut stdin, mut stderr) = (io::stdin().lock(), io::stderr());
        if stdin.is_terminal() {
            let _ = writeln!(stderr, "{AT_A_TERMINAL}");
        }
        return event::main(args, |name| env::var_os(name), env::home_dir(), &mut stdin, &mut stderr);
    }
    hand_over::to_hook_cli()
}

/// Whether `--help` is all that is asked: a wrong command line of `event` must never end as one of `hook-cli`'s does.
fn is_request_for_help(mut args: impl Iterator<Item = OsString>) -> bool {
    args.next().is_some_and(|arg| arg == "--help" || arg == "-h") && args.next().is_none()
}

mod hand_over {
    use super::*;
    use std::fmt;
    use std::path::PathBuf;
    use std::process::Command;

    /// Becomes `hook-cli`, with the same arguments; as git does with its subcommands.
    pub(super) fn to_hook_cli() -> ExitCode {
        let program = match beside_us() {
            Ok(program) => program,
            Err(error) => {
                return failed(format_args!(
                    "cannot tell where it is installed: {error}: call hook-cli by its path instead"
                ));
            }
        };
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1));
        let error = run(&mut command);
        match error {
            Ok(code) => code,
            Err(error) => {
                let program = program.display();
                failed(format_args!(
                    "cannot run hook-cli: {program}: {error}: install codex-hook again, both programs of it"
                ))
            }
        }
    }

    fn failed(what: fmt::Arguments<'_>) -> ExitCode {
        let _ = writeln!(io::stderr(), "hook: {what}");
        ExitCode::FAILURE
    }

    fn beside_us() -> io::Result<PathBuf> {
        let us = env::current_exe()?.canonicalize()?;
        Ok(us.with_file_name(format!("hook-cli{}", env::consts::EXE_SUFFIX)))
    }

    #[cfg(unix)]
    fn run(command: &mut Command) -> io::Result<ExitCode> {
        use std::os::unix::process::CommandExt;
        Err(command.exec())
    }

    #[cfg(not(unix))]
    fn run(command: &mut Command) -> io::Result<ExitCode> {
        let status = command.status()?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
