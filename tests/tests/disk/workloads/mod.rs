//! What is done while the power may fail.

mod consuming;
mod writing;

use std::time::Duration;

use crate::explore::Workload;
use crate::recorder::Fault;
use crate::stage::Stage;

pub(crate) use consuming::CONSUMING;
pub(crate) use writing::WRITING;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// An error of input or output, once.
const BROKEN: Fault = Fault::Error(5);

/// A spool with these consumers.
pub(crate) fn consumers(stage: &Stage, names: &[&str]) {
    drop(stage.open());
    for name in names {
        drop(stage.latest(name));
    }
}

/// A consumer that is opened makes recovery run; it settles nothing.
fn recover(stage: &Stage) {
    drop(stage.latest("a"));
}

/// Played once, crashed into once.
const PLAIN: Workload = Workload { name: "", before: |_| {}, acts: |_, _| false, again: None };
