//! Reading an event from its file.

use std::fs;
use std::io::{self, Read, Seek};

use crate::error::{At, Result};
use crate::sys::Folder;
use crate::{Event, EventId};

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
    /// Reads the event `id` from the file `name` in a folder. An error is one of the system's, which may not last.
    pub(crate) fn read(folder: &Folder, name: &str, id: EventId) -> Result<Self> {
        let path = || folder.path().join(name);
        let mut file = match folder.open_no_follow(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Gone),
            Err(_) if fs::symlink_metadata(path()).is_ok_and(|named| named.is_symlink()) => {
                return Ok(Self::Damaged("it is a symbolic link".to_owned()));
            }
            // A socket cannot even be opened.
            Err(_) if fs::symlink_metadata(path()).is_ok_and(|named| !named.is_file()) => {
                return Ok(Self::Damaged("it is not a regular file".to_owned()));
            }
            // It stays so until somebody looks into it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Self::Damaged("this user may not read it".to_owned()));
            }
            Err(error) => return Err(error).at("open", &path()),
        };
        // Most records come in one read, and what verifies needs no further look.
        let mut beginning = [0; 4096];
        let length = file.read(&mut beginning).unwrap_or_default();
        if let Ok(event) = Event::read(beginning[..length].to_vec()) {
            return Ok(Self::checked(event, id));
        }
        let metadata = file.metadata().at("look at", &path())?;
        if !metadata.is_file() {
            return Ok(Self::Damaged("it is not a regular file".to_owned()));
        }
        if metadata.len() > LONGEST_RECORD {
            return Ok(Self::Damaged(format!("it has {} bytes, more than any record", metadata.len())));
        }
        let mut line = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        file.rewind().and_then(|()| file.read_to_end(&mut line)).at("read", &path())?;
        Ok(match Event::read(line) {
            Ok(event) => Self::checked(event, id),
            Err(reason) => Self::Damaged(reason),
        })
    }

    fn checked(event: Event, id: EventId) -> Self {
        if event.id() == id {
            return Self::Event(event);
        }
        Self::Damaged(format!("it holds the event {}, not the one of its name", event.id()))
    }
}
