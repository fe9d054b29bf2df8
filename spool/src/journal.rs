//! The journal: every event of the last days, read without subscribing.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::disk;
use crate::error::{At, Error, Result};
use crate::event::EventFile;
use crate::filter::Filter;
use crate::name::Name;
use crate::sys::Folder;
use crate::time::{Day, Moment};
use crate::write::journal_file;
use crate::{Event, EventId, EventKind, ThreadId};

/// The events of the journal in the order of their capture, or by [`rev`](Iterator::rev) the newest first; see
/// [`Spool::journal`](crate::Spool::journal).
///
/// Its methods narrow it to what is wanted, before the first event is taken; all conditions have to hold.
///
/// ```
/// # use codex_spool::{Capture, EventKind, Spool};
/// # let home = tempfile::tempdir()?;
/// # let spool = Spool::open(home.path().join("hook-spool"))?;
/// # spool.record(br#"{"hook_event_name":"Stop","session_id":"a"}"#, &Capture::now())?;
/// use std::time::{Duration, SystemTime};
///
/// let hour_ago = SystemTime::now() - Duration::from_secs(3600);
/// let newest_first = spool.journal()?.since(hour_ago).kinds([EventKind::Stop]).rev();
/// for event in newest_first.take(10) {
///     println!("{:?}", event?.thread_id());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A damaged record is an [`Error::Damaged`] before the other events of its day, whether it would have been wanted or
/// not; it is left where it is. Events that are recorded meanwhile may be included or not.
///
/// A day is read when the first event of it is asked for: every record of it once, for its time, and those that are
/// wanted once more as they are taken. Days outside [`since`](Self::since) and [`until`](Self::until) are not read at
/// all. Memory grows with the number of wanted events of one day, 24 bytes each.
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Journal {
    folder: PathBuf,
    filter: Filter,
    since: Moment,
    /// What is captured then is left out; `None`: there is no end.
    until: Option<Moment>,
    /// The days that are still to be read.
    days: VecDeque<Day>,
    /// The days that are being read from either end, and what is left of them.
    front: Option<OpenDay>,
    back: Option<OpenDay>,
    problems: VecDeque<Error>,
}

/// A day that is being read, and the names of its events that are still to be given, in order.
#[derive(Debug)]
struct OpenDay {
    folder: DayFolder,
    names: VecDeque<Name>,
}

/// The folder of a day.
#[derive(Debug)]
pub(crate) struct DayFolder(Folder);

impl DayFolder {
    /// `None`: it has been pruned, or is none.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        match Folder::open(path) {
            Ok(folder) => Ok(Some(Self(folder))),
            // Or it is a file that only bears the name of a day.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
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

    pub(crate) fn read(&self, id: EventId) -> Result<EventFile> {
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
        Ok(Self {
            folder,
            filter: Filter::default(),
            since: Moment(0),
            until: None,
            days: days.into(),
            front: None,
            back: None,
            problems: VecDeque::new(),
        })
    }

    /// Only what was captured at `time` or later.
    pub fn since(mut self, time: SystemTime) -> Self {
        self.since = self.since.max(Moment::of(time));
        let first = self.since.day();
        self.days.retain(|day| *day >= first);
        self
    }

    /// Only what was captured before `time`.
    pub fn until(mut self, time: SystemTime) -> Self {
        let until = Moment::of(time);
        let until = self.until.map_or(until, |known| known.min(until));
        self.until = Some(until);
        let last = Moment(until.0.saturating_sub(1)).day();
        self.days.retain(|day| *day <= last);
        self
    }

    /// Only events of these kinds, or of all where none is named. Called again, it adds to them.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.filter.kinds.extend(kinds);
        self
    }

    /// Only the events of this thread; those of its subagents are of other threads. Called again, it adds a thread.
    pub fn thread(mut self, id: &ThreadId) -> Self {
        self.filter.threads.push(id.clone());
        self
    }

    /// Only events with this tag, that is of sessions that were started with it. Called again, it adds a tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.filter.tags.push(tag.into());
        self
    }

    /// Only events of threads that work in this folder or below it, as the paths are written: neither `..` nor a
    /// symbolic link is followed. Called again, it adds a folder.
    pub fn cwd_under(mut self, folder: impl Into<PathBuf>) -> Self {
        self.filter.cwds.push(folder.into());
        self
    }

    /// The folders of all days, the earliest first.
    pub(crate) fn days(self) -> impl Iterator<Item = Result<DayFolder>> {
        let folder = self.folder;
        self.days
            .into_iter()
            .filter_map(move |day| DayFolder::open(&folder.join(day.to_string())).transpose())
    }

    /// Reads a day: the times of its events that are wanted, in order.
    fn open_day(&mut self, day: Day) -> Option<OpenDay> {
        let read = DayFolder::open(&self.folder.join(day.to_string())).and_then(|folder| {
            let Some(folder) = folder else { return Ok(None) };
            let names = self.names(day, &folder)?.into();
            Ok(Some(OpenDay { folder, names }))
        });
        read.unwrap_or_else(|error| {
            self.problems.push_back(error);
            None
        })
    }

    fn names(&mut self, day: Day, folder: &DayFolder) -> Result<Vec<Name>> {
        let mut names = Vec::new();
        for id in folder.ids()? {
            let event = match folder.read(id) {
                Ok(EventFile::Event(event)) => event,
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
            let captured = event.moment();
            if captured < self.since
                || self.until.is_some_and(|until| captured >= until)
                || !self.filter.matches(&event)
            {
                continue;
            }
            // Near midnight an event is in two days; it counts in its own.
            let own = captured.day();
            if own == day || !self.folder.join(own.to_string()).join(journal_file(id)).exists() {
                names.push(Name { captured, id });
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl OpenDay {
    /// The event of that name. `None`: it is gone.
    fn read(&self, name: Name) -> Option<Result<Event>> {
        match self.folder.read(name.id) {
            Ok(EventFile::Event(event)) => Some(Ok(event)),
            Ok(EventFile::Gone) => None,
            Ok(EventFile::Damaged(reason)) => {
                Some(Err(Error::Damaged { path: self.folder.path(name.id), reason }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Iterator for Journal {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            if let Some(day) = &mut self.front
                && let Some(name) = day.names.pop_front()
            {
                match day.read(name) {
                    None => continue,
                    event => return event,
                }
            }
            self.front = match self.days.pop_front() {
                Some(day) => self.open_day(day),
                // What is left is what the other end has begun with.
                None => Some(self.back.take()?),
            };
        }
    }
}

/// From the newest event backwards.
impl DoubleEndedIterator for Journal {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            if let Some(day) = &mut self.back
                && let Some(name) = day.names.pop_back()
            {
                match day.read(name) {
                    None => continue,
                    event => return event,
                }
            }
            self.back = match self.days.pop_back() {
                Some(day) => self.open_day(day),
                None => Some(self.front.take()?),
            };
        }
    }
}

impl std::iter::FusedIterator for Journal {}
