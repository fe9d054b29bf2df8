//! What a consumer does beside delivering, every now and then.

use std::fs;
use std::time::{Instant, SystemTime};

use super::{Consumer, PASS};
use crate::{Statistics, Wake, dead};

impl Consumer {
    /// Every now and then: finishes what dead writers left, prunes a little, and looks into the queue.
    pub(super) fn make_pass(&mut self) {
        if Instant::now() < self.next_pass {
            return;
        }
        self.next_pass = Instant::now() + PASS;
        self.problems.extend(self.recoverer.run(&self.spool));
        self.prune();
        self.waiting.look_in_passing();
        let Statistics { pending, in_flight, dead, delivered, settled, wake, .. } = self.statistics();
        let wake = wake.map(Wake::as_str);
        tracing::debug!(consumer = %self.name, pending, in_flight, dead, delivered, settled, wake, "statistics");
    }

    fn prune(&mut self) {
        self.count_dead();
        let now = SystemTime::now();
        if !self.pruner.is_done(now) {
            let before = self.counted.dead;
            self.problems.extend(self.pruner.run(&self.spool, now));
            self.count_dead();
            self.counted.expired += before.saturating_sub(self.counted.dead);
        }
    }

    /// Counts the dead, where any have come or gone since they were counted last.
    pub(super) fn count_dead(&mut self) {
        let folder = self.queue.folder().join("dead");
        let changed = fs::metadata(&folder).and_then(|folder| folder.modified()).ok();
        if changed.is_none() || changed != self.dead_changed {
            self.dead_changed = changed;
            // What cannot be counted is said by who tries to read it.
            self.counted.dead = dead::names(&folder).map_or(0, |names| names.len() as u64);
        }
    }

    /// Tells who looks from outside.
    pub(super) fn say_how_it_goes(&mut self) {
        let known = self.holder.clone();
        self.holder.set(self.waiting.wake(), self.held.in_flight() as u64);
        if self.holder != known {
            let (lock, path) = self.queue.lock();
            // Nothing depends on it.
            let _ = self.holder.write(lock, path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;
    use crate::testing::{TestSpool, payload};

    #[test]
    fn a_pass_prunes_what_is_past_its_time_and_counts_what_was_dead() -> Result<(), Box<dyn std::error::Error>>
    {
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let spool = TestSpool::new();
        let mut consumer = spool.consumer("a")?.open()?;
        spool.set_time(long_ago);
        for tool_use in ["rejected", "waiting"] {
            spool.fire(payload::pre_tool_use("t").tool_use_id(tool_use));
        }
        consumer.drain().next().expect("one waits")?.reject("no")?;
        let dead = consumer.queue.folder().join("dead");
        let [name] = dead::names(&dead)?[..] else { panic!("one is dead") };
        File::options().write(true).open(dead.join(dead::Reason::file(name)))?.set_modified(long_ago)?;
        assert_eq!((consumer.statistics().dead, consumer.statistics().expired), (1, 0));
        consumer.next_pass = Instant::now();
        consumer.recv()?.expect("the other one waits still").ack()?;
        assert_eq!((consumer.statistics().dead, consumer.statistics().expired), (0, 1));
        assert_eq!(spool.journal()?.count(), 0);
        Ok(())
    }
}
