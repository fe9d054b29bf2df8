//! `hook event`, each of whose calls fails: it ends well and the event is everywhere, or it says in one line that it could
//! not record it.

use std::collections::BTreeMap;

use codex_hook_tests::trace::{Call, Output, Tracee};

use crate::kill::describe;
use crate::spool_dir::SpoolDir;

const EVENT: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"one"}"#;
const OTHER: &[u8] = br#"{"hook_event_name":"SessionEnd","session_id":"other"}"#;

const EINTR: (&str, i32) = ("EINTR", 4);
const EIO: (&str, i32) = ("EIO", 5);
const EACCES: (&str, i32) = ("EACCES", 13);
const EXDEV: (&str, i32) = ("EXDEV", 18);
const EMFILE: (&str, i32) = ("EMFILE", 24);
const ENOSPC: (&str, i32) = ("ENOSPC", 28);
const EROFS: (&str, i32) = ("EROFS", 30);
const EMLINK: (&str, i32) = ("EMLINK", 31);
const ENOLCK: (&str, i32) = ("ENOLCK", 37);
const EDQUOT: (&str, i32) = ("EDQUOT", 122);

/// What a call may fail with.
fn errors(call: &Call) -> &'static [(&'static str, i32)] {
    match call.name {
        "open" | "openat" => &[EINTR, EIO, EACCES, EMFILE, ENOSPC, EROFS, EDQUOT],
        "link" | "linkat" => &[EIO, EACCES, EXDEV, ENOSPC, EROFS, EMLINK, EDQUOT],
        "mkdir" | "mkdirat" => &[EIO, EACCES, ENOSPC, EROFS, EMLINK, EDQUOT],
        "unlink" | "unlinkat" | "rmdir" => &[EIO, EACCES, EROFS],
        "write" => &[EINTR, EIO, ENOSPC, EDQUOT],
        "fsync" | "fdatasync" => &[EINTR, EIO, ENOSPC, EROFS, EDQUOT],
        "flock" => &[EINTR, ENOLCK],
        "chmod" | "fchmod" | "fchmodat" => &[EIO, EACCES, EROFS],
        // What cannot fail, or only where the program is wrong.
        "close" | "lseek" | "fcntl" => &[],
        _ => &[EIO, EACCES],
    }
}

#[test]
fn a_writer_whose_calls_fail_loses_nothing() {
    let mut table: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for template in [
        SpoolDir::in_memory(),
        SpoolDir::in_memory().with_consumers(&["a"]),
        {
            let later = SpoolDir::in_memory().with_consumers(&["a", "b"]);
            later.record(OTHER);
            later
        },
        {
            let copy = SpoolDir::in_memory().with_consumers(&["a"]);
            copy.record(EVENT);
            copy
        },
    ] {
        fail_each_call(&template, &mut table);
    }
    println!("{:<8} {:>6} {:>9} {:>8}", "fault", "tried", "survived", "refused");
    for (name, [tried, survived, refused]) in table {
        println!("{name:<8} {tried:>6} {survived:>9} {refused:>8}");
    }
}

fn fail_each_call(template: &SpoolDir, table: &mut BTreeMap<&str, [usize; 3]>) {
    let before = if template.path().exists() { template.journal().len() } else { 0 };
    for n in 0.. {
        let spool = template.copy();
        let Some(call) = Tracee::start(&mut spool.hook_event(), EVENT).step_to(n) else { return };
        for (name, errno) in errors(&call) {
            let spool = template.copy();
            let mut tracee = Tracee::start(&mut spool.hook_event(), EVENT);
            let call = tracee.step_to(n).expect("it makes the same calls again");
            let point = format!("{n}, {name} from {}", describe(&call, &spool));
            tracee.fail_call(*errno);
            let output = tracee.run_to_end();
            check(&spool, before, &output, &point);
            let [tried, survived, refused] = table.entry(name).or_default();
            *tried += 1;
            *survived += 1;
            *refused += usize::from(!output.status.success());
        }
    }
}

#[track_caller]
fn check(spool: &SpoolDir, before: usize, output: &Output, point: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let point = format!("{point}: {}: {stderr}", output.status);
    assert!(output.stdout.is_empty(), "{point}");
    let recorded = match output.status.code() {
        Some(0) => stderr.is_empty(),
        Some(1) => {
            let line = stderr.strip_suffix('\n').filter(|line| !line.contains('\n'));
            let is_clear = |line: &str| line.starts_with("hook: ") && line.split(": ").count() >= 4;
            assert!(line.is_some_and(is_clear), "{point}");
            false
        }
        _ => panic!("{point}"),
    };
    // The spool may be half made: whoever comes next completes it.
    spool.recover(&point);
    let journal = spool.journal();
    for consumer in spool.list("consumers") {
        assert_eq!(spool.drain(&consumer, &point), journal, "{point}: {consumer} and the journal differ");
    }
    // The copy of an event that is there already adds none.
    assert!(journal.len() <= before + 1, "{point}");
    assert!(!recorded || journal.contains(&spool.record(EVENT)), "{point}: acknowledged and lost");
    spool.assert_tidy(&point);
}
