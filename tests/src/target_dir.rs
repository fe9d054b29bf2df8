//! Where cargo builds: the harness keeps there what is expensive to make.

use std::path::{Path, PathBuf};

/// The target folder of this build: the nearest folder above the test program that cargo has marked as a cache.
pub(crate) fn target_dir() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    program
        .ancestors()
        .find(|dir| dir.join("CACHEDIR.TAG").is_file())
        .map_or_else(|| workspace_dir().join("target"), Path::to_path_buf)
}

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn workspace_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace's folder")
}
