//! The state of the threads from the journal.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc;
use std::thread;

use super::index::ThreadIndex;
use crate::disk;
use crate::error::{Error, Result};
use crate::event::EventFile;
use crate::journal::DayFolder;
use crate::name::Name;
use crate::{Consumer, Event, EventId, Spool, StopHandle, ThreadId};

/// How many threads read the journal: more than there are processors, since they wait for the disk.
const READERS: usize = 8;

/// How many events a reader hands over at a time, and how often before they are taken.
const BATCH: usize = 64;
const BATCHES: usize = 16;

/// What comes of a rebuild.
pub(super) struct Rebuilt {
    /// What could not be read.
    pub(super) problems: VecDeque<Error>,
    /// The threads of which the consumer is still to get events.
    pub(super) untold: HashSet<ThreadId>,
}

impl ThreadIndex {
    /// Takes in every event that the spool still holds, and gives what could not be read. Nothing is subscribed to, and
    /// nothing is written.
    ///
    /// ```
    /// # use codex_spool::{Spool, ThreadIndex};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// let mut index = ThreadIndex::new();
    /// for damaged in index.read_journal(&spool)? {
    ///     eprintln!("{damaged}");
    /// }
    /// index.reconcile(std::time::SystemTime::now());
    /// println!("{} threads", index.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the journal cannot be listed.
    pub fn read_journal(&mut self, spool: &Spool) -> Result<Vec<Error>> {
        let days = list(spool)?;
        Ok(self.read(&days, &HashSet::new(), None, &mut |_| {}).into())
    }

    /// Takes in every event of the journal but for those that the consumer is still to get: what these change is to be
    /// told when it gets them. `each` sees what is taken in, in no order within a day.
    pub(super) fn rebuild(&mut self, consumer: &Consumer, each: &mut impl FnMut(&Event)) -> Result<Rebuilt> {
        // In this order: an event that is listed in the journal is settled, or in the queue by now, or its writer was
        // at work between the two.
        let days = list(consumer.spool())?;
        consumer.spool().wait_for_writers()?;
        let problems = self.read(&days, &queued(consumer)?, Some(&consumer.stop_handle()), each);
        // A damaged one is told of when it is delivered.
        let untold = consumer.spool().peek(consumer.name())?.flatten();
        let untold = untold.filter_map(|pending| pending.event().thread_id().cloned()).collect();
        Ok(Rebuilt { problems, untold })
    }

    /// Since the state does not depend on the order, nothing is sorted, and every record is read once. Whoever is stopped
    /// has no use for the rest.
    fn read(
        &mut self,
        days: &[(DayFolder, Vec<EventId>)],
        queued: &HashSet<EventId>,
        stop: Option<&StopHandle>,
        each: &mut impl FnMut(&Event),
    ) -> VecDeque<Error> {
        let mut problems = VecDeque::new();
        for (day, ids) in days {
            let share = ids.len().div_ceil(READERS).max(1);
            thread::scope(|scope| {
                let (give, take) = mpsc::sync_channel(BATCHES);
                for ids in ids.chunks(share) {
                    let give = give.clone();
                    scope.spawn(move || {
                        let wanted = ids.iter().filter(|id| !queued.contains(*id));
                        let mut events = wanted.filter_map(|id| read(day, *id)).peekable();
                        while events.peek().is_some() {
                            let batch: Vec<Result<Event>> = events.by_ref().take(BATCH).collect();
                            if give.send(batch).is_err() {
                                return;
                            }
                        }
                    });
                }
                drop(give);
                for event in take.into_iter().flatten() {
                    if stop.is_some_and(StopHandle::is_stopped) {
                        break;
                    }
                    match event {
                        Ok(event) => {
                            self.take_in(&event);
                            each(&event);
                        }
                        Err(error) => problems.push_back(error),
                    }
                }
            });
            // Not before: an old event of a thread may come after a new one.
            self.sweep();
        }
        problems
    }
}

/// The days of the journal, and what is in them.
fn list(spool: &Spool) -> Result<Vec<(DayFolder, Vec<EventId>)>> {
    spool.journal()?.days().map(|day| day.and_then(|day| day.ids().map(|ids| (day, ids)))).collect()
}

fn read(day: &DayFolder, id: EventId) -> Option<Result<Event>> {
    match day.read(id) {
        Ok(EventFile::Event(event)) => Some(Ok(event)),
        Ok(EventFile::Gone) => None,
        Ok(EventFile::Damaged(reason)) => Some(Err(Error::Damaged { path: day.path(id), reason })),
        Err(error) => Some(Err(error)),
    }
}

fn queued(consumer: &Consumer) -> Result<HashSet<EventId>> {
    let mut ids = HashSet::new();
    for name in disk::list(consumer.queue.dir())? {
        ids.extend(Name::parse(&name?).map(|(name, _)| name.id));
    }
    Ok(ids)
}
