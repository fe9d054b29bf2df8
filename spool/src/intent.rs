//! A file in `tmp/`: what a writer is about to record.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::disk::{self, Disk, Linked};
use crate::error::{At, Result};
use crate::sys;

/// A file in `tmp/` under this process's lock, whole and synced. Whoever finds one whose lock is free knows that its
/// writer is dead, and finishes the work or removes the file.
#[derive(Debug)]
pub(crate) struct Intent {
    file: File,
    path: PathBuf,
}

/// What became of an attempt to take an intent.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Its writer is dead; it is ours to finish.
    Dead(Intent),
    /// Its writer lives.
    Alive,
    /// It is gone, or was never an intent.
    Nothing,
}

impl Intent {
    /// Writes `bytes` to a new file in `tmp`. On failure nothing is left.
    pub(crate) fn write(disk: Disk, tmp: &Path, bytes: &[u8]) -> Result<Self> {
        let intent = loop {
            let (file, path) = disk.create_in(tmp)?;
            // Between the two steps a recoverer may have taken the empty file for a dead writer's.
            match disk::try_lock(&file, &path) {
                Ok(true) if sys::is_at(&file, &path).at("look at", &path)? => break Self { file, path },
                Ok(_) => {}
                Err(error) => {
                    disk.unlink(&path)?;
                    return Err(error);
                }
            }
        };
        let written = disk
            .write(&intent.file, &intent.path, bytes)
            .and_then(|()| disk.sync_file(&intent.file, &intent.path));
        match written {
            Ok(()) => Ok(intent),
            Err(error) => {
                // What failed to be written is said; that it could not be removed either is no further news.
                let _ = intent.remove(disk);
                Err(error)
            }
        }
    }

    /// Takes the intent at `path` from its writer, if that is dead.
    pub(crate) fn take(path: PathBuf) -> Result<Taken> {
        let file = match sys::open_no_follow(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Taken::Nothing),
            Err(error) => return Err(error).at("open", &path),
        };
        if !file.metadata().at("look at", &path)?.is_file() {
            return Ok(Taken::Nothing);
        }
        if !disk::try_lock(&file, &path)? {
            return Ok(Taken::Alive);
        }
        match sys::is_at(&file, &path).at("look at", &path)? {
            true => Ok(Taken::Dead(Self { file, path })),
            false => Ok(Taken::Nothing),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Its contents.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&self.file).read_to_end(&mut bytes).at("read", &self.path)?;
        Ok(bytes)
    }

    /// Whether the file is at `path` too.
    pub(crate) fn is_at(&self, path: &Path) -> Result<bool> {
        sys::is_at(&self.file, path).at("look at", path)
    }

    /// Puts the file at `to`, durably, unless one is there already.
    pub(crate) fn put(self, disk: Disk, to: &Path) -> Result<()> {
        let linked = match disk.link(&self.path, to) {
            Ok(Linked::Made | Linked::Exists) => {
                disk.sync_folder(to.parent().expect("a file of the spool is in a folder"))
            }
            Ok(Linked::NoFolder) => Err(io::Error::from(io::ErrorKind::NotFound)).at("make", to),
            Err(error) => Err(error),
        };
        let removed = self.remove(disk);
        linked.and(removed)
    }

    /// Removes the name in `tmp/`; the lock is held until it is gone.
    pub(crate) fn remove(self, disk: Disk) -> Result<()> {
        disk.unlink(&self.path).map(drop)
    }
}
