//! The journal: every event of the last days, read without subscribing.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

use crate::disk;
use crate::error::{At, Error, Result};
use crate::event::EventFile;
use crate::queue::Name;
use crate::time::{Day, Moment};
use crate::{Event, EventId};

/// The events of the journal in the order of their capture; see [`Spool::journal`](crate::Spool::journal).
///
/// A damaged record is an [`Error::Damaged`] in its place; it is left where it is. Events that are recorded meanwhile
/// may be included or not. Memory grows with the number of events of one day, 24 bytes each.
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Journal {
    folder: PathBuf,
    /// The days that are still to be read.
    days: VecDeque<Day>,
    /// What is left of the day that is being read, in order.
    names: VecDeque<(Day, Name)>,
    problems: VecDeque<Error>,
}

/// A file in a day of the journal.
#[derive(Debug)]
pub(crate) struct JournalFile {
    pub(crate) path: PathBuf,
    pub(crate) id: EventId,
}

impl JournalFile {
    /// When its event was captured. A record that cannot be read does not tell; its file's time stands for it, so that
    /// a consumer gets to see it, and sets it aside. `None`: the file is gone.
    pub(crate) fn captured(&self) -> Result<Option<Moment>> {
        if let Ok(EventFile::Event(event)) = EventFile::read(&self.path, self.id) {
            return Ok(Some(event.moment()));
        }
        match fs::symlink_metadata(&self.path).and_then(|file| file.modified()) {
            Ok(time) => Ok(Some(Moment::of(time))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("look at", &self.path),
        }
    }
}

impl Journal {
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        let mut days = Vec::new();
        for name in disk::list_if_there(&folder)? {
            days.extend(Day::of_folder(&name?));
        }
        days.sort_unstable();
        Ok(Self { folder, days: days.into(), names: VecDeque::new(), problems: VecDeque::new() })
    }

    /// The files of all days, in no order within a day.
    pub(crate) fn files(self) -> impl Iterator<Item = Result<JournalFile>> {
        let day_files = move |day: Day| -> Box<dyn Iterator<Item = Result<JournalFile>>> {
            match files_of(self.folder.join(day.to_string())) {
                Ok(files) => Box::new(files.map(Ok)),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        };
        self.days.into_iter().flat_map(day_files)
    }

    /// Reads the times of a day's events and puts them in order.
    fn order(&mut self, day: Day) -> Result<()> {
        let mut names = Vec::new();
        for file in files_of(self.folder.join(day.to_string()))? {
            let captured = match EventFile::read(&file.path, file.id) {
                Ok(EventFile::Event(event)) => event.moment(),
                Ok(EventFile::Gone) => continue,
                Ok(EventFile::Damaged(reason)) => {
                    self.problems.push_back(Error::Damaged { path: file.path, reason });
                    continue;
                }
                Err(error) => {
                    self.problems.push_back(error);
                    continue;
                }
            };
            // Near midnight an event is in two days; it counts in its own.
            let own = captured.day();
            if own == day || !self.path(own, file.id).exists() {
                names.push(Name { captured, id: file.id });
            }
        }
        names.sort_unstable();
        self.names = names.into_iter().map(|name| (day, name)).collect();
        Ok(())
    }

    fn path(&self, day: Day, id: EventId) -> PathBuf {
        self.folder.join(day.to_string()).join(crate::write::journal_file(id))
    }
}

fn files_of(folder: PathBuf) -> Result<impl Iterator<Item = JournalFile>> {
    let mut files = Vec::new();
    for name in disk::list_if_there(&folder)? {
        let name = name?;
        if let Some(id) = name.strip_suffix(".json").and_then(|id| EventId::from_hex(id.as_bytes())) {
            files.push(id);
        }
    }
    Ok(files.into_iter().map(move |id| JournalFile { path: folder.join(crate::write::journal_file(id)), id }))
}

impl Iterator for Journal {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            if let Some((day, name)) = self.names.pop_front() {
                let path = self.path(day, name.id);
                match EventFile::read(&path, name.id) {
                    Ok(EventFile::Event(event)) => return Some(Ok(event)),
                    Ok(EventFile::Gone) => continue,
                    Ok(EventFile::Damaged(reason)) => return Some(Err(Error::Damaged { path, reason })),
                    Err(error) => return Some(Err(error)),
                }
            }
            let day = self.days.pop_front()?;
            if let Err(error) = self.order(day) {
                return Some(Err(error));
            }
        }
    }
}

impl std::iter::FusedIterator for Journal {}
