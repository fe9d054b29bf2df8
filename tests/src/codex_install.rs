//! Installs the pinned Codex CLI, once, into the target folder.

use std::{
    env::consts::{ARCH, EXE_SUFFIX, OS},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    npm::{self, npm},
    target_dir::target_dir,
};

const PACKAGE: &str = include_str!("../codex/package.json");
const LOCK: &str = include_str!("../codex/package-lock.json");

/// The native program of the pinned Codex CLI, which is what npm's launcher starts after it has looked for it.
///
/// Installed at the first call; panics with one line where it can't be had. See [`install_codex`].
pub fn codex_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| install_codex().unwrap_or_else(|problem| panic!("{problem}")))
}

/// Installs the pinned Codex CLI where that has not been done, and gives the path of its native program.
///
/// `npm ci` does the work, in a folder of the target directory that is named by the lock file's hash. Any number of
/// processes may ask at once. The error is one line that says what is missing and how to get it.
pub fn install_codex() -> Result<PathBuf, String> {
    install(&target_dir().join("codex")).map_err(|problem| format!("the Codex CLI under test: {problem}"))
}

fn install(root: &Path) -> Result<PathBuf, String> {
    let native = native_binary()?;
    let done = npm::installed(root, PACKAGE, LOCK)?;
    let binary = done.join(native);
    if !binary.is_file() {
        return Err(format!(
            "{} is missing: delete {} and run the tests again",
            binary.display(),
            done.display()
        ));
    }
    Ok(binary)
}

/// Installs another version of the Codex CLI, named in full (`0.116.0`), into `dir`, and gives the path of its native
/// program.
pub fn install_codex_version(version: &str, dir: &Path) -> Result<PathBuf, String> {
    let problem = |problem| format!("Codex {version}: {problem}");
    let binary = dir.join(native_binary().map_err(problem)?);
    fs::write(dir.join("package.json"), "{}").map_err(|error| format!("{}: {error}", dir.display()))?;
    npm(dir, &["install", &format!("@openai/codex@{version}")]).map_err(problem)?;
    if binary.is_file() {
        return Ok(binary);
    }
    // Before it had a folder `bin` of its own, the program lay in `codex`.
    let name = binary.file_name().expect("a program has a name");
    let older = binary.parent().and_then(Path::parent).map(|vendor| vendor.join("codex").join(name));
    older
        .filter(|older| older.is_file())
        .ok_or_else(|| format!("Codex {version}: {} is missing", binary.display()))
}

/// Where the native program lies below the folder in which npm installed.
fn native_binary() -> Result<PathBuf, String> {
    let (package, triple) = match (OS, ARCH) {
        ("linux", "x86_64") => ("codex-linux-x64", "x86_64-unknown-linux-musl"),
        ("linux", "aarch64") => ("codex-linux-arm64", "aarch64-unknown-linux-musl"),
        ("macos", "x86_64") => ("codex-darwin-x64", "x86_64-apple-darwin"),
        ("macos", "aarch64") => ("codex-darwin-arm64", "aarch64-apple-darwin"),
        ("windows", "x86_64") => ("codex-win32-x64", "x86_64-pc-windows-msvc"),
        ("windows", "aarch64") => ("codex-win32-arm64", "aarch64-pc-windows-msvc"),
        (os, arch) => return Err(format!("there is no build of it for {os} on {arch}")),
    };
    Ok(["node_modules", "@openai", package, "vendor", triple, "bin"]
        .iter()
        .collect::<PathBuf>()
        .join(format!("codex{EXE_SUFFIX}")))
}
