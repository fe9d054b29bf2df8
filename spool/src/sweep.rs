//! The removal of all files that are of days before a day, and of consumers that have expired.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::disk;
use crate::error::{At, Result};
use crate::name::Name;
use crate::retention::Pruned;
use crate::time::{Day, Moment};
use crate::write::is_of_a_day;
use crate::{ConsumerName, Spool};

/// What somebody has moved elsewhere, and linked to, is not ours to remove.
pub(crate) fn is_a_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|folder| folder.is_dir())
}

/// The removal of what is of days before a day.
pub(crate) struct Sweep<'a> {
    spool: &'a Spool,
    cutoff: Day,
    /// How many files may still be removed.
    pub(crate) left: usize,
    pub(crate) pruned: Pruned,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(spool: &'a Spool, cutoff: Day, at_most_files: usize, dry_run: bool) -> Self {
        let pruned = Pruned {
            days: Vec::new(),
            events: 0,
            bytes: 0,
            dry_run,
            rejected: 0,
            dead: 0,
            consumers: Vec::new(),
            problems: Vec::new(),
        };
        Self { spool, cutoff, left: at_most_files, pruned }
    }

    pub(crate) fn files(&mut self) {
        match self.spool.days_before(self.cutoff) {
            Ok(days) => days.into_iter().for_each(|day| self.day(day)),
            Err(error) => self.pruned.problems.push(error),
        }
        self.rejected();
        self.for_each_consumer(|sweep, name| {
            sweep.dead(name);
            Ok(())
        });
    }

    fn day(&mut self, day: Day) {
        let folder = self.spool.day_dir(day);
        let mut removed = 0;
        let mut foreign = false;
        self.for_each_name(&folder, |sweep, name| {
            foreign |= !is_of_a_day(name);
            if is_of_a_day(name)
                && let Some(bytes) = sweep.remove(&folder.join(name))?
            {
                removed += 1;
                if name.ends_with(".json") {
                    sweep.pruned.events += 1;
                    sweep.pruned.bytes += bytes;
                }
            }
            Ok(())
        });
        if self.left == 0 && removed == 0 {
            return;
        }
        let gone = match self.pruned.dry_run {
            true => Ok(is_a_folder(&folder) && !foreign),
            false if is_a_folder(&folder) => self.spool.disk.remove_folder(&folder),
            false => Ok(false),
        };
        if removed > 0 || matches!(gone, Ok(true)) {
            self.pruned.days.push(day.to_string());
        }
        self.pruned.problems.extend(gone.err());
    }

    fn rejected(&mut self) {
        let folder = self.spool.rejected_dir();
        self.for_each_name(&folder, |sweep, name| {
            let captured = Name::parse(name).map(|(name, _)| name.captured.day());
            if captured.is_some_and(|day| day < sweep.cutoff) && sweep.remove(&folder.join(name))?.is_some() {
                sweep.pruned.rejected += 1;
            }
            Ok(())
        });
    }

    /// An event counts by when it was rejected, which the file of the reason beside it tells.
    fn dead(&mut self, consumer: &ConsumerName) {
        let folder = self.spool.consumer_dir(consumer).join("dead");
        self.for_each_name(&folder, |sweep, file| {
            let stem = file.strip_suffix(".reason");
            let event = stem.map_or(file.to_owned(), |stem| format!("{stem}.json"));
            let Some((name, _)) = Name::parse(&event) else { return Ok(()) };
            // Nothing is rejected before it was captured.
            if name.captured.day() >= sweep.cutoff {
                return Ok(());
            }
            let event = folder.join(event);
            let reason = folder.join(format!("{}.reason", name.stem()));
            let rejected = modified(&reason)?.unwrap_or(name.captured);
            if rejected.day() >= sweep.cutoff {
                return Ok(());
            }
            if stem.is_none() {
                sweep.pruned.dead += u64::from(sweep.remove(&event)?.is_some());
            }
            // One that nobody's death left behind alone goes with its event.
            if stem.is_none() || !event.exists() {
                sweep.remove(&reason)?;
            }
            Ok(())
        });
    }

    pub(crate) fn mark_open_consumers(&mut self, now: SystemTime) {
        self.for_each_consumer(|sweep, name| sweep.spool.mark_if_open(name, now));
    }

    pub(crate) fn expired_consumers(&mut self, now: SystemTime) {
        let dry_run = self.pruned.dry_run;
        self.for_each_consumer(|sweep, name| {
            sweep.pruned.consumers.extend(sweep.spool.expire(name, now, dry_run)?);
            Ok(())
        });
        self.pruned.consumers.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn for_each_consumer(&mut self, mut act: impl FnMut(&mut Self, &ConsumerName) -> Result<()>) {
        let consumers = self.spool.consumers().unwrap_or_else(|error| {
            self.pruned.problems.push(error);
            Vec::new()
        });
        for name in &consumers {
            let acted = act(self, name);
            self.pruned.problems.extend(acted.err());
        }
    }

    /// Does something for each name in a folder, as long as files may be removed, and notes the first error.
    fn for_each_name(&mut self, folder: &Path, mut act: impl FnMut(&mut Self, &str) -> Result<()>) {
        if !is_a_folder(folder) {
            return;
        }
        let mut first = None;
        match disk::list_if_there(folder) {
            Ok(names) => {
                for name in names {
                    if self.left == 0 {
                        break;
                    }
                    if let Err(error) = name.and_then(|name| act(self, &name)) {
                        first.get_or_insert(error);
                    }
                }
            }
            Err(error) => first = Some(error),
        }
        self.pruned.problems.extend(first);
    }

    /// Removes a file, and gives its length. `None`: it is not there any more, or a folder.
    fn remove(&mut self, path: &Path) -> Result<Option<u64>> {
        let file = match fs::symlink_metadata(path) {
            Ok(file) if file.is_dir() => return Ok(None),
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at("look at", path),
        };
        if !self.pruned.dry_run && !self.spool.disk.unlink(path)? {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        Ok(Some(file.len()))
    }
}

/// When a file was written. `None`: it is not there.
fn modified(path: &Path) -> Result<Option<Moment>> {
    match fs::symlink_metadata(path).and_then(|file| file.modified()) {
        Ok(time) => Ok(Some(Moment::of(time))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("look at", path),
    }
}
