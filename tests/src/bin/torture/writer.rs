//! A writer that records one event after another, and says which, a line each, as soon as it is recorded.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use codex_spool::{Capture, Spool};

use crate::event::payload;

pub(crate) fn run(spool: &Path, first: u64, count: u64) -> Result<(), Box<dyn Error>> {
    let spool = Spool::open(spool)?;
    let mut stdout = std::io::stdout().lock();
    for number in first..first + count {
        spool.record(payload(number).as_bytes(), &Capture::now())?;
        writeln!(stdout, "{number}")?;
    }
    Ok(())
}
