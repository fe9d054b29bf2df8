//! Killing a process at every point.

use std::{fmt::Write, process::Command};

use codex_hook_tests::trace::{Call, Output, Tracee};

use crate::spool_dir::SpoolDir;

/// Starts `command` in a copy of `template` over and over, kills it before and after each of its file-system calls, and
/// has `check` look at what it left; at last lets it run to its end.
///
/// `check` is given the spool, how the process ended, and the point as text, for its messages.
#[track_caller]
pub(crate) fn at_each_point(
    template: &SpoolDir,
    command: impl Fn(&SpoolDir) -> Command,
    stdin: &[u8],
    mut check: impl FnMut(&SpoolDir, &Output, &str),
) {
    let start = |spool: &SpoolDir| Tracee::start(&mut command(spool), stdin);
    at_each_point_of(template, start, &mut check);
}

/// The same, with a process that `start` has brought to the first of the points.
#[track_caller]
pub(crate) fn at_each_point_of(
    template: &SpoolDir,
    start: impl Fn(&SpoolDir) -> Tracee,
    mut check: impl FnMut(&SpoolDir, &Output, &str),
) {
    let mut points = 0;
    for n in 0.. {
        let spool = template.copy();
        let mut tracee = start(&spool);
        let Some(call) = tracee.step_to(n) else {
            let output = tracee.run_to_end();
            check(&spool, &output, "at its end");
            assert!(
                output.status.success(),
                "left alone it fails: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            break;
        };
        let before = format!("{n}, before {}", describe(&call, &spool));
        println!("{before}");
        check(&spool, &tracee.kill(), &before);
        points += 1;
        if changes_something(&call) {
            let spool = template.copy();
            let mut tracee = start(&spool);
            let call = tracee.step_to(n).expect("it makes the same calls again");
            let result = tracee.finish_call();
            let after = format!("{n}, after {} = {result}", describe(&call, &spool));
            println!("{after}");
            check(&spool, &tracee.kill(), &after);
            points += 1;
        }
    }
    println!("{points} points");
    // A copy of an event that is recorded already does no more than look: it makes the fewest.
    assert!(points >= 10, "these are not the calls of a process that works on files: {points}");
}

/// After a call that only looks, a kill finds what it finds before the next call.
fn changes_something(call: &Call) -> bool {
    let looks = ["statx", "newfstatat", "fstat", "read", "getdents64", "lseek", "readlink", "close", "fcntl"];
    !looks.contains(&call.name)
}

pub(crate) fn describe(call: &Call, spool: &SpoolDir) -> String {
    let mut text = call.name.to_owned();
    for path in call.paths.iter().filter(|path| !path.starts_with("AT_FDCWD")) {
        let path = path.strip_prefix(spool.path()).unwrap_or(path);
        write!(text, " {}", path.display()).expect("a String takes all that is written");
    }
    text
}
