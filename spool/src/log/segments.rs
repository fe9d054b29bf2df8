//! The files of a log: which event has which number.
//!
//! `consumers/<consumer>/log/<log>-<number>`: lines of 54 bytes, `<captured>-<id>` as in a queue, one an event; the number in
//! the name is that of the first line. A file is only ever written to at its end; whatever stands where the next file
//! begins, or behind the last line that can be read, is none of it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::{self, Disk};
use crate::error::{At, Error, Result};
use crate::name::Name;

/// How many events are in a file, or a few more.
pub(super) const LINES: u64 = 1024;

/// The length of a line, with its line feed.
const LINE: usize = 54;

/// The folder of a log in that of its consumer.
pub(super) const LOG: &str = "log";

/// The files of a log, the oldest first; there is at least one.
#[derive(Debug)]
pub(super) struct Segments {
    pub(super) log: u32,
    pub(super) all: Vec<Segment>,
}

#[derive(Debug)]
pub(super) struct Segment {
    /// The number of its first event.
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl Segments {
    /// `None`: there is no log.
    pub(super) fn list(folder: &Path) -> Result<Option<Self>> {
        let mut names = Vec::new();
        for name in disk::list_if_there(folder)? {
            let name = name?;
            names.extend(parse(&name).map(|(log, first)| (log, first, folder.join(name))));
        }
        names.sort_unstable();
        let Some(&(log, ..)) = names.last() else { return Ok(None) };
        let of_it = names.into_iter().filter(|name| name.0 == log);
        Ok(Some(Self { log, all: of_it.map(|(_, first, path)| Segment { first, path }).collect() }))
    }

    /// The number of the first event that may still be there.
    pub(super) fn first(&self) -> u64 {
        self.all[0].first
    }

    /// What the lines of a file say; `None` for a line that cannot be read. Of the last file, the lines up to there.
    pub(super) fn names(&self, place: usize) -> Result<Vec<Option<Name>>> {
        let Segment { first, path } = &self.all[place];
        let bytes = fs::read(path).at("read", path)?;
        let lines = bytes.chunks_exact(LINE).map(line);
        Ok(match self.all.get(place + 1) {
            Some(next) => {
                let count = usize::try_from(next.first - first).unwrap_or(usize::MAX);
                lines.chain(std::iter::repeat(None)).take(count).collect()
            }
            None => lines.take_while(Option::is_some).collect(),
        })
    }

    /// The last file, the number behind its last event, and whether it ends there.
    pub(super) fn last(&self) -> Result<(&Segment, u64, bool)> {
        let segment = self.all.last().expect("there is at least one");
        let count = self.names(self.all.len() - 1)?.len();
        let length = fs::metadata(&segment.path).at("look at", &segment.path)?.len();
        Ok((segment, segment.first + count as u64, length == (count * LINE) as u64))
    }
}

/// Begins a file, durably. One that began there, and of which nothing counts, is removed.
pub(super) fn begin(disk: Disk, folder: &Path, log: u32, first: u64) -> Result<(File, PathBuf)> {
    let path = folder.join(format!("{log:08x}-{first:020}"));
    disk.unlink(&path)?;
    let file = disk.create(&path)?;
    disk.sync_folder(folder)?;
    Ok((file, path))
}

pub(super) fn lines(names: &[Name]) -> Vec<u8> {
    names.iter().flat_map(|name| (name.stem() + "\n").into_bytes()).collect()
}

fn line(line: &[u8]) -> Option<Name> {
    let stem = str::from_utf8(line).ok()?.strip_suffix('\n')?;
    Name::parse(&format!("{stem}.json")).map(|(name, _)| name)
}

fn parse(name: &str) -> Option<(u32, u64)> {
    let (log, first) = name.split_once('-')?;
    let parsed = (u32::from_str_radix(log, 16).ok()?, first.parse().ok()?);
    (format!("{:08x}-{:020}", parsed.0, parsed.1) == name).then_some(parsed)
}

/// Whether a file of the log was trimmed away meanwhile.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}
