//! A log: the events in an order that never changes, each with its number.

mod cursor;
mod keeper;
mod segments;

use std::ops::ControlFlow;
use std::path::PathBuf;

pub use self::cursor::Cursor;
pub use self::keeper::LogKeeper;
use self::segments::{LOG, Segments, is_gone};
use crate::disk;
use crate::error::{Error, Result};
use crate::event::EventFile;
use crate::journal::DayFolder;
use crate::name::Name;
use crate::time::Day;
use crate::{ConsumerName, Event, Spool};

/// How many bytes of events a page has at most, unless a single one has more.
const PAGE_BYTES: usize = 1 << 20;

/// How many events a scan reads at a time.
const SCAN: usize = 256;

/// The events that a consumer got, in the order in which it got them, to be read from any place, by anybody, any number of
/// times: what programs need that hand events on to others, who come and go.
///
/// The journal has no such order: an event that was captured earlier can be recorded later, so whoever goes on behind the
/// last that he saw misses it. The order of a log is settled by its [`LogKeeper`], once: an event gets the next number when it
/// arrives.
///
/// ```
/// # use codex_spool::{Capture, Spool, Start};
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// let mut keeper = spool.consumer("dashboard")?.start(Start::Earliest).keep_log()?;
/// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
/// keeper.take_in()?;
///
/// let log = spool.log("dashboard")?; // here, or in another process
/// let page = log.after(None, 100)?;
/// let [stop] = &page.events[..] else { panic!() };
/// assert_eq!((stop.event.kind().as_str(), stop.cursor), ("Stop", page.next));
/// assert!(log.after(Some(page.next), 100)?.events.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What it has of an event on disk is a line of 54 bytes; the event itself is read from the journal. So it gives what the
/// journal still holds, and says where something is missing ([`Page::reset_to`]). It may be read while it is being kept.
#[derive(Debug, Clone)]
pub struct EventLog {
    spool: Spool,
    consumer: ConsumerName,
    folder: PathBuf,
}

/// Some events of a log, one behind the other; see [`EventLog::after`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// Where the page begins, where that is not the place that was asked for: what is in between, or all that the place is
    /// to be told from, is not there any more. Whoever has put a state together from the events begins anew.
    pub reset_to: Option<Cursor>,
    /// The events, the first to arrive first; no event is missing between two of them, nor before the first.
    pub events: Vec<LoggedEvent>,
    /// The place to go on from: behind the last of them.
    pub next: Cursor,
    /// Whether there is more already.
    pub more: bool,
}

/// How far a scan came; see [`EventLog::scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scan {
    /// Where it began, where that is not the place that was asked for; see [`Page::reset_to`].
    pub reset_to: Option<Cursor>,
    /// The place to go on from: behind the last event that was taken.
    pub next: Cursor,
    /// Whether there is more already.
    pub more: bool,
}

/// An event and its place in the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedEvent {
    /// The place just behind it.
    pub cursor: Cursor,
    /// The event.
    pub event: Event,
}

impl Spool {
    /// The log that is kept by the consumer `name`, now or the last time that it was.
    ///
    /// # Errors
    /// [`Error::NoConsumer`] where no such consumer keeps one.
    pub fn log(&self, name: &str) -> Result<EventLog> {
        let consumer = ConsumerName::new(name)?;
        let log = EventLog::new(self.clone(), consumer);
        log.segments()?;
        Ok(log)
    }
}

impl EventLog {
    fn new(spool: Spool, consumer: ConsumerName) -> Self {
        let folder = spool.consumer_dir(&consumer).join(LOG);
        Self { spool, consumer, folder }
    }

    /// The events behind a place, or from the first that there is: no more than `limit`, and no more than 1 MiB of them
    /// unless one alone is larger.
    ///
    /// A place that the log does not know, because it is of one that was removed, is reset to the first event that there is.
    ///
    /// # Errors
    /// When the log or an event cannot be read; [`Error::NoConsumer`] where the log was removed.
    pub fn after(&self, place: Option<Cursor>, limit: usize) -> Result<Page> {
        let mut patience = 8;
        loop {
            match self.read(place, limit.max(1)) {
                // The keeper has just dropped what is oldest.
                Err(error) if is_gone(&error) && patience > 0 => patience -= 1,
                page => return page,
            }
        }
    }

