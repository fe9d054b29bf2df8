//! Where the events begin that are printed.

use std::str::FromStr;
use std::time::SystemTime;

use codex_spool::{Journal, Start};

use crate::commands::moment::Moment;

/// `--from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Earliest,
    Latest,
    Moment(Moment),
}

impl From {
    /// Where a consumer begins, where it is `now`.
    pub(super) fn start(self, now: SystemTime) -> Start {
        match self {
            Self::Latest => Start::Latest,
            // Before all that a clock can tell there is nothing.
            _ => self.time(now).map_or(Start::Earliest, Start::At),
        }
    }

    /// What the journal holds from there on.
    pub(super) fn narrow(self, journal: Journal, now: SystemTime) -> Journal {
        match self.time(now) {
            Some(time) => journal.since(time),
            None => journal,
        }
    }

    fn time(self, now: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Earliest => None,
            Self::Latest => Some(now),
            Self::Moment(moment) => moment.time(now),
        }
    }
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            text => text
                .parse()
                .map(Self::Moment)
                .map_err(|error| format!("neither earliest nor latest, and {error}")),
        }
    }
}
