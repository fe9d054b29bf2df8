use std::fs::File;
use std::path::Path;

use super::{Error, platform};

/// Keeps other installers out of a Codex home until it is dropped, or the process ends.
#[derive(Debug)]
#[must_use = "the lock is gone as soon as it is dropped"]
pub(crate) struct InstallLock {
    _file: File,
}

impl InstallLock {
    /// Waits for the other installers. The directory must exist.
    pub(crate) fn take(codex_home: &Path) -> Result<Self, Error> {
        let failed = |source| Error::io("lock", codex_home, source);
        let file = platform::lockable(codex_home).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(InstallLock { _file: file })
    }
}