    /// Shows the events behind a place one by one, `most` of them at most: for who wants but some, or no more than fit.
    /// `take` breaks where it does not take one: that one is the first behind [`Scan::next`] then. What is missing or cannot
    /// be read in the middle ends it too; whoever goes on is told of it.
    ///
    /// ```
    /// # use codex_spool::{Capture, EventKind, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// # spool.consumer("dashboard")?.start(Start::Earliest).keep_log()?.take_in()?;
    /// use std::ops::ControlFlow;
    ///
    /// let mut stops = Vec::new();
    /// let scan = spool.log("dashboard")?.scan(None, 10_000, |logged| {
    ///     if *logged.event.kind() == EventKind::Stop {
    ///         if stops.len() == 50 {
    ///             return ControlFlow::Break(());
    ///         }
    ///         stops.push(logged.event);
    ///     }
    ///     ControlFlow::Continue(())
    /// })?;
    /// println!("{} stops; go on after {}", stops.len(), scan.next);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`after`](Self::after), as long as nothing was taken.
    pub fn scan(
        &self,
        after: Option<Cursor>,
        most: usize,
        mut take: impl FnMut(LoggedEvent) -> ControlFlow<()>,
    ) -> Result<Scan> {
        let mut left = most.max(1);
        let mut page = self.after(after, left.min(SCAN))?;
        let reset_to = page.reset_to;
        loop {
            for logged in page.events {
                let Cursor { log, number } = logged.cursor;
                if take(logged).is_break() {
                    return Ok(Scan { reset_to, next: Cursor { log, number: number - 1 }, more: true });
                }
                left -= 1;
            }
            let (next, more) = (page.next, page.more);
            if !more || left == 0 {
                return Ok(Scan { reset_to, next, more });
            }
            // What is wrong behind what was taken, the next scan tells.
            page = match self.after(Some(next), left.min(SCAN)) {
                Ok(page) if page.reset_to.is_none() => page,
                _ => return Ok(Scan { reset_to, next, more: true }),
            };
        }
    }

    /// The place before the `n` newest events, or before all of them where there are fewer; with 0 the end of the log.
    ///
    /// # Errors
    /// Those of [`after`](Self::after).
    pub fn newest(&self, n: u64) -> Result<Cursor> {
        let segments = self.segments()?;
        let end = segments.last()?.1;
        Ok(Cursor { log: segments.log, number: end.saturating_sub(n).max(segments.first()) - 1 })
    }

    fn segments(&self) -> Result<Segments> {
        let missing = || Error::NoConsumer { name: self.consumer.clone(), path: self.folder.clone() };
        Segments::list(&self.folder)?.ok_or_else(missing)
    }

    fn read(&self, place: Option<Cursor>, limit: usize) -> Result<Page> {
        let segments = self.segments()?;
        let (last, end, _) = segments.last()?;
        let begin = segments.first();
        let known = |place: Cursor| place.log == segments.log && (begin - 1..end).contains(&place.number);
        let (start, mut reset) = match place {
            None => (begin, false),
            Some(place) if known(place) => (place.number + 1, false),
            Some(_) => (begin, true),
        };
        let at = |number: u64| Cursor { log: segments.log, number };
        let (mut next, mut bytes, mut events) = (start, 0, Vec::new());
        let mut days = Days { spool: &self.spool, open: None };
        'page: while next < end {
            let file = segments.all.partition_point(|segment| segment.first <= next) - 1;
            let count = |from: u64, to: u64| usize::try_from(to - from).unwrap_or(usize::MAX);
            let skip = count(segments.all[file].first, next);
            // The last file may have grown since.
            for name in segments.names(file)?.into_iter().skip(skip).take(count(next, end)) {
                if events.len() == limit || bytes >= PAGE_BYTES {
                    break 'page;
                }
                match name.map(|name| days.read(name)).transpose()?.flatten() {
                    Some(event) => {
                        bytes += event.record().len();
                        events.push(LoggedEvent { cursor: at(next), event });
                    }
                    None if events.is_empty() => reset |= place.is_some(),
                    None => break 'page,
                }
                next += 1;
            }
        }
        // Another process may have written what is not durable yet, and whose numbers could be given away again.
        if next > last.first {
            disk::open_to_append(&last.path).and_then(|file| self.spool.disk.sync_file(&file, &last.path))?;
        }
        let before = events.first().map_or(next, |first: &LoggedEvent| first.cursor.number) - 1;
        let reset_to = reset.then(|| at(before));
        Ok(Page { reset_to, more: next < end, next: at(next - 1), events })
    }
}

/// Reads events of the journal; the day of the last one stays open.
struct Days<'a> {
    spool: &'a Spool,
    open: Option<(Day, DayFolder)>,
}

impl Days<'_> {
    /// `None`: it is not there any more.
    fn read(&mut self, name: Name) -> Result<Option<Event>> {
        let own = name.captured.day();
        for day in std::iter::once(own).chain(name.captured.days_to_claim().filter(|day| *day != own)) {
            if self.open.as_ref().is_none_or(|open| open.0 != day) {
                self.open = DayFolder::open(&self.spool.day_dir(day))?.map(|folder| (day, folder));
            }
            if let Some((_, folder)) = &self.open
                && let EventFile::Event(event) = folder.read(name.id)?
                && event.moment() == name.captured
            {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}
