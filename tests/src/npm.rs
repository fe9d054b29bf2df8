//! What the tests take from npm, in the target folder.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// Installs what a `package-lock.json` pins where that has not been done, and gives the folder.
///
/// `npm ci` does the work, in a folder below `root` that is named by the lock file's hash. Any number of processes may ask at
/// once. The error is one line that says what is missing and how to get it.
pub(crate) fn installed(root: &Path, package: &str, lock: &str) -> Result<PathBuf, String> {
    let name = blake3::hash(lock.as_bytes()).to_hex();
    let done = root.join(&name[..16]);
    // The folder appears under this name by a rename, so where it is there it is whole.
    if done.is_dir() {
        return Ok(done);
    }
    let at = |error: io::Error| format!("{}: {error}", root.display());
    fs::create_dir_all(root).map_err(at)?;
    let one_at_a_time = File::create(root.join("lock")).map_err(at)?;
    one_at_a_time.lock().map_err(at)?;
    if !done.is_dir() {
        let under_way = root.join(format!("new-{}", &name[..16]));
        if under_way.exists() {
            fs::remove_dir_all(&under_way).map_err(at)?;
        }
        fs::create_dir(&under_way).map_err(at)?;
        fs::write(under_way.join("package.json"), package).map_err(at)?;
        fs::write(under_way.join("package-lock.json"), lock).map_err(at)?;
        npm(&under_way, &["ci"])?;
        fs::rename(&under_way, &done).map_err(at)?;
    }
    Ok(done)
}

/// Runs npm in a folder.
pub(crate) fn npm(dir: &Path, args: &[&str]) -> Result<(), String> {
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
