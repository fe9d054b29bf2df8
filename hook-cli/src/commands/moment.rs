//! Moments as people write them.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// A moment: `2026-11-21`, `2026-11-21T10:00`, `2026-11-21T10:00:30`, each in UTC unless `Z`, `+02:00` or the like follows
/// the time; or how long ago it is: `-2h`, `-3d`, `-1h30m`. A day alone is its first moment.
///
/// UTC, because all that is printed of an event is in UTC, and so are the days of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(SystemTime),
    Ago(Duration),
}

/// What of the grammar stands in the text of an error.
const EXAMPLES: &str = "2026-11-21, 2026-11-21T10:00 (UTC), 2026-11-21T10:00+02:00 or -2h";

impl Moment {
    /// The moment, where it is `now`. `None`: before all that a clock can tell.
    pub(crate) fn time(self, now: SystemTime) -> Option<SystemTime> {
        match self {
            Self::At(time) => Some(time),
            Self::Ago(age) => now.checked_sub(age),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(age) = text.strip_prefix('-') {
            return humantime::parse_duration(age).ok().map(Self::Ago);
        }
        let (day, time) = text.split_once('T').unwrap_or((text, "00:00"));
        let (time, east, offset) = if let Some(time) = time.strip_suffix('Z') {
            (time, true, Duration::ZERO)
        } else if let Some((time, offset)) = time.split_once('+') {
            (time, true, parse_offset(offset)?)
        } else if let Some((time, offset)) = time.split_once('-') {
            (time, false, parse_offset(offset)?)
        } else {
            (time, true, Duration::ZERO)
        };
        let seconds = if time.len() == "10:00".len() { ":00" } else { "" };
        let there = humantime::parse_rfc3339(&format!("{day}T{time}{seconds}Z")).ok()?;
        let utc = if east { there.checked_sub(offset) } else { there.checked_add(offset) };
        utc.map(Self::At)
    }
}

/// `02:00` or `0200`.
fn parse_offset(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':').or_else(|| text.split_at_checked(2))?;
    let number = |digits: &str| {
        let good = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        good.then(|| digits.parse::<u64>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then(|| Duration::from_secs(hours * 3600 + minutes * 60))
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| format!("no such moment: give one like {EXAMPLES}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> String {
        let now = humantime::parse_rfc3339("2026-11-21T12:00:00Z").expect("a time");
        let moment: Moment = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        humantime::format_rfc3339(moment.time(now).expect("after 1970")).to_string()
    }

    #[test]
    fn a_moment_is_in_utc_unless_it_says_otherwise() {
        assert_eq!(utc("2026-11-21"), "2026-11-21T00:00:00Z");
        assert_eq!(utc("2026-11-21T10:00"), "2026-11-21T10:00:00Z");
        assert_eq!(utc("2026-11-21T10:00:30"), "2026-11-21T10:00:30Z");
        assert_eq!(utc("2026-11-21T10:00:30Z"), "2026-11-21T10:00:30Z");
        assert_eq!(utc("2026-11-21T10:00Z"), "2026-11-21T10:00:00Z");
        assert_eq!(utc("2026-11-21T10:00:30.5Z"), "2026-11-21T10:00:30.500000000Z");
        assert_eq!(utc("2026-11-21T01:00+02:00"), "2026-11-20T23:00:00Z");
        assert_eq!(utc("2026-11-21T23:00:00-0130"), "2026-11-22T00:30:00Z");
    }

    #[test]
    fn what_begins_with_a_minus_is_so_long_ago() {
        assert_eq!(utc("-2h"), "2026-11-21T10:00:00Z");
        assert_eq!(utc("-3d"), "2026-11-18T12:00:00Z");
        assert_eq!(utc("-1h30m"), "2026-11-21T10:30:00Z");
        let longest: Moment = format!("-{}s", u64::MAX).parse().expect("a duration");
        assert_eq!(longest.time(SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn whatever_else_is_no_moment() {
        for text in [
            "",
            "-",
            "2h",
            "-2",
            "now",
            "yesterday",
            "2026-11-31",
            "2026-11",
            "21.11.2026",
            "2026-11-21T",
            "2026-11-21T25:00",
            "2026-11-21T10",
            "2026-11-21 10:00",
            "2026-11-21T10:00+2",
            "2026-11-21T10:00+99:00",
            "2026-11-21T10:00+02:0",
            "2026-11-21T10:00+0:200",
            "2026-11-21Z",
            "2026-11-21T10:00Zulu",
            "1969-12-31",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}: {:?}", text.parse::<Moment>());
        }
    }
}
