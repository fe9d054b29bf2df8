//! Installs the pinned Codex CLI, once, into the target folder.

use std::{
    env::consts::{ARCH, EXE_SUFFIX, OS},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::target_dir::target_dir;

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
    let name = blake3::hash(LOCK.as_bytes()).to_hex();
    let done = root.join(&name[..16]);
    // The folder appears under this name by a rename, so where it is there it is whole.
    if !done.is_dir() {
        let at = |error: io::Error| format!("{}: {error}", root.display());
        fs::create_dir_all(root).map_err(at)?;
        let lock = File::create(root.join("lock")).map_err(at)?;
        lock.lock().map_err(at)?;
        if !done.is_dir() {
            let under_way = root.join(format!("new-{}", &name[..16]));
            if under_way.exists() {
                fs::remove_dir_all(&under_way).map_err(at)?;
            }
            fs::create_dir(&under_way).map_err(at)?;
            fs::write(under_way.join("package.json"), PACKAGE).map_err(at)?;
            fs::write(under_way.join("package-lock.json"), LOCK).map_err(at)?;
            npm_ci(&under_way)?;
            fs::rename(&under_way, &done).map_err(at)?;
        }
    }
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

fn npm_ci(dir: &Path) -> Result<(), String> {
    npm(dir, &["ci"])
}

fn npm(dir: &Path, args: &[&str]) -> Result<(), String> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(args)
        .args(["--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(dir)
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "npm is not installed: get Node.js 16 or later with npm from https://nodejs.org, or from your \
                 system's packages (Debian: apt install npm; macOS: brew install node)"
                    .to_owned()
            }
            _ => format!("npm can't be run: {error}"),
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().filter(|line| line.contains("error")).take(3).collect::<Vec<_>>().join("; ");
    Err(format!(
        "`npm {}` failed ({}): {reason}: is the npm registry within reach?",
        args.join(" "),
        output.status
    ))
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
