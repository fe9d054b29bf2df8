//! The journal: every event of the last days, read without subscribing.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{At, Error, Result};
use crate::event::EventFile;
use crate::queue::Name;
use crate::sys::Folder;
use crate::time::{Day, Moment};
use crate::write::journal_file;
use crate::{Event, EventId};

/// The events of the journal in the order of their capture; see [`Spool::journal`](crate::Spool::journal).
///
/// A damaged record is an [`Error::Damaged`] in its place; it is left where it is. Events that are recorded meanwhile
/// may be included or not. Memory grows with the number of events of one day, 24 bytes each; each record is read twice,
/// once for its time.
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Journal {
    folder: PathBuf,
    /// The days that are still to be read.
    days: VecDeque<Day>,
    /// The day that is being read, and what is left of it, in order.
    day: Option<DayFolder>,
    names: VecDeque<Name>,
    problems: VecDeque<Error>,
}

/// The folder of a day.
#[derive(Debug)]
pub(crate) struct DayFolder(Folder);

impl DayFolder {
    /// `None`: it has been pruned.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        match Folder::open(path) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("open", path),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The events in it, in no order.
    pub(crate) fn ids(&self) -> Result<Vec<EventId>> {
        let mut ids = Vec::new();
        for name in disk::list_if_there(self.0.path())? {
            ids.extend(name?.strip_suffix(".json").and_then(|id| EventId::from_hex(id.as_bytes())));
        }
        Ok(ids)
    }

    pub(crate) fn path(&self, id: EventId) -> PathBuf {
        self.0.path().join(journal_file(id))
    }

    fn read(&self, id: EventId) -> Result<EventFile> {
        EventFile::read(&self.0, &journal_file(id), id)
    }

    /// When an event was captured. A damaged record does not tell; its file's time stands for it, so that a consumer
    /// gets to see it, and sets it aside. `None`: it is gone.
    pub(crate) fn captured(&self, id: EventId) -> Result<Option<Moment>> {
        match self.read(id)? {
            EventFile::Event(event) => return Ok(Some(event.moment())),
            EventFile::Gone => return Ok(None),
            EventFile::Damaged(_) => {}
        }
        let path = self.path(id);
        match fs::symlink_metadata(&path).and_then(|file| file.modified()) {
            Ok(time) => Ok(Some(Moment::of(time))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("look at", &path),
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
        let (names, problems) = (VecDeque::new(), VecDeque::new());
        Ok(Self { folder, days: days.into(), day: None, names, problems })
    }

    /// The folders of all days, the earliest first.
    pub(crate) fn days(self) -> impl Iterator<Item = Result<DayFolder>> {
        let folder = self.folder;
        self.days
            .into_iter()
            .filter_map(move |day| DayFolder::open(&folder.join(day.to_string())).transpose())
    }

    /// Goes to the next day: reads the times of its events and puts them in order.
    fn turn_to(&mut self, day: Day) -> Result<()> {
        self.day = DayFolder::open(&self.folder.join(day.to_string()))?;
        let Some(folder) = &self.day else { return Ok(()) };
        let mut names = Vec::new();
        for id in folder.ids()? {
            let captured = match folder.read(id) {
                Ok(EventFile::Event(event)) => event.moment(),
                Ok(EventFile::Gone) => continue,
                Ok(EventFile::Damaged(reason)) => {
                    self.problems.push_back(Error::Damaged { path: folder.path(id), reason });
                    continue;
                }
                Err(error) => {
                    self.problems.push_back(error);
                    continue;
                }
            };
            // Near midnight an event is in two days; it counts in its own.
            let own = captured.day();
            if own == day || !self.folder.join(own.to_string()).join(journal_file(id)).exists() {
                names.push(Name { captured, id });
            }
        }
        names.sort_unstable();
        self.names = names.into();
        Ok(())
    }
}

impl Iterator for Journal {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            if let (Some(name), Some(day)) = (self.names.pop_front(), &self.day) {
                match day.read(name.id) {
                    Ok(EventFile::Event(event)) => return Some(Ok(event)),
                    Ok(EventFile::Gone) => continue,
                    Ok(EventFile::Damaged(reason)) => {
                        return Some(Err(Error::Damaged { path: day.path(name.id), reason }));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            let day = self.days.pop_front()?;
            if let Err(error) = self.turn_to(day) {
                return Some(Err(error));
            }
        }
    }
}

impl std::iter::FusedIterator for Journal {}
