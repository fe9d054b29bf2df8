//! What a real program does on the disk, by its system calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_hook_tests::trace::{Call, Tracee};

use crate::log::{Place, Step};

/// Runs a program to its end, which is a good one, and gives what it did below `root`.
pub(crate) fn trace(command: &mut Command, stdin: &[u8], root: &Path) -> Vec<Step> {
    let mut tracee = Tracee::start(command, stdin);
    let mut steps = Vec::new();
    while let Some(call) = tracee.next_call() {
        let there = call.paths.last().is_some_and(|path| path.exists());
        if changes(&call) && tracee.finish_call() >= 0 {
            steps.extend(step(root, &call, there));
        }
    }
    let output = tracee.run_to_end();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    steps
}

fn changes(call: &Call) -> bool {
    let looks =
        ["statx", "newfstatat", "fstat", "read", "getdents64", "lseek", "readlink", "close", "access"];
    !looks.contains(&call.name)
}

/// What a call that has succeeded has done; `there`: its file was there before.
fn step(root: &Path, call: &Call, there: bool) -> Option<Step> {
    let mut paths = call.paths.iter().filter_map(|path| path.strip_prefix(root).ok().map(Path::to_owned));
    let path: PathBuf = paths.next()?;
    let full = root.join(&path);
    let of_installer =
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".hook-install-"));
    Some(match call.name {
        "open" | "openat" if !there && full.exists() => Step::Create(path),
        "write" | "ftruncate" => Step::Rewrite(path, fs::read(full).expect("it can be read")),
        "fsync" | "fdatasync" if full.is_dir() => Step::SyncFolder(path, Place::INSTALLS_FOLDER),
        "fsync" | "fdatasync" if of_installer => Step::SyncFile(path, Place::INSTALLS_FILE),
        "fsync" | "fdatasync" => Step::SyncFile(path, Place::SPOOLS),
        "link" | "linkat" => Step::Link(path, paths.next()?),
        "renameat2" if call.arguments[4] == EXCHANGE => Step::Exchange(path, paths.next()?),
        "rename" | "renameat" | "renameat2" => Step::Rename(path, paths.next()?),
        "unlink" => Step::Unlink(path),
        "unlinkat" if call.arguments[2] == 0 => Step::Unlink(path),
        "rmdir" | "unlinkat" => Step::RemoveFolder(path),
        "mkdir" | "mkdirat" => Step::MakeFolder(path),
        _ => return None,
    })
}

/// `RENAME_EXCHANGE`.
const EXCHANGE: u64 = 2;
