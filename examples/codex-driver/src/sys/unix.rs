//! Sockets and processes, on Unix.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) use std::os::unix::net::UnixStream as Stream;

/// Connects to a socket. Codex puts a symbolic link at the path, to a shorter one: the length of those is limited.
pub(crate) fn connect(path: &Path) -> io::Result<Stream> {
    Stream::connect(path.canonicalize()?)
}

/// Has a program not get the signals of this one's terminal.
pub(crate) fn lead_a_group(command: &mut Command) {
    command.process_group(0);
}

/// Asks a process to end.
pub(crate) fn terminate(pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(kill_process(pid, Signal::TERM)?)
}

/// Makes a directory that is its owner's alone.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}
