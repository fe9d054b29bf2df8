//! The programs under test, as cargo builds them.

use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::target_dir::workspace_dir;

/// The `hook` program.
pub fn hook_binary() -> PathBuf {
    hook_bin_dir().join(format!("hook{EXE_SUFFIX}"))
}

/// The folder that holds `hook` and `hook-cli`: `HOOK_BIN_DIR` where that is set, else where cargo builds them, which
/// it is asked to do once in each process.
pub fn hook_bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| match std::env::var_os("HOOK_BIN_DIR") {
        // Tests run in the folder of their package, so a relative path means the workspace's folder.
        Some(dir) if !dir.is_empty() => workspace_dir().join(dir),
        _ => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked", "-p", "codex-hook", "--bins"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace_dir())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be run where it runs the tests");
    assert!(output.status.success(), "`cargo build -p codex-hook --bins` failed: {}", output.status);
    let hook = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "hook")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built");
    hook.parent().expect("a program lies in a folder").to_path_buf()
}
