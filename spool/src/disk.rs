//! Every operation by which the spool makes, names, syncs and removes files, and what holds after a crash of the machine.
//!
//! Whether a sync happens at all is the setting `durability`: with `process` the spool outlives the crash of any
//! process, with `full` the loss of power too. What is said of crashes below is said of the loss of power; after the
//! crash of a process every operation that returned is in effect. The tests of crashes look on here: see `observe`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{At, Error, Result};
use crate::observe::{Operation, perform};
use crate::settings::Durability;
use crate::sys::{self, Folder};

/// The disk, with or without syncs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    durability: Durability,
}

/// What became of an attempt to give a file another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// The name is there now.
    Made,
    /// The name was taken.
    Exists,
    /// The folder of the name is not there, or is none.
    NoFolder,
}

impl Disk {
    pub(crate) fn new(durability: Durability) -> Self {
        Self { durability }
    }

    /// Creates a file of a random name in `folder`, for its owner alone. After a crash it is there or not.
    pub(crate) fn create_in(self, folder: &Path) -> Result<(File, PathBuf)> {
        loop {
            let path = folder.join(format!("{:016x}", fastrand::u64(..)));
            match self.create(&path) {
                Ok(file) => return Ok((file, path)),
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates a file that is not there yet, for its owner alone. After a crash it is there or not.
    pub(crate) fn create(self, path: &Path) -> Result<File> {
        let file = perform(Operation::Create(path), || sys::create_private(path)).at("create", path)?;
        sys::make_private(&file).at("set the mode of", path)?;
        Ok(file)
    }

    /// Writes all of `bytes` at the end of `file`. After a crash any part of them may be there.
    pub(crate) fn write(self, mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
        perform(Operation::Write(path, bytes), || file.write_all(bytes)).at("write to", path)
    }

    /// After this, the contents of the file outlive a crash. Once it has failed it must not be tried again on this
    /// file: the system may have forgotten what it could not write.
    #[cfg_attr(feature = "observe-disk", track_caller)]
    pub(crate) fn sync_file(self, file: &File, path: &Path) -> Result<()> {
        match self.durability {
            Durability::Full => perform(Operation::SyncFile(path), || file.sync_data()).at("sync", path),
            Durability::Process => Ok(()),
        }
    }

    /// After this, every name that was made, changed or removed in `folder` outlives a crash as it is now.
    #[cfg_attr(feature = "observe-disk", track_caller)]
    pub(crate) fn sync_folder(self, folder: &Path) -> Result<()> {
        match self.durability {
            Durability::Full => {
                perform(Operation::SyncFolder(folder), || sys::sync_dir(folder)).at("sync", folder)
            }
            Durability::Process => Ok(()),
        }
    }

    /// Gives the file at `from` the name `to` too, never in place of another. After a crash the name is there or not.
    pub(crate) fn link(self, from: &Path, to: &Path) -> Result<Linked> {
        match perform(Operation::Link(from, to), || fs::hard_link(from, to)) {
            Ok(()) => Ok(Linked::Made),
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(Linked::Exists),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Linked::NoFolder),
                _ if sys::lacks_hard_links(&error) => {
                    Err(Error::FileSystem { missing: "hard links", path: to.to_owned(), source: error })
                }
                _ => Err(error).at("make the link", to),
            },
        }
    }

    /// Moves `from` to `to`, in place of a file of that name. After a crash one of the two names is there, or both.
    /// Does nothing where both names are one file already. False: `from` is not there.
    pub(crate) fn rename(self, from: &Path, to: &Path) -> Result<bool> {
        found(perform(Operation::Rename(from, to), || fs::rename(from, to))).at("rename to", to)
    }

    /// The same where both names may be one file already: then `from` is removed. After a crash one of the two names is
    /// there, or both.
    pub(crate) fn give_name(self, from: &Path, to: &Path) -> Result<bool> {
        if from == to {
            return Ok(true);
        }
        match sys::are_one_file(from, to).at("look at", from)? {
            true => self.unlink(from),
            false => self.rename(from, to),
        }
    }

    /// Removes a name. After a crash it may be back. False: it was not there.
    pub(crate) fn unlink(self, path: &Path) -> Result<bool> {
        found(perform(Operation::Unlink(path), || fs::remove_file(path))).at("remove", path)
    }

    /// The same for a name in a folder that is open.
    pub(crate) fn unlink_in(self, folder: &Folder, name: &str) -> Result<bool> {
        let operation = Operation::UnlinkIn(folder.path(), name);
        found(perform(operation, || folder.unlink(name))).map_err(|source| {
            let path = folder.path().join(name);
            Error::Io { operation: "remove", path, source }
        })
    }

    /// Makes a folder that only its owner may enter. After a crash it may be gone, with all that is in it.
    /// False: it is there already.
    pub(crate) fn make_folder(self, path: &Path) -> Result<bool> {
        match perform(Operation::MakeFolder(path), || sys::make_private_dir(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let folder = fs::metadata(path).at("look at", path)?;
                if folder.is_dir() { Ok(false) } else { Err(error).at("make the folder", path) }
            }
            Err(error) => Err(error).at("make the folder", path),
        }
    }

    /// Removes a folder that is empty. False: it is not there, or not empty.
    pub(crate) fn remove_folder(self, path: &Path) -> Result<bool> {
        match perform(Operation::RemoveFolder(path), || fs::remove_dir(path)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
            other => found(other).at("remove", path),
        }
    }

    /// Removes a folder with all that is in it. After a crash any part of it may be back.
    pub(crate) fn remove_tree(self, path: &Path) -> Result<()> {
        match perform(Operation::RemoveTree(path), || fs::remove_dir_all(path)) {
            // A writer that had found the way in has put something there: what is left is removed by the next recovery.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => found(other).at("remove", path).map(drop),
        }
    }
}

fn found(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes `bytes` in place of as many at the beginning of `file`. After a crash any part of the old or of the new may be
/// there.
pub(crate) fn write_at_start(file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    perform(Operation::WriteAtStart(path, bytes), || sys::write_at_start(file, bytes)).at("write to", path)
}

/// Opens a file that is there; what is written to it comes behind what it holds.
pub(crate) fn open_to_append(path: &Path) -> Result<File> {
    File::options().read(true).append(true).open(path).at("open", path)
}

/// The contents of a file that is small where it is what it should be; never waits for anybody. `None`: there is none.
pub(crate) fn read_small(path: &Path) -> Result<Option<Vec<u8>>> {
    const LARGEST: u64 = 1 << 20;
    let read = || {
        let file = sys::open_without_waiting(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        match file.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
            true => Err(io::Error::other("it is larger than 1 MiB")),
            false => Ok(bytes),
        }
    };
    match perform(Operation::Read(path), read) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("read", path),
    }
}

/// The names in a folder, in no order; names that are not UTF-8 are none of ours and left out. A pass over a folder
/// that changes meanwhile may return a later name and miss an earlier one.
pub(crate) fn list(folder: &Path) -> Result<impl Iterator<Item = Result<String>>> {
    let names = perform(Operation::List(folder), || fs::read_dir(folder)).at("list", folder)?;
    let folder = folder.to_owned();
    Ok(names.filter_map(move |name| match name {
        Ok(name) => name.file_name().into_string().ok().map(Ok),
        Err(error) => Some(Err(error).at("list", &folder)),
    }))
}

/// The same, with a folder that is not there as an empty one.
pub(crate) fn list_if_there(folder: &Path) -> Result<impl Iterator<Item = Result<String>>> {
    match list(folder) {
        Ok(names) => Ok(Some(names).into_iter().flatten()),
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None.into_iter().flatten())
        }
        Err(error) => Err(error),
    }
}

/// Takes the lock of a file without waiting. False: another process has it.
pub(crate) fn try_lock(file: &File, path: &Path) -> Result<bool> {
    let lock = || match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(error),
    };
    match perform(Operation::Lock(path), lock) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            Err(Error::FileSystem { missing: "file locks", path: path.to_owned(), source: error })
        }
        taken => taken.at("lock", path),
    }
}
