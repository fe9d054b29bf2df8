//! Looking at what waits for a consumer, without being it.

use std::vec;

use crate::disk;
use crate::error::{At, Error, Result};
use crate::event::EventFile;
use crate::name::Name;
use crate::sys::Folder;
use crate::{ConsumerName, Event, Spool};

/// An event that a consumer has yet to settle; see [`Spool::peek`].
#[derive(Debug)]
pub struct PendingEvent {
    event: Event,
    attempt: u32,
}

impl PendingEvent {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Which attempt to deliver it is the next: 1 at first. While it is in flight, the one that is under way, or, with
    /// `max_attempts` set, the one after that.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// The iterator of [`Spool::peek`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Peek {
    /// `None`: there is no queue, and so there are no names.
    folder: Option<Folder>,
    /// In order, each with its attempt.
    names: vec::IntoIter<(Name, u32)>,
}

impl Spool {
    /// What a consumer has yet to settle, in the order of capture, without settling anything; the consumer may be open
    /// elsewhere meanwhile. What waits is known by name at once, 32 bytes of memory an event, and read one by one.
    ///
    /// It is no snapshot: what is settled meanwhile, or retried more than once, may be left out. What the consumer's conditions would leave out is
    /// there.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// let consumer = spool.consumer("dashboard")?.open()?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// for pending in spool.peek(consumer.name())? {
    ///     println!("{}", pending?.event().kind());
    /// }
    /// # assert_eq!(spool.peek(consumer.name())?.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoConsumer`] where there is none of that name; when its queue cannot be listed. A damaged record is an
    /// error of the iterator, which goes on behind it; it is left where it is.
    pub fn peek(&self, name: &ConsumerName) -> Result<Peek> {
        let queue = self.consumer_there(name)?.join("queue");
        let mut names: Vec<(Name, u32)> = Vec::new();
        for file in disk::list_if_there(&queue)? {
            names.extend(Name::parse(&file?));
        }
        names.sort_unstable();
        // Of several attempts of one event the highest stands.
        names.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                *kept = *later;
            }
            same
        });
        let folder = match names.is_empty() {
            true => None,
            false => Some(Folder::open(&queue).at("open", &queue)?),
        };
        Ok(Peek { folder, names: names.into_iter() })
    }
}

impl Peek {
    /// `None`: it was settled meanwhile.
    fn read(folder: &Folder, name: Name, listed: u32) -> Result<Option<PendingEvent>> {
        // It may have been retried since.
        for attempt in [listed, listed.saturating_add(1)] {
            let file = name.file(attempt);
            let reason = match EventFile::read(folder, &file, name.id)? {
                EventFile::Event(event) if event.moment() == name.captured => {
                    return Ok(Some(PendingEvent { event, attempt }));
                }
                EventFile::Event(_) => "it was captured at another time than its name says".to_owned(),
                EventFile::Damaged(reason) => reason,
                EventFile::Gone => continue,
            };
            return Err(Error::Damaged { path: folder.path().join(file), reason });
        }
        Ok(None)
    }
}

impl Iterator for Peek {
    type Item = Result<PendingEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        let folder = self.folder.as_ref()?;
        self.names.by_ref().find_map(|(name, attempt)| Self::read(folder, name, attempt).transpose())
    }
}

impl std::iter::FusedIterator for Peek {}
