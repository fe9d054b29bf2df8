use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

/// Whether file-system notifications name every file, in the order in which the names were made: inotify's do.
pub(crate) const NOTIFICATIONS_ARE_IN_ORDER: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Makes a folder that only its owner may enter, whatever the umask. It may be gone again when this returns, where
/// others remove what is empty.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    match fs::set_permissions(path, Permissions::from_mode(0o700)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        set => set,
    }
}

/// Makes a file that is not there yet, for its owner alone.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Writes over the beginning of a file.
pub(crate) fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
}

/// Takes all access from other users, and gives its owner's back where the umask took it.
pub(crate) fn make_private(file: &File) -> io::Result<()> {
    if file.metadata()?.mode() & 0o777 == 0o600 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).custom_flags(OFlags::DIRECTORY.bits() as i32).open(path)?.sync_all()
}

/// Opens a file to read it; follows no symlink, and never waits for the other end of a FIFO.
pub(crate) fn open_no_follow(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

/// Opens the lock of a consumer, which is about to be written to: it has to be a file, and to have no other name.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() && metadata.nlink() <= 1 {
        true => Ok(file),
        false => Err(io::Error::other("it is no file, or has another name too")),
    }
}

/// Opens a file to read it; never waits for anybody: neither for the other end of a FIFO nor for a lease.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)
}

/// Takes the access of other users to a folder of ours away.
pub(crate) fn close_to_others(folder: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// A folder that is open: the files in it are found without walking its path again and again.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: File,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let handle =
            OpenOptions::new().read(true).custom_flags(OFlags::DIRECTORY.bits() as i32).open(path)?;
        Ok(Self { handle, path: path.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its path still names it.
    pub(crate) fn is_current(&self) -> io::Result<bool> {
        is_at(&self.handle, &self.path)
    }

    /// Opens a file to read it; follows no symlink, and never waits for the other end of a FIFO.
    pub(crate) fn open_no_follow(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    pub(crate) fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }
}

/// Whether `path` names this very file.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok(named.dev() == ours.dev() && named.ino() == ours.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether two names are of one file.
pub(crate) fn are_one_file(one: &Path, other: &Path) -> io::Result<bool> {
    let file = |path: &Path| match fs::symlink_metadata(path) {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(match file(other)? {
        Some(other) => file(one)? == Some(other),
        None => false,
    })
}

/// Whether a link could not be made because the file system has none.
pub(crate) fn lacks_hard_links(error: &io::Error) -> bool {
    // FAT and its kin say EPERM.
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}

/// Whether a file could not be opened for want of something that has nothing to do with it, and may be there again soon.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|no| error.raw_os_error() == Some(no.raw_os_error()))
}

/// Who may get at a folder.
pub(crate) enum Exposure {
    Private,
    ForeignOwner { owner: u32, user: u32 },
    WritableByOthers { mode: u32 },
}

pub(crate) fn exposure(folder: &Metadata) -> Exposure {
    let (owner, user) = (folder.uid(), rustix::process::geteuid().as_raw());
    let mode = folder.mode() & 0o7777;
    if owner != user {
        Exposure::ForeignOwner { owner, user }
    } else if mode & 0o022 != 0 {
        Exposure::WritableByOthers { mode }
    } else {
        Exposure::Private
    }
}
