//! Reading an event from its file.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{At, Result};
use crate::{Event, EventId, sys};

/// Longer than any record can be: the largest payload, its name and thread beside it, and what was cut from it.
const LONGEST_RECORD: u64 = 1 << 30;

/// What a file that bears the name of an event holds.
#[derive(Debug)]
pub(crate) enum EventFile {
    /// The event of its name.
    Event(Event),
    /// Something else, or nothing that can be read; why, in a few words.
    Damaged(String),
    /// It is not there.
    Gone,
}

impl EventFile {
    /// Reads the event `id` at `path`. An error is one of the system's, which may not last.
    pub(crate) fn read(path: &Path, id: EventId) -> Result<Self> {
        let mut file = match sys::open_no_follow(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Gone),
            Err(_) if fs::symlink_metadata(path).is_ok_and(|named| named.is_symlink()) => {
                return Ok(Self::Damaged("it is a symbolic link".to_owned()));
            }
            // It stays so until somebody looks into it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Self::Damaged("this user may not read it".to_owned()));
            }
            Err(error) => return Err(error).at("open", path),
        };
        let metadata = file.metadata().at("look at", path)?;
        if !metadata.is_file() {
            return Ok(Self::Damaged("it is not a regular file".to_owned()));
        }
        if metadata.len() > LONGEST_RECORD {
            return Ok(Self::Damaged(format!("it has {} bytes, more than any record", metadata.len())));
        }
        // Nobody writes to a record: it has the length that it is going to have.
        let mut line = vec![0; usize::try_from(metadata.len()).expect("it was compared with the limit")];
        file.read_exact(&mut line).at("read", path)?;
        Ok(match Event::read(line) {
            Ok(event) if event.id() == id => Self::Event(event),
            Ok(event) => Self::Damaged(format!("it holds the event {}, not the one of its name", event.id())),
            Err(reason) => Self::Damaged(reason),
        })
    }
}
