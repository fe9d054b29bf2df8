//! Things that are no files.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;

/// Something that is put in the place of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    Symlink,
    DanglingSymlink,
    SymlinkToDevice,
    Fifo,
    Socket,
    Folder,
    Device,
}

pub(crate) const ALL: [Planted; 7] = [
    Planted::Symlink,
    Planted::DanglingSymlink,
    Planted::SymlinkToDevice,
    Planted::Fifo,
    Planted::Socket,
    Planted::Folder,
    Planted::Device,
];

impl Planted {
    /// Puts it there; `foreign` is a file that is none of the spool's. False: this system lets nobody make one.
    pub(crate) fn at(self, path: &Path, foreign: &Path) -> bool {
        match self {
            Self::Symlink => symlink(foreign, path).expect("it can be made"),
            Self::DanglingSymlink => symlink(foreign.with_extension("none"), path).expect("it can be made"),
            Self::SymlinkToDevice => symlink("/dev/zero", path).expect("it can be made"),
            Self::Fifo => mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("it can be made"),
            Self::Socket => {
                // Where it is bound its path has to be short; it stays when nobody listens any more.
                let short = foreign.with_file_name("s");
                drop(UnixListener::bind(&short).expect("it can be made"));
                fs::rename(short, path).expect("it is the same file system");
            }
            Self::Folder => fs::create_dir(path).expect("it can be made"),
            Self::Device => match mknod(path, SFlag::S_IFCHR, Mode::S_IRUSR, makedev(1, 5)) {
                Ok(()) => {}
                Err(Errno::EPERM) => {
                    let mut stderr = std::io::stderr();
                    let _ = std::io::Write::write_all(&mut stderr, b"skipped: only root can make a device\n");
                    return false;
                }
                Err(error) => panic!("{}: {error}", path.display()),
            },
        }
        true
    }
}

/// Removes what was planted.
pub(crate) fn remove(path: &Path) {
    let is_folder = fs::symlink_metadata(path).expect("it is there").is_dir();
    let removed = if is_folder { fs::remove_dir(path) } else { fs::remove_file(path) };
    removed.expect("its owner may do that");
}
