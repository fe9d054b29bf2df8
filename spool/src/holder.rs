//! The file `lock` of a consumer: who has it.

use std::fs::File;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::{Wake, disk};

/// In the folder of a consumer: the flock by which it is somebody's.
pub(crate) const LOCK: &str = "lock";

/// The contents of the lock file, a line of JSON: the process that has the consumer, or had it last.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) program: String,
    pub(crate) since: String,
    /// `watch` or `poll`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wake: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_flight: Option<u64>,
}

/// The line is filled up to this length, so that a new one takes the place of the old one in a single write.
const LENGTH: usize = 512;

impl Holder {
    pub(crate) fn new(program: &str, since: String) -> Self {
        let program = program.chars().take(64).collect();
        Self { pid: std::process::id(), program, since, wake: None, in_flight: None }
    }

    pub(crate) fn set(&mut self, wake: Option<Wake>, in_flight: u64) {
        self.wake = wake.map(|wake| wake.as_str().to_owned());
        self.in_flight = Some(in_flight);
    }

    pub(crate) fn write(&self, lock: &File, path: &Path) -> Result<()> {
        let mut line = serde_json::to_vec(self).expect("plain fields become JSON");
        line.resize(line.len().max(LENGTH - 1), b' ');
        line.push(b'\n');
        disk::write_at_start(lock, path, &line)
    }

    /// What the lock file says; nothing where it says nothing yet.
    pub(crate) fn read(path: &Path) -> Self {
        let line = disk::read_small(path).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&line).unwrap_or_default()
    }
}

/// The name of the running executable.
pub(crate) fn this_program() -> io::Result<String> {
    let program = std::env::current_exe()?;
    Ok(program.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
