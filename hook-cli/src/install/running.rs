//! The programs that were started and still run: none of them outlives the command that asked it something.

use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::platform;

static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// From now on Ctrl-C and its like end what was started, with all that it has started, and then this process.
///
/// For a program that does nothing else about signals.
pub fn end_together() {
    // Where signals cannot be caught they end this process alone.
    let _ = ctrlc::set_handler(|| {
        for leader in &*running() {
            platform::kill_group_of(*leader);
        }
        std::process::exit(130);
    });
}

/// A child that leads a process group, as long as it has not been waited for.
#[derive(Debug)]
pub(crate) struct Running(u32);

impl Running {
    /// Starts it. No signal comes between its start and the note of it.
    pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        platform::lead_group(command);
        let mut running = running();
        let child = command.spawn()?;
        let leader = child.id();
        running.push(leader);
        Ok((child, Running(leader)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        running().retain(|leader| *leader != self.0);
    }
}

fn running() -> MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
