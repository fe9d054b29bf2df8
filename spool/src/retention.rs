//! Retention: what is removed from the spool, and when.

use std::time::SystemTime;

use serde::Serialize;

use crate::Spool;
use crate::disk;
use crate::error::{Error, Result};
use crate::expiry::ExpiredConsumer;
use crate::sweep::{Sweep, is_a_folder};
use crate::time::{Day, Moment};
use crate::write::is_of_a_day;

/// How many files of an expired day one writer removes.
const PRUNED_AT_ONCE: usize = 32;

/// What [`Spool::prune`] is to remove. By default what the settings of the spool call expired, now.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use codex_spool::Prune;
/// let two_days_ago = SystemTime::now() - Duration::from_secs(2 * 86_400);
/// let what = Prune::default().before(two_days_ago).dry_run(true);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "hand it to Spool::prune"]
pub struct Prune {
    before: Option<SystemTime>,
    dry_run: bool,
    now: Option<SystemTime>,
}

impl Prune {
    /// What is of the UTC days before that of `time`, instead of what is past the spool's `retention_days`.
    ///
    /// A time after today takes today's events too. Of one that is being recorded at that very moment a later copy may
    /// then count as another event.
    pub fn before(self, time: SystemTime) -> Self {
        Self { before: Some(time), ..self }
    }

    /// Only tell what would be removed.
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Take this for the present moment, for tests; by default the system's clock tells it.
    pub fn now(self, time: SystemTime) -> Self {
        Self { now: Some(time), ..self }
    }
}

/// What [`Spool::prune`] has removed, or would remove. To serde it is an object of the fields that count.
#[derive(Debug, Serialize)]
#[must_use = "what could not be removed is among its problems"]
#[non_exhaustive]
pub struct Pruned {
    /// The days of the journal of which something was removed, the oldest first: `2026-11-21`.
    pub days: Vec<String>,
    /// Records that were removed from the journal; an event captured within seconds of midnight may have one in each day.
    pub events: u64,
    /// Bytes of these. Those of an event that waits in a queue stay on the disk until it is settled.
    pub bytes: u64,
    /// Whether nothing was removed in truth.
    pub dry_run: bool,
    /// Payloads removed from `rejected/`.
    pub rejected: u64,
    /// Events removed from the `dead/` of all consumers.
    pub dead: u64,
    /// Consumers that were removed because nobody had opened them for long.
    pub consumers: Vec<ExpiredConsumer>,
    /// What could not be looked at or removed, the first of each folder; the rest was.
    #[serde(skip)]
    pub problems: Vec<Error>,
}

impl Spool {
    /// Removes what is past its time:
    ///
    /// - whole UTC days of the journal that are more than `retention_days` before today,
    /// - what was captured in such a day and is in `rejected/`,
    /// - what was rejected in such a day and is in the `dead/` of a consumer,
    /// - consumers that nobody has opened for `consumer_expiry_days`, with all that waits for them.
    ///
    /// Nothing that waits in the queue of another consumer is touched, nor what is not the spool's own: files of other
    /// names, days that are symbolic links. A consumer that is open is never removed. Any number of processes may prune,
    /// record and consume at once. Nothing is synced: after the loss of power some of it may be back, until the next time.
    ///
    /// Writers do the first of these by and by, and open consumers all but the last; so this is for those who cannot wait.
    ///
    /// ```
    /// use codex_spool::{Prune, Spool};
    /// # let home = tempfile::tempdir()?;
    /// # let spool = Spool::open(home.path().join("hook-spool"))?;
    /// let pruned = spool.prune(&Prune::default());
    /// println!("{} events of {} days", pruned.events, pruned.days.len());
    /// for problem in &pruned.problems {
    ///     eprintln!("{problem}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune(&self, what: &Prune) -> Pruned {
        let now = what.now.unwrap_or_else(SystemTime::now);
        let cutoff = what.before.map_or_else(|| self.cutoff(now), |before| Moment::of(before).day());
        let mut sweep = Sweep::new(self, cutoff, usize::MAX, what.dry_run);
        sweep.files();
        if !what.dry_run {
            sweep.mark_open_consumers(now);
        }
        sweep.expired_consumers(now);
        sweep.pruned
    }

    /// The same for an open consumer, as part of its passes: removes at most so many files of what the settings call
    /// expired, the journal's first, and no consumers; what is left is for the next pass. Consumers that are open are
    /// marked as such, so that they do not expire the moment they end.
    ///
    /// Gives what was removed, and whether that was all: then nothing more expires until the next UTC day begins.
    pub(crate) fn prune_some(&self, now: SystemTime, at_most_files: usize) -> (Pruned, bool) {
        let mut sweep = Sweep::new(self, self.cutoff(now), at_most_files, false);
        sweep.files();
        let finished = sweep.left > 0;
        sweep.mark_open_consumers(now);
        (sweep.pruned, finished)
    }

    /// The first day that is kept.
    fn cutoff(&self, now: SystemTime) -> Day {
        Moment::of(now).day().minus(self.settings.retention_days)
    }

    /// Removes a few files of the oldest expired day, so that no writer ever pays for a whole one. What cannot be removed
    /// keeps neither the rest of its day nor the next one.
    pub(crate) fn prune_a_little(&self, today: Day) -> Result<()> {
        for day in self.days_before(today.minus(self.settings.retention_days))? {
            let folder = self.day_dir(day);
            if !is_a_folder(&folder) {
                continue;
            }
            let names = disk::list_if_there(&folder)?.filter_map(Result::ok).filter(|name| is_of_a_day(name));
            let removed = names.map(|name| self.disk.unlink(&folder.join(name)).is_ok());
            let removed = removed.filter(|removed| *removed).take(PRUNED_AT_ONCE).count();
            if self.disk.remove_folder(&folder)? || removed > 0 {
                break;
            }
        }
        Ok(())
    }

    /// The days of the journal before `cutoff`, the oldest first.
    pub(crate) fn days_before(&self, cutoff: Day) -> Result<Vec<Day>> {
        let mut days = Vec::new();
        for name in disk::list_if_there(&self.journal_dir())? {
            days.extend(Day::of_folder(&name?).filter(|day| *day < cutoff));
        }
        days.sort_unstable();
        Ok(days)
    }
}

