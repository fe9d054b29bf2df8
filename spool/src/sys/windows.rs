use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Whether file-system notifications name every file, in the order in which the names were made.
pub(crate) const NOTIFICATIONS_ARE_IN_ORDER: bool = false;

/// Writes over the beginning of a file.
pub(crate) fn write_at_start(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.rewind()?;
    file.write_all(bytes)
}

/// Makes a folder. A folder below the user's profile inherits that only this user may enter it.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Makes a file that is not there yet.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Nothing to do: a file has the access list of its folder.
pub(crate) fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Nothing to do: NTFS journals its names, and a folder cannot be synced.
pub(crate) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file to read it, and the link itself where it is one.
pub(crate) fn open_no_follow(path: &Path) -> io::Result<File> {
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    // Without it a folder cannot be opened.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    let flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Opens the lock of a consumer, which is about to be written to: it has to be a file.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path)?.is_file() {
        true => OpenOptions::new().read(true).write(true).open(path),
        false => Err(io::Error::other("it is no file")),
    }
}

/// Opens a file to read it.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Nothing to do: a folder has the access list of the one above.
pub(crate) fn close_to_others(_folder: &Path, _metadata: &Metadata) -> io::Result<()> {
    Ok(())
}

/// A folder whose files are found by its path.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        fs::read_dir(path)?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether its path still names it: it is nothing but its path.
    pub(crate) fn is_current(&self) -> io::Result<bool> {
        fs::metadata(&self.0).map(|_| true)
    }

    /// Opens a file to read it, and the link itself where it is one.
    pub(crate) fn open_no_follow(&self, name: &str) -> io::Result<File> {
        open_no_follow(&self.0.join(name))
    }

    pub(crate) fn unlink(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }
}

/// Whether `path` names this very file.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(named) => Ok(named == ours),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether two names are of one file.
pub(crate) fn are_one_file(one: &Path, other: &Path) -> io::Result<bool> {
    match same_file::is_same_file(one, other) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        same => same,
    }
}

/// Whether a link could not be made because the file system has none.
pub(crate) fn lacks_hard_links(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Whether a file could not be opened for want of something that has nothing to do with it, and may be there again soon.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// Who may get at a folder.
#[allow(dead_code, reason = "the variants are those of every platform")]
pub(crate) enum Exposure {
    Private,
    ForeignOwner { owner: u32, user: u32 },
    WritableByOthers { mode: u32 },
}

pub(crate) fn exposure(_folder: &Metadata) -> Exposure {
    Exposure::Private
}
