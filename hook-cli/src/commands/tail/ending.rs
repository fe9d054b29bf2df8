//! What ends a `hook tail` that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use codex_spool::StopHandle;

use super::in_flight::InFlight;

/// How long it may take, after a signal, to write out the line that is being written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ends the waiting, for events and for answers. The consumer is closed then, and one without a name removed.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    stop: StopHandle,
    in_flight: Option<Arc<InFlight>>,
}

impl Ending {
    /// From now on Ctrl-C and its like are an end, and so is an output that nobody reads any more.
    pub(super) fn arrange(stop: StopHandle, in_flight: Option<Arc<InFlight>>) -> Self {
        let ending = Self { stop, in_flight };
        #[cfg(unix)]
        ending.clone().watch_output();
        let signalled = ending.clone();
        let asked = AtomicBool::new(false);
        // Where it cannot be caught it ends the process, and the next consumer clears up.
        let _ = ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
            signalled.end();
            // Whoever should take our output may not. What has not been written out is not settled.
            thread::spawn(|| {
                thread::sleep(PATIENCE);
                std::process::exit(0);
            });
        });
        ending
    }

    pub(super) fn end(&self) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.close();
        }
        self.stop.stop();
    }

    pub(super) fn has_come(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Ends it when nobody is there any more to read what is written to a pipe or a socket: without an event nothing
    /// would be written, and the next one who wants to be this consumer would find it taken.
    #[cfg(unix)]
    fn watch_output(self) {
        use rustix::event::{PollFd, PollFlags, poll};
        thread::spawn(move || {
            let out = std::io::stdout();
            // What is broken is told, asked for or not.
            let mut output = [PollFd::new(&out, PollFlags::empty())];
            while poll(&mut output, None) == Err(rustix::io::Errno::INTR) {}
            if output[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                self.end();
            }
        });
    }
}
