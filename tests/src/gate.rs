//! A point where the model waits until the test lets it go on.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::process::PATIENCE;

/// Holds a step of a [`Scenario`](crate::Scenario) until the test opens it: what a sleep would do, without its guess.
///
/// The clones of a gate are one gate. It opens once, and stays open.
#[derive(Clone, Debug)]
pub struct Gate {
    open: watch::Sender<bool>,
    reached: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { open: watch::Sender::new(false), reached: Arc::default() }
    }

    /// Waits until Codex has sent the request that is held here.
    #[track_caller]
    pub fn wait_until_reached(&self) {
        assert!(self.is_reached_within(PATIENCE), "no request reached the gate within {PATIENCE:?}");
    }

    fn is_reached_within(&self, patience: Duration) -> bool {
        let (_, wake) = &*self.reached;
        let (reached, _) = wake
            .wait_timeout_while(self.lock_reached(), patience, |reached| !*reached)
            .expect("nobody panics while holding this lock");
        *reached
    }

    /// Lets the step go on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until it is opened: for an answer, as to an approval, that the test holds back.
    #[track_caller]
    pub fn wait_until_open(&self) {
        let mut open = self.open.subscribe();
        let deadline = Instant::now() + PATIENCE;
        while !*open.borrow_and_update() {
            assert!(Instant::now() < deadline, "the gate was not opened within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) async fn pass(&self) {
        *self.lock_reached() = true;
        self.reached.1.notify_all();
        // The sender lives as long as this gate does.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    fn lock_reached(&self) -> MutexGuard<'_, bool> {
        self.reached.0.lock().expect("nobody panics while holding this lock")
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
