//! Which system calls work on files, and which of their arguments say on which.

use syscalls::Sysno;

/// An argument of a system call that stands for a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument {
    /// The address of a path.
    Path(usize),
    /// A descriptor, or the folder that a path is relative to.
    Descriptor(usize),
}

use Argument::{Descriptor as D, Path as P};

/// The arguments that stand for files; `None` for a call that does not work on files.
pub(super) fn arguments_of(call: Sysno) -> Option<&'static [Argument]> {
    Some(match call.name() {
        "open" | "creat" | "unlink" | "mkdir" | "rmdir" | "chmod" | "chown" | "lchown" | "truncate"
        | "stat" | "lstat" | "access" | "readlink" | "statfs" | "utime" | "utimes" | "mknod" => &[P(0)],
        "rename" | "link" | "symlink" => &[P(0), P(1)],
        "openat" | "openat2" | "unlinkat" | "mkdirat" | "fchmodat" | "fchmodat2" | "fchownat"
        | "newfstatat" | "fstatat64" | "statx" | "faccessat" | "faccessat2" | "readlinkat" | "utimensat"
        | "mknodat" => &[D(0), P(1)],
        "renameat" | "renameat2" | "linkat" => &[D(0), P(1), D(2), P(3)],
        "symlinkat" => &[P(0), D(1), P(2)],
        "read" | "readv" | "pread64" | "preadv" | "preadv2" | "write" | "writev" | "pwrite64" | "pwritev"
        | "pwritev2" | "fsync" | "fdatasync" | "sync_file_range" | "syncfs" | "ftruncate" | "fallocate"
        | "flock" | "fcntl" | "fchmod" | "fchown" | "fstat" | "fstatfs" | "getdents" | "getdents64"
        | "lseek" | "close" => &[D(0)],
        "sendfile" => &[D(0), D(1)],
        "copy_file_range" | "splice" => &[D(0), D(2)],
        "sync" => &[],
        _ => return None,
    })
}