/// The pruning of an open consumer, a little at each of its passes.
#[derive(Debug, Default)]
pub(crate) struct Pruner {
    /// The day on which nothing was left to be removed.
    finished: Option<Day>,
}

/// How many files an open consumer removes at each of its passes: 100,000 took 3.5 s on a virtual disk, so these take 10 ms,
/// for which its events wait.
const PRUNED_A_PASS: usize = 256;

impl Pruner {
    /// Whether there is nothing to be done on that day any more.
    pub(crate) fn is_done(&self, now: SystemTime) -> bool {
        self.finished == Some(Moment::of(now).day())
    }

    /// Does what is due, and gives what went wrong. Once all is done it costs nothing until the next UTC day begins.
    pub(crate) fn run(&mut self, spool: &Spool, now: SystemTime) -> Vec<Error> {
        if self.is_done(now) {
            return Vec::new();
        }
        let (pruned, finished) = spool.prune_some(now, PRUNED_A_PASS);
        self.finished = finished.then_some(Moment::of(now).day());
        pruned.problems
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::Capture;
    use crate::testing::{TestSpool, payload};

    fn noon(day: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(43_200 + day * 86_400)
    }

    fn record(spool: &TestSpool, day: u64, n: u64) {
        spool.set_time(noon(day));
        spool.fire(payload::pre_tool_use("a").tool_use_id(n.to_string()));
    }

    #[test]
    fn an_open_consumer_prunes_over_several_passes_and_then_rests_until_the_next_day() {
        let spool = TestSpool::new();
        (0..25).for_each(|n| record(&spool, 1, n));
        spool.record(b"no payload", &Capture::at(noon(0))).expect_err("it is none");
        let mut passes = Vec::new();
        loop {
            let (pruned, finished) = spool.prune_some(noon(9), 10);
            passes.push((pruned.events + pruned.rejected, pruned.days.len()));
            if finished {
                break;
            }
        }
        assert_eq!(passes.iter().map(|(removed, _)| removed).sum::<u64>(), 26);
        assert_eq!(passes.len(), 3, "{passes:?}");
        assert!(spool.days_before(Moment::of(noon(9)).day()).expect("listed").is_empty());

        let mut pruner = Pruner::default();
        assert!(pruner.run(&spool, noon(9)).is_empty());
        record(&spool, 1, 0);
        let days = |spool: &Spool| spool.days_before(Moment::of(noon(9)).day()).expect("listed").len();
        assert!(pruner.run(&spool, noon(9)).is_empty());
        assert_eq!(days(&spool), 1, "it rests");
        assert!(pruner.run(&spool, noon(10)).is_empty());
        assert_eq!(days(&spool), 0);
    }

    #[test]
    fn a_pass_marks_consumers_that_are_open() {
        let spool = TestSpool::new();
        let open = |name| spool.consumer(name).expect("a name").open().expect("opened");
        let _open = open("open");
        drop(open("closed"));
        let later = SystemTime::now() + Duration::from_secs(5 * 86_400);
        assert!(spool.prune_some(later, 10).1);
        let marked = |name: &str| {
            let lock = fs::metadata(spool.consumers_dir().join(name).join("lock")).expect("a lock");
            lock.modified().expect("a time") == later
        };
        assert!(marked("open") && !marked("closed"));
    }
}
