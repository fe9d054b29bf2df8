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
        _ => {
            let hook = build("hook", &["-p", "codex-hook", "--bins"]);
            hook.parent().expect("a program lies in a folder").to_path_buf()
        }
    })
}

/// The `hook` program as it is released: the one in `HOOK_BIN_DIR` where that is set, else built now.
pub fn released_hook_binary() -> PathBuf {
    match std::env::var_os("HOOK_BIN_DIR") {
        Some(dir) if !dir.is_empty() => hook_binary(),
        _ => build("hook", &["-p", "codex-hook", "--bins", "--release"]),
    }
}

/// The `hook-relay` program as it is released, built now.
pub fn released_relay_binary() -> PathBuf {
    build("hook-relay", &["-p", "codex-spool-nats", "--bins", "--release"])
}

/// A program that does nothing, built as `hook` is when it is released: what starting any program of Rust costs.
pub fn released_no_op_binary() -> PathBuf {
    build("no-op", &["-p", "codex-hook-tests", "--bin", "no-op", "--release"])
}

/// Builds what `args` tell cargo to, and gives the place of the program `name`.
fn build(name: &str, args: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked"])
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace_dir())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be run where it runs the tests");
    assert!(output.status.success(), "`cargo build {}` failed: {}", args.join(" "), output.status);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built")
}
