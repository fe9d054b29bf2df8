//! What the targets in `fuzz/` reach of the inside, in memory. It is compiled with `--cfg fuzzing` alone, and no part of
//! the interface.

use std::io::{self, Read, Seek};
use std::path::Path;

use crate::draft::Draft;
use crate::name::Name;
use crate::payload::Payload;
use crate::redact::Keepable;
use crate::threads::{Known, Reach, Told};
use crate::time::{Day, Moment};
use crate::{Capture, ConsumerName, Event, EventId, Redaction, Result, Settings, record, write};

/// What [`Spool::record`](crate::Spool::record) writes for a payload, its thread being at `position`; or why it is no
/// event.
pub fn record(
    payload: &[u8],
    position: Option<u64>,
    capture: &Capture,
    settings: &Settings,
) -> Result<Vec<u8>, String> {
    let read = Payload::read(payload)?;
    let position = read.position_of.as_ref().and(position);
    let masked = settings.redact.json(read.text);
    Ok(Draft::new(read, position, masked.as_ref())?.line(capture, settings.max_event_bytes))
}

/// The line that is kept of bytes that are no event.
pub fn rejected(reason: &str, bytes: &[u8]) -> Vec<u8> {
    record::encode_rejected(reason, bytes.len() as u64, &[], Some(bytes))
}

/// The event that a line is the record of; or why it is none.
pub fn event(line: Vec<u8>) -> Result<Event, String> {
    Event::read(line)
}

/// The settings that a `spool.toml` of these bytes makes.
pub fn settings(toml: &[u8]) -> Result<Settings> {
    Settings::parse(&String::from_utf8_lossy(toml), Path::new("spool.toml"))
}

/// JSON with what is to be masked in it masked; `None`: nothing is.
pub fn mask(settings: &Settings, json: &str) -> Option<(String, Vec<Redaction>)> {
    settings.redact.json(json).map(|masked| (masked.text, masked.redacted))
}

/// What may be kept of bytes that are no event; `None`: nothing.
pub fn keepable(settings: &Settings, bytes: &[u8]) -> Option<Vec<u8>> {
    match settings.redact.keepable(bytes) {
        Keepable::All => Some(bytes.to_owned()),
        Keepable::Masked(text, _) => Some(text.into_owned().into_bytes()),
        Keepable::Nothing => None,
    }
}

/// The name of a queued file: when, which event, which attempt.
pub fn parse_queued(file: &str) -> Option<(u64, EventId, u32)> {
    Name::parse(file).map(|(name, attempt)| (name.captured.0, name.id, attempt))
}

/// The same, written.
pub fn queued(captured: u64, id: EventId, attempt: u32) -> String {
    Name { captured: Moment(captured), id }.file(attempt)
}

/// Whether a file of that name in a day of the journal is ours.
pub fn is_of_a_day(file: &str) -> bool {
    write::is_of_a_day(file)
}

/// A folder of the journal: the day, written.
pub fn day(folder: &str) -> Option<String> {
    Day::of_folder(folder).map(|day| day.to_string())
}

/// A folder below `consumers/`.
pub fn consumer(folder: &str) -> Option<ConsumerName> {
    ConsumerName::of_folder(folder)
}

/// A moment in nanoseconds.
pub fn parse_moment(text: &str) -> Option<u64> {
    Moment::parse(text).map(|moment| moment.0)
}

/// The same, written.
pub fn moment(nanos: u64) -> String {
    Moment(nanos).to_string()
}

/// What the end of a transcript says of a turn, if anything, and which tools were used.
pub type Said = (Option<String>, Vec<String>);

/// Reads the end of a transcript backwards; gives how long it was, and how much of it were whole lines.
pub fn transcript(
    file: &mut (impl Read + Seek),
    turn: Option<&str>,
    known: Option<[u64; 2]>,
    [tail, overlap, block]: [u64; 3],
) -> io::Result<(Said, [u64; 2])> {
    let known = known.map(|[length, whole]| Known { length, whole });
    let tail = Reach { tail, overlap, block }.tail_of(file, turn, known)?;
    let told = match tail.turn {
        Told::Nothing => None,
        told => Some(format!("{told:?}")),
    };
    let used = tail.used.iter().map(|used| format!("{used:?}")).collect();
    Ok(((told, used), [tail.known.length, tail.known.whole]))
}
