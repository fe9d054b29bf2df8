//! What differs from one system to the other.

#[cfg(unix)]
mod imp {
    use std::fs::{DirBuilder, File};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    use std::path::Path;

    /// Makes a directory that is its owner's alone, where it is missing, with those that it is in.
    pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Opens a file that is its owner's alone, to read and to append to.
    pub(crate) fn private_file(path: &Path) -> io::Result<File> {
        File::options().create(true).read(true).append(true).mode(0o600).open(path)
    }

    /// Has the names in a directory outlive the loss of power.
    pub(crate) fn sync_names(dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

#[cfg(not(unix))]
mod imp {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(crate) fn private_file(path: &Path) -> io::Result<File> {
        File::options().create(true).read(true).append(true).open(path)
    }

    pub(crate) fn sync_names(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) use self::imp::{private_dir, private_file, sync_names};
