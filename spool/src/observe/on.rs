use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use super::Operation;

/// The place in the source that asked for an operation.
pub type Site = &'static Location<'static>;

/// Stands in every program that can be observed, and in no other.
pub const MARKER: &str = "codex-spool: the disk is observed, and nobody panics meanwhile";

/// Is told of operations.
pub trait Observer: Send + Sync {
    /// Before the operation, which is not done where this gives an error. It may take its time.
    ///
    /// # Errors
    /// Those that the operation is to fail with.
    fn before(&self, operation: &Operation<'_>, site: Site) -> io::Result<()>;

    /// After the operation, which has succeeded or not.
    fn after(&self, operation: &Operation<'_>, site: Site, succeeded: bool);
}

type Observers = Vec<(PathBuf, Arc<dyn Observer>)>;

static OBSERVERS: RwLock<Observers> = RwLock::new(Vec::new());

/// Ends the observation when it is dropped.
#[must_use = "the observation ends as soon as it is dropped"]
#[derive(Debug)]
pub struct Observed(PathBuf);

/// Has every operation of this process below `root` told to `observer`.
pub fn observe(root: &Path, observer: Arc<dyn Observer>) -> Observed {
    OBSERVERS.write().expect(MARKER).push((root.to_owned(), observer));
    Observed(root.to_owned())
}

impl Drop for Observed {
    fn drop(&mut self) {
        OBSERVERS.write().expect(MARKER).retain(|(root, _)| *root != self.0);
    }
}

/// Does what is to be done, and tells who observes it.
#[track_caller]
pub(crate) fn perform<T>(operation: Operation<'_>, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let site = Location::caller();
    let Some(observer) = observer_of(&operation) else { return act() };
    observer.before(&operation, site)?;
    let done = act();
    observer.after(&operation, site, done.is_ok());
    done
}

fn observer_of(operation: &Operation<'_>) -> Option<Arc<dyn Observer>> {
    use Operation::*;
    let (Create(path)
    | Write(path, _)
    | WriteAtStart(path, _)
    | SyncFile(path)
    | SyncFolder(path)
    | Link(_, path)
    | Rename(_, path)
    | Unlink(path)
    | UnlinkIn(path, _)
    | MakeFolder(path)
    | RemoveFolder(path)
    | RemoveTree(path)
    | List(path)
    | Read(path)
    | Lock(path)) = operation;
    let observers = OBSERVERS.read().expect(MARKER);
    observers.iter().find(|(root, _)| path.starts_with(root)).map(|(_, observer)| Arc::clone(observer))
}
