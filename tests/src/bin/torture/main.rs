//! Writers and consumers of one spool, killed at random for as long as is asked for; at the end every event is
//! accounted for.
//!
//! ```console
//! $ cargo run --release -p codex-hook-tests --bin torture -- --seconds 600 --seed 1
//! ```
//!
//! Half of the writers are the real `hook event`, a process an event, some of them copies of one firing at once; the
//! others record one event after another by the library. Each consumer acknowledges what it is given, and says so
//! before; besides, consumers without a name come and go. Every process is killed (SIGKILL) sooner or later.
//!
//! An event counts as acknowledged when its writer said so: `hook event` by ending well, the others by a line. What was
//! acknowledged has to be given to every consumer, as it was sent; what was not may be. What is given again is counted.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it reports to whoever runs it")]

mod consumer;
mod event;
mod ledger;
mod options;
mod slots;
mod verdict;
mod writer;

use std::process::ExitCode;

use options::Role;

fn main() -> ExitCode {
    let role = match Role::read(std::env::args_os()) {
        Ok(role) => role,
        Err(problem) => {
            eprintln!("torture: {problem}");
            return ExitCode::from(2);
        }
    };
    let done = match role {
        Role::Torturer(options) => slots::run(&options),
        Role::Writer { spool, first, count } => writer::run(&spool, first, count),
        Role::Consumer { spool, name, follow } => consumer::run(&spool, name.as_deref(), follow),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("torture: {problem}");
            ExitCode::FAILURE
        }
    }
}
