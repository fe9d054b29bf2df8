//! The pinned TypeScript compiler, by which the TypeScript of the documents is checked, and made what any Node.js runs.

use std::{fs, path::Path, process::Command};

use crate::{npm, target_dir::target_dir};

const PACKAGE: &str = include_str!("../typescript/package.json");
const LOCK: &str = include_str!("../typescript/package-lock.json");

/// Checks a program, strictly, and writes it to `to` without its types: nothing in it may need more than that. Panics with
/// what the compiler says.
#[track_caller]
pub fn strip_types(program: &str, to: &Path) {
    let installed = npm::installed(&target_dir().join("typescript"), PACKAGE, LOCK)
        .unwrap_or_else(|problem| panic!("the TypeScript compiler: {problem}"));
    let modules = installed.join("node_modules");
    let dir = tempfile::tempdir().expect("the temporary directory can be written to");
    fs::write(dir.path().join("program.mts"), program).expect("a new folder can be written to");
    let options = serde_json::json!({
        "compilerOptions": {
            "strict": true,
            "noUnusedLocals": true,
            "noUnusedParameters": true,
            "noUncheckedIndexedAccess": true,
            "erasableSyntaxOnly": true,
            "target": "es2022",
            "module": "nodenext",
            "typeRoots": [modules.join("@types")],
            "types": ["node"],
        },
        "files": ["program.mts"],
    });
    fs::write(dir.path().join("tsconfig.json"), options.to_string()).expect("a new folder can be written to");
    let output = Command::new("node")
        .arg(modules.join("typescript/lib/tsc.js"))
        .args(["--project", "."])
        .current_dir(dir.path())
        .output()
        .expect("Node.js can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::copy(dir.path().join("program.mjs"), to)
        .unwrap_or_else(|error| panic!("{} can't be written: {error}", to.display()));
}
