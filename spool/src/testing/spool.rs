use std::fs;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::{Capture, EventId, Spool};

/// A spool in a temporary directory, which is removed with it. It dereferences to the [`Spool`].
///
/// It has a clock of its own, which stands still until it is set, but for a microsecond from one event to the next, so
/// that they are in the order in which they were fired. It begins with the time of the system.
///
/// ```
/// use std::time::Duration;
/// use codex_spool::Prune;
/// use codex_spool::testing::{TestSpool, payload};
///
/// let spool = TestSpool::with_settings("retention_days = 2");
/// spool.fire(payload::stop("thread"));
/// spool.advance(Duration::from_secs(3 * 86_400));
/// let pruned = spool.prune(&Prune::default().now(spool.now()));
/// assert_eq!(pruned.events, 1);
/// ```
#[derive(Debug)]
pub struct TestSpool {
    spool: Spool,
    clock: Mutex<SystemTime>,
    _dir: TempDir,
}

impl TestSpool {
    /// A spool that syncs nothing, and has the default settings otherwise.
    ///
    /// # Panics
    /// When the temporary directory of the system cannot be written to.
    #[expect(clippy::new_without_default, reason = "a default should not make files")]
    pub fn new() -> Self {
        Self::with_settings("")
    }

    /// The same, with these lines in its `spool.toml`. Whoever sets `durability` gets what was asked for.
    ///
    /// # Panics
    /// When the settings are not as they should be, or the temporary directory of the system cannot be written to.
    #[track_caller]
    pub fn with_settings(spool_toml: &str) -> Self {
        let dir = tempfile::tempdir().expect("the temporary directory can be written to");
        let home = dir.path().join("hook-spool");
        let durability = if spool_toml.contains("durability") { "" } else { "durability = \"process\"\n" };
        fs::create_dir(&home)
            .and_then(|()| fs::write(home.join("spool.toml"), format!("{durability}{spool_toml}")))
            .expect("the temporary directory can be written to");
        let spool = Spool::open(&home).unwrap_or_else(|error| panic!("{error}"));
        assert!(spool.settings().problems.is_empty(), "spool.toml: {:?}", spool.settings().problems);
        Self { spool, clock: Mutex::new(SystemTime::now()), _dir: dir }
    }

    /// Records an event as if Codex had just fired a hook: a [`Payload`](super::Payload), or any bytes.
    ///
    /// # Panics
    /// When it cannot be recorded, as what is no payload.
    #[track_caller]
    pub fn fire(&self, payload: impl Into<Vec<u8>>) -> EventId {
        match self.spool.record(&payload.into(), &self.capture()) {
            Ok(recorded) => recorded.id,
            Err(error) => panic!("{error}"),
        }
    }

    /// The circumstances of an event that is captured now, by its clock: for [`Spool::record`], with a tag or a process.
    pub fn capture(&self) -> Capture {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        *clock += Duration::from_micros(1);
        Capture::at(*clock)
    }

    /// What its clock shows.
    pub fn now(&self) -> SystemTime {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets its clock, forward or back.
    pub fn set_time(&self, time: SystemTime) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Sets its clock forward.
    pub fn advance(&self, by: Duration) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Deref for TestSpool {
    type Target = Spool;

    fn deref(&self) -> &Spool {
        &self.spool
    }
}
