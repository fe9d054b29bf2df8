//! Where a program keeps what outlives it: a directory of its owner's, files of JSON that are replaced whole, and locks
//! that the kernel frees.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let given = Some(dir.path().join("state"));
//! use state_dir::StateDir;
//!
//! // With `given`: None it is `mine` in $XDG_STATE_HOME, or in ~/.local/state.
//! let state = StateDir::open(given, "mine")?;
//! let _lock = state.lock("lock")?;
//! let count: u64 = state.read("count.json")?.unwrap_or_default();
//! state.write("count.json", &(count + 1))?;
//! assert_eq!(state.read("count.json")?, Some(1));
//! # Ok(())
//! # }
//! ```
//!
//! # Limitations
//!
//! - A directory that is there already keeps the permissions that it has.
//! - Windows cannot be asked to sync a directory: there the name of a new file may be lost with the power.

mod error;
mod sys;

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::{Error, Result};

/// A directory in which a program keeps its state. Names are relative to it, and may lead into folders of it.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// A lock, until it is dropped or its process ends, however that does.
#[derive(Debug)]
#[must_use = "it is held until it is dropped"]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl StateDir {
    /// Opens the directory that is given, or else the [default](Self::default_path) one of the program with that name. Where
    /// it is missing it is made, for its owner alone.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(given: Option<PathBuf>, name: &str) -> Result<Self> {
        let path = given.map_or_else(|| Self::default_path(name), Ok)?;
        // Whatever folder the program is in, or goes to.
        let path = path::absolute(&path).map_err(Error::file("find", path))?;
        sys::private_dir(&path).map_err(Error::file("make", &path))?;
        Ok(Self { path })
    }

    /// The directory `name` in `$XDG_STATE_HOME`, or in `~/.local/state`: as the XDG base directory specification has it, a
    /// relative path in the variable does not count.
    ///
    /// # Errors
    /// [`Error::NoHome`].
    pub fn default_path(name: &str) -> Result<PathBuf> {
        let set = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = set.or_else(|| Some(env::home_dir()?.join(".local/state")));
        Ok(home.ok_or(Error::NoHome)?.join(name))
    }

    /// The path of what has that name, by which it is found from everywhere.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A file to read and to append to. Where it is missing it is made, for its owner alone, and outlives the loss of
    /// power.
    ///
    /// # Errors
    /// Where it cannot be made or opened.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.join(name);
        let open = || {
            let is_new = !path.try_exists()?;
            let file = sys::private_file(&path)?;
            if is_new { sys::sync_names(&self.path).map(|()| file) } else { Ok(file) }
        };
        open().map_err(Error::file("open", &path))
    }

    /// Locks that file, once nobody else has it locked.
    ///
    /// # Errors
    /// Where the file cannot be made or locked.
    pub fn lock(&self, name: &str) -> Result<Lock> {
        let file = self.file(name)?;
        file.lock().map_err(Error::file("lock", self.join(name)))?;
        Ok(Lock(file))
    }

    /// Locks that file, unless somebody has it locked.
    ///
    /// # Errors
    /// Where the file cannot be made or locked.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>> {
        let file = self.file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::file("lock", self.join(name))(error)),
        }
    }

    /// What was [written](Self::write) under that name. `None`: nothing was.
    ///
    /// # Errors
    /// Where it cannot be read, or was not written here.
    pub fn read<T: DeserializeOwned>(&self, name: impl AsRef<Path>) -> Result<Option<T>> {
        let path = self.join(name);
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|source| Error::Damaged { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }

    /// All that was [written](Self::write) under a name that ends in `.json`, in that folder. In no order.
    ///
    /// # Errors
    /// Where it cannot be read, or was not written here.
    pub fn read_all<T: DeserializeOwned>(&self, folder: &str) -> Result<Vec<T>> {
        let path = self.join(folder);
        let files = match fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files.map_err(Error::file("list", path))?,
        };
        let paths = files.into_iter().map(|file| file.path());
        // Others are what a kill has left of a write.
        let written = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        written.filter_map(|path| self.read(path).transpose()).collect()
    }

    /// Writes a file, or replaces it whole. After a crash it is the new one or the old one; when this has returned, the
    /// new one.
    ///
    /// # Errors
    /// Where it cannot be written. Then it is the old one.
    pub fn write(&self, name: impl AsRef<Path>, value: &impl Serialize) -> Result<()> {
        let path = self.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        let write = || -> io::Result<()> {
            sys::private_dir(folder)?;
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
            serde_json::to_writer(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            sys::sync_names(folder)
        };
        write().map_err(Error::file("write", &path))
    }
}
