//! Replaces a file by another, whole.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{Error, platform};

/// A file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The path that it was asked for by.
    pub(crate) path: PathBuf,
    /// Behind all links.
    target: PathBuf,
    /// `None`: there is no file.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Who may use it; `None`: there is no file, or this system does not say.
    pub(crate) mode: Option<u32>,
}

/// How a replacement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "somebody else may have changed the file: plan again on its new text"]
pub(crate) enum Replaced {
    Done,
    /// The file is not what was read any more; it was left alone.
    ChangedMeanwhile,
}

const TEMPORARY: &str = ".hook-install-";

impl Snapshot {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let target = follow_links(path)?;
        let bytes = current(&target)?;
        let mode = fs::metadata(&target).ok().and_then(|file| platform::mode(&file));
        Ok(Snapshot { path: path.to_owned(), target, bytes, mode })
    }

    /// Sets who may use the very file that was read: one that has taken its place meanwhile is left alone.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mut file = fs::File::open(&self.target)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        match platform::permissions(mode).filter(|_| self.bytes.as_ref() == Some(&bytes)) {
            Some(permissions) => file.set_permissions(permissions),
            None => Ok(()),
        }
    }

    /// The directory that the file itself is in, behind all links.
    pub(crate) fn dir(&self) -> &Path {
        self.target.parent().unwrap_or(Path::new("/"))
    }

    /// Puts `new` in the place of the file, or removes the file.
    ///
    /// A symlink stays: its target is replaced. The mode is kept, unless another is given. A reader sees the old file or the new one, whole; so does
    /// whoever looks after a crash or a loss of power, and once this has returned it is the new one.
    ///
    /// The file is compared with what was read right before it is replaced, and once more after: where two files can be
    /// exchanged, a write by rename that fell in between is put back. Elsewhere it would be lost.
    pub(crate) fn replace(
        &self,
        new: Option<&[u8]>,
        fresh: Option<fs::Permissions>,
        mode: Option<u32>,
    ) -> Result<Replaced, Error> {
        let target = &self.target;
        let dir = self.dir();
        let Some(new) = new else {
            if current(target)? != self.bytes {
                return Ok(Replaced::ChangedMeanwhile);
            }
            return match fs::remove_file(target) {
                Ok(()) => platform::sync_dir(dir)
                    .map(|()| Replaced::Done)
                    .map_err(|error| Error::io("remove", target, error)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Replaced::Done),
                Err(error) => Err(Error::io("remove", target, error)),
            };
        };
        let failed = |error| Error::io("replace", target, error);
        let old = fs::metadata(target).ok();
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY);
        if let Some(permissions) = &fresh {
            builder.permissions(permissions.clone());
        }
        let mut file = builder.tempfile_in(dir).map_err(failed)?;
        // Where no lock can be had, nothing is swept either.
        let _ = file.as_file().try_lock();
        file.write_all(new).map_err(failed)?;
        if let Some(old) = &old {
            platform::keep_owner(old, file.as_file());
            let permissions = mode.and_then(platform::permissions).unwrap_or_else(|| old.permissions());
            file.as_file().set_permissions(permissions).map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        if current(target)? != self.bytes {
            return Ok(Replaced::ChangedMeanwhile);
        }
        let expected = self.bytes.is_some();
        if expected && platform::swap(file.path(), target).map_err(failed)? {
            let mut taken = fs::read(file.path()).ok();
            if taken == self.bytes {
                platform::sync_dir(dir).map_err(failed)?;
                return Ok(Replaced::Done);
            }
            // Put back what somebody else has written; and where yet another write came before that, that one.
            let mut put = Some(new.to_vec());
            loop {
                platform::swap(file.path(), target).map_err(failed)?;
                let newest = fs::read(file.path()).ok();
                if newest == put {
                    return Ok(Replaced::ChangedMeanwhile);
                }
                put = std::mem::replace(&mut taken, newest);
            }
        } else if expected {
            file.persist(target).map_err(|error| failed(error.error))?;
        } else if let Err(error) = file.persist_noclobber(target) {
            return match error.error.kind() {
                io::ErrorKind::AlreadyExists => Ok(Replaced::ChangedMeanwhile),
                _ => Err(failed(error.error)),
            };
        }
        platform::sync_dir(dir).map_err(failed)?;
        Ok(Replaced::Done)
    }
}

/// Removes what installers that were killed have left in the directory: files that nobody holds.
pub(crate) fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let left = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if left && fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn current(target: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(target) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", target, error)),
    }
}

/// Where a chain of links ends, whether there is a file or not.
fn follow_links(path: &Path) -> Result<PathBuf, Error> {
    let mut target = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("/")).join(link),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::io("follow the links of", path, io::Error::other("too many of them")))
}
