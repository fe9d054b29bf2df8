//! A hook that keeps each payload byte for byte: what the product's records are compared with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Keeps stdin in the folder beside it. The number is claimed by making a file that must be new, which orders the
/// payloads; the rename makes each appear whole.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
dir=${0%/*}/payloads
cat >"$dir/.$$"
n=1
while [ -e "$dir/$n" ] || ! (set -C; : >"$dir/$n") 2>/dev/null; do n=$((n + 1)); done
mv "$dir/.$$" "$dir/$n.json"
"#;

/// The hook's program and what it has kept.
#[derive(Debug)]
pub(crate) struct Dump {
    program: PathBuf,
    payloads: PathBuf,
}

impl Dump {
    pub(crate) fn create(dir: &Path) -> io::Result<Self> {
        let payloads = dir.join("payloads");
        fs::create_dir_all(&payloads)?;
        let program = dir.join("dump.sh");
        fs::write(&program, SCRIPT)?;
        Ok(Self { program, payloads })
    }

    /// Runs the script by naming its shell: a file just written can't be executed while another thread's child, forked
    /// meanwhile, still has it open for writing.
    pub(crate) fn command(&self) -> String {
        format!("/bin/sh '{}'", self.program.display())
    }

    pub(crate) fn payloads(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.payloads)? {
            let name = entry?.file_name();
            if let Some(number) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                numbers.extend(number.parse::<u64>());
            }
        }
        numbers.sort_unstable();
        numbers.into_iter().map(|number| fs::read(self.payloads.join(format!("{number}.json")))).collect()
    }
}
