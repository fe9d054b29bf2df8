//! Writing an event: one durable file, however often Codex sends it, and a link to it in every queue.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::capture::Capture;
use crate::disk::Linked;
use crate::draft::Draft;
use crate::error::{At, Error, Result};
use crate::intent::Intent;
use crate::name::Name;
use crate::payload::Payload;
use crate::record;
use crate::redact::Keepable;
use crate::settings::Durability;
use crate::time::Moment;
use crate::{EventId, Spool};

/// The largest payload that is recorded; of a larger one only the size is kept, in `rejected/`.
const MAX_PAYLOAD_BYTES: usize = 64 << 20;

const TOO_LARGE: &str = "it is larger than 64 MiB";

/// In a day of the journal: its folder is known to outlive the loss of power.
const DURABLE: &str = ".durable";

/// An event that is in the spool now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Its identity.
    pub id: EventId,
    /// Whether it was there already: another copy of the same firing came first.
    pub duplicate: bool,
}

/// What kept an event from being recorded to the end, and whether it is claimed: from then on others rely on it.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) claimed: bool,
    pub(crate) error: Error,
}

impl Spool {
    /// Records `payload`, as Codex gave it to a hook, and puts it into the queue of every consumer.
    ///
    /// When this returns `Ok`, the event outlives the crash of any process and, with durability `full`, the loss of
    /// power; it will be delivered to every consumer that had subscribed before. It waits for no other process, and
    /// its cost does not depend on how much is in the spool. The same payload at the same position of its thread is
    /// recorded once.
    ///
    /// # Errors
    /// - [`Error::NotAnEvent`]: `payload` is no JSON object with a non-empty string `hook_event_name`. It is kept in
    ///   `rejected/`.
    /// - [`Error::Unfinished`]: the event is in the journal, but some queue lacks it still, or a sync failed; recovery
    ///   finishes that.
    /// - Any other: this call has recorded nothing.
    ///
    /// ```
    /// use codex_spool::{Capture, Spool};
    /// # let home = tempfile::tempdir()?;
    /// # let spool = Spool::open(home.path().join("hook-spool"))?;
    /// let payload = br#"{"hook_event_name":"SessionEnd","session_id":"s","cwd":"/"}"#;
    /// let first = spool.record(payload, &Capture::now())?;
    /// let again = spool.record(payload, &Capture::now())?;
    /// assert_eq!(first.id, again.id);
    /// assert!(again.duplicate);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(&self, payload: &[u8], capture: &Capture) -> Result<Recorded> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(self.reject(TOO_LARGE, payload.len() as u64, None, capture));
        }
        let read = match Payload::read(payload) {
            Ok(read) => read,
            Err(reason) => return Err(self.reject(&reason, payload.len() as u64, Some(payload), capture)),
        };
        let position = read.position_of.as_deref().and_then(length_of);
        let masked = self.settings.redact.json(read.text);
        let draft = match Draft::new(read, position, masked.as_ref()) {
            Ok(draft) => draft,
            Err(reason) => return Err(self.reject(&reason, payload.len() as u64, Some(payload), capture)),
        };
        let id = draft.id;
        if self.is_in_journal(capture.at, id)? {
            return Ok(Recorded { id, duplicate: true });
        }
        let line = draft.line(capture, self.settings.max_event_bytes);
        let intent = self.intend(&line)?;
        let finished = self.finish(&intent, Name { captured: capture.at, id });
        if let Err(Unfinished { claimed: true, error }) = finished {
            return Err(Error::Unfinished { intent: intent.path().to_owned(), source: Box::new(error) });
        }
        // Without a claim nobody relies on the intent; with everything done an intent that stays does no harm.
        let removed = intent.remove(self.disk);
        let first = finished.map_err(|unfinished| unfinished.error)?;
        if first {
            // The event is recorded, whatever becomes of this.
            let _ = removed.and(self.prune_a_little(capture.at.day()));
        }
        Ok(Recorded { id, duplicate: !first })
    }

    /// Reads `input`, the standard input of a hook, to its end, and records what it read like
    /// [`record`](Self::record); `capture` is asked for at that moment.
    ///
    /// # Errors
    /// Those of [`record`](Self::record). What was read of an input that fails is kept in `rejected/`; of one that is
    /// larger than 64 MiB only the size.
    pub fn record_from(&self, input: &mut impl Read, capture: impl FnOnce() -> Capture) -> Result<Recorded> {
        let limit = MAX_PAYLOAD_BYTES as u64 + 1;
        let mut payload = Vec::with_capacity(4096);
        let end = match input.by_ref().take(limit).read_to_end(&mut payload) {
            Ok(length) if length as u64 == limit => io::copy(input, &mut io::sink()),
            Ok(_) => return self.record(&payload, &capture()),
            Err(error) => Err(error),
        };
        let read = payload.len() as u64;
        Err(match end {
            Ok(rest) => self.reject(TOO_LARGE, read + rest, None, &capture()),
            Err(error) => {
                let reason = format!("standard input could not be read to its end: {error}");
                let kept = (read < limit).then_some(&payload[..]);
                self.reject(&reason, read, kept, &capture())
            }
        })
    }

    /// Keeps bytes that are no event in `rejected/`, masked where that is asked for, and gives the error that says so. `kept` is `None` where they are
    /// too many; `bytes` is how many there were.
    fn reject(&self, reason: &str, bytes: u64, kept: Option<&[u8]>, capture: &Capture) -> Error {
        let keepable = kept.map(|kept| (self.settings.redact.keepable(kept), kept));
        let (reason, kept, redacted) = match &keepable {
            None => (reason.to_owned(), None, &[][..]),
            Some((Keepable::All, kept)) => (reason.to_owned(), Some(*kept), &[][..]),
            Some((Keepable::Masked(text, redacted), _)) => {
                (reason.to_owned(), Some(text.as_bytes()), &redacted[..])
            }
            Some((Keepable::Nothing, _)) => {
                (format!("{reason}, and only its size is kept, since nobody can mask it"), None, &[][..])
            }
        };
        let hash = EventId::of_bytes(kept.unwrap_or_default());
        let file = self.rejected_dir().join(format!("{:020}-{hash}.json", capture.at.0));
        let line = record::encode_rejected(&reason, bytes, redacted, kept);
        let kept = self.make_folders().and_then(|()| self.intend(&line));
        match kept.and_then(|intent| intent.put(self.disk, &file)) {
            Ok(()) => Error::NotAnEvent { reason, kept: file },
            Err(error) => error,
        }
    }

    /// Steps 3 to 5 of writing an event: claims it, links it into every queue and makes all of that durable, after
    /// which the intent may go. False: another copy of the event was first, whose intent is durable, or gone, and then
    /// all that it did is. May be repeated after a crash at any point.
    pub(crate) fn finish(&self, intent: &Intent, name: Name) -> Result<bool, Unfinished> {
        // Whoever sees the claim takes the event for recorded, even after a crash: so no claim outlives its intent.
        let durable = self.disk.sync_folder(&self.tmp_dir());
        durable.map_err(|error| Unfinished { claimed: false, error })?;
        let Some(claimed) = self.claim(intent, name)? else { return Ok(false) };
        match self.distribute(intent, name, claimed) {
            None => Ok(true),
            Some(error) => Err(Unfinished { claimed: true, error }),
        }
    }

    /// Claims the event in the journal, on each day on which another copy of it might be captured; gives these days.
    /// `None`: another copy was first.
    fn claim(&self, intent: &Intent, name: Name) -> Result<Option<Vec<PathBuf>>, Unfinished> {
        let mut claimed: Vec<PathBuf> = Vec::new();
        for day in name.captured.days_to_claim() {
            let folder = self.day_dir(day);
            let unfinished = |error| Unfinished { claimed: !claimed.is_empty(), error };
            if self.claim_day(intent, &folder, name.id).map_err(unfinished)? {
                claimed.push(folder);
                continue;
            }
            for folder in &claimed {
                self.disk.unlink(&folder.join(journal_file(name.id))).map_err(unfinished)?;
            }
            return Ok(None);
        }
        Ok(Some(claimed))
    }

    fn claim_day(&self, intent: &Intent, folder: &Path, id: EventId) -> Result<bool> {
        let file = folder.join(journal_file(id));
        // More than once only where the day is being made, or pruned, at this very moment.
        for _ in 0..8 {
            match self.disk.link(intent.path(), &file)? {
                Linked::Made => return Ok(true),
                Linked::Exists if intent.is_at(&file)? => return Ok(true),
                Linked::Exists if fs::symlink_metadata(&file).is_ok() => return Ok(false),
                Linked::Exists => {}
                Linked::NoFolder => match self.disk.make_folder(folder) {
                    // Somebody has removed the whole journal.
                    Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                        self.make_folders()?
                    }
                    made => drop(made?),
                },
            }
        }
        Err(io::Error::from(io::ErrorKind::NotFound)).at("record in", &file)
    }

    /// Links a claimed event into every queue and makes all its names durable. What goes wrong in one place does not
    /// keep it from the others; the first such error is returned.
    fn distribute(&self, intent: &Intent, name: Name, claimed: Vec<PathBuf>) -> Option<Error> {
        let mut errors = Vec::new();
        let mut queues = Vec::new();
        // Only now: whoever subscribes after this has seen the journal with this event in it.
        let mut consumers = self.consumers().map_err(|error| errors.push(error)).unwrap_or_default();
        // Those without a name come last: who hears of the event by one of them can take it in for any other.
        consumers.sort_unstable();
        for consumer in consumers {
            let queue = self.queue_dir(&consumer);
            match self.disk.link(intent.path(), &queue.join(name.file(1))) {
                Ok(Linked::Made | Linked::Exists) => queues.push(queue),
                Ok(Linked::NoFolder) => {}
                Err(error) => errors.push(error),
            }
        }
        // One that is gone again has been pruned, as long expired.
        errors.extend(claimed.iter().filter_map(|day| ignore_missing(self.make_day_durable(day)).err()));
        errors.extend(queues.iter().filter_map(|queue| ignore_missing(self.disk.sync_folder(queue)).err()));
        errors.into_iter().next()
    }

    /// Syncs the names in a day, and that of the day itself. The latter has to be done once: the file `.durable` says
    /// that somebody has, since who finds the day made cannot know whether its maker lived to sync it.
    fn make_day_durable(&self, day: &Path) -> Result<()> {
        if self.settings.durability == Durability::Full {
            let marker = day.join(DURABLE);
            if !marker.exists() {
                self.disk.sync_folder(&self.journal_dir())?;
                // Made by another meanwhile, or not made at all: then the next one syncs once more.
                let _ = self.disk.create(&marker);
            }
        }
        self.disk.sync_folder(day)
    }

    fn is_in_journal(&self, captured: Moment, id: EventId) -> Result<bool> {
        let file = journal_file(id);
        for day in captured.days_to_claim() {
            let path = self.day_dir(day).join(&file);
            match fs::symlink_metadata(&path) {
                Ok(file) if file.is_file() && file.len() > record::SHORTEST => return Ok(true),
                Ok(_) => {
                    let reason = "it is in the way of an event, and no record".to_owned();
                    return Err(Error::Damaged { path, reason });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).at("look for", &path),
            }
        }
        Ok(false)
    }
}

/// The name of an event's file in a day of the journal.
pub(crate) fn journal_file(id: EventId) -> String {
    format!("{id}.json")
}

/// Whether a file of that name in a day of the journal was made by us.
pub(crate) fn is_of_a_day(name: &str) -> bool {
    let id = name.strip_suffix(".json").and_then(|id| EventId::from_hex(id.as_bytes()));
    id.is_some() || name == DURABLE
}

/// The length of the file at an absolute path; it is never opened. `None` where there is none, or it is no file.
fn length_of(path: &str) -> Option<u64> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return None;
    }
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len())
}

/// A consumer that was removed meanwhile is fine, and so is a day that was pruned.
fn ignore_missing(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
