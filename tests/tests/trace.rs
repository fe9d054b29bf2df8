//! What the tracer promises the crash tests, shown on programs that nearly every Linux has.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::{fs, os::unix::process::ExitStatusExt, path::Path, process::Command};

use codex_hook_tests::trace::{Call, Tracee};

/// Reads all of its input, then makes a folder and renames it.
fn make_and_rename(dir: &Path) -> Command {
    let mut command = Command::new("perl");
    command
        .current_dir(dir)
        .args(["-e", "my @in = <STDIN>; mkdir 'new' or die; rename 'new', 'done' or die"]);
    command
}

fn changes(calls: &[Call]) -> Vec<String> {
    calls
        .iter()
        .filter(|call| ["mkdir", "mkdirat", "rename", "renameat", "renameat2"].contains(&call.name))
        .map(|call| {
            let paths: Vec<_> = call
                .paths
                .iter()
                .filter(|path| !path.starts_with("AT_FDCWD"))
                .map(|p| p.display().to_string())
                .collect();
            paths.join(" ")
        })
        .collect()
}

#[test]
fn the_calls_after_the_input_are_listed_with_their_paths() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let calls = Tracee::start(&mut make_and_rename(dir.path()), b"a line\n").calls();

    assert_eq!(changes(&calls), ["new", "new done"]);
    assert!(
        calls
            .iter()
            .all(|call| !(call.name == "execve" || call.paths.iter().any(|p| p.ends_with("libc.so.6"))))
    );
}

#[test]
fn a_kill_before_a_call_leaves_it_undone() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let mut tracee = Tracee::start(&mut make_and_rename(dir.path()), b"");
    assert!(tracee.step_until(|call| call.name.starts_with("rename")).is_some());
    let output = tracee.kill();

    assert_eq!(output.status.signal(), Some(9));
    assert!(dir.path().join("new").exists());
    assert!(!dir.path().join("done").exists());
}

#[test]
fn a_kill_after_a_call_leaves_it_done() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let mut tracee = Tracee::start(&mut make_and_rename(dir.path()), b"");
    assert!(tracee.step_until(|call| call.name.starts_with("mkdir")).is_some());
    assert_eq!(tracee.finish_call(), 0);
    tracee.kill();

    assert!(dir.path().join("new").exists());
}

#[test]
fn a_process_is_held_while_the_test_acts() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let mut tracee = Tracee::start(&mut make_and_rename(dir.path()), b"");
    assert!(tracee.step_until(|call| call.name.starts_with("mkdir")).is_some());
    fs::create_dir(dir.path().join("new")).expect("the process has not made it yet");
    let output = tracee.run_to_end();

    assert!(!output.status.success());
    assert!(!output.stderr.is_empty());
}

#[test]
fn every_run_can_be_cut_at_every_call() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let copy = dir.path().join("copy");
    let tee = || {
        let mut command = Command::new("tee");
        command.arg(&copy);
        command
    };
    let count = Tracee::start(&mut tee(), b"text").calls().len();
    assert!(count > 0);
    for n in 0..count {
        let mut tracee = Tracee::start(&mut tee(), b"text");
        assert!(tracee.step_to(n).is_some(), "call {n} of {count}");
        assert_eq!(tracee.kill().status.signal(), Some(9));
    }
    let mut tracee = Tracee::start(&mut tee(), b"text");
    assert_eq!(tracee.step_to(count), None);
    assert!(tracee.run_to_end().status.success());
}

#[test]
fn input_larger_than_a_pipe_comes_through() {
    let input = vec![b'x'; 1 << 20];
    let output = Tracee::start(&mut Command::new("cat"), &input).run_to_end();

    assert!(output.status.success());
    assert_eq!(output.stdout, input);
}

#[test]
fn several_processes_are_held_at_once() {
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    let mut tracees = [(); 3].map(|()| Tracee::start(&mut make_and_rename(dir.path()), b""));
    for tracee in &mut tracees {
        assert!(tracee.step_until(|call| call.name.starts_with("mkdir")).is_some());
    }
    let [first, second, third] = &mut tracees;

    assert_eq!(third.finish_call(), 0);
    let exists = -17;
    assert_eq!([first.finish_call(), second.finish_call()], [exists, exists]);
}
