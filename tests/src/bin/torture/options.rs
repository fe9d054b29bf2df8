//! What is asked for on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

/// Who this process is.
pub(crate) enum Role {
    /// Starts the others, and kills them.
    Torturer(Options),
    Writer {
        spool: PathBuf,
        first: u64,
        count: u64,
    },
    Consumer {
        spool: PathBuf,
        name: Option<String>,
        follow: bool,
    },
}

pub(crate) struct Options {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    pub(crate) writers: u64,
    pub(crate) consumers: u64,
    /// How many events are recorded in a second at most: each takes some 6 kB for as long as this runs.
    pub(crate) rate: u64,
    /// Where the spool is made. By default in memory, where syncs take no time: a kill loses nothing that was written.
    pub(crate) dir: PathBuf,
}

impl Role {
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let mut options = Options { seconds: 60, seed: 1, writers: 8, consumers: 3, rate: 2500, dir };
        let mut parser = lexopt::Parser::from_iter(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("seconds") => options.seconds = parser.value()?.parse()?,
                Long("seed") => options.seed = parser.value()?.parse()?,
                Long("writers") => options.writers = parser.value()?.parse()?,
                Long("consumers") => options.consumers = parser.value()?.parse()?,
                Long("rate") => options.rate = parser.value()?.parse()?,
                Long("dir") => options.dir = parser.value()?.into(),
                Value(role) if role == "writer" => {
                    let spool = parser.value()?.into();
                    let (first, count) = (parser.value()?.parse()?, parser.value()?.parse()?);
                    return Ok(Self::Writer { spool, first, count });
                }
                Value(role) if role == "consumer" => {
                    let spool = parser.value()?.into();
                    let name = parser.value()?.string()?;
                    let follow = parser.value()? == "follow";
                    let name = (name != "-").then_some(name);
                    return Ok(Self::Consumer { spool, name, follow });
                }
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Self::Torturer(options))
    }
}
