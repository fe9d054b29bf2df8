//! Moments and days of the spool.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS_A_DAY: u64 = 86_400_000_000_000;

/// The moment an event was captured: nanoseconds since 1970-01-01T00:00:00Z.
///
/// A clock before 1970 counts as 1970, one past the year 2554 as the last moment of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }

    pub(crate) fn day(self) -> Day {
        Day(u32::try_from(self.0 / NANOS_A_DAY).expect("64 bits of nanoseconds are fewer than 2^32 days"))
    }

    /// The days that are claimed for an event of this moment, the earlier first: two within 10 s of midnight, when
    /// another copy of it may be captured on the other day.
    pub(crate) fn days_to_claim(self) -> impl Iterator<Item = Day> + Clone {
        const NEAR: u64 = 10_000_000_000;
        let first = Self(self.0.saturating_sub(NEAR)).day().0;
        let last = Self(self.0.saturating_add(NEAR)).day().0;
        (first..=last).map(Day)
    }

    /// Reads what [`fmt::Display`] writes, to the nanosecond.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(Self::of(humantime::parse_rfc3339(text).ok()?))
    }
}

/// As in a record: `2026-11-21T03:47:36.397361031Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_nanos(self.time()).fmt(f)
    }
}

/// To serde a moment is as in a record.
pub(crate) fn rfc3339<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&Moment::of(*time)),
        None => serializer.serialize_none(),
    }
}

/// To serde a moment is as in a record, both ways; what is coarser than a nanosecond is read too.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no RFC 3339 time")))
    }
}

/// A day of UTC; days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Day(u32);

impl Day {
    /// The day that a folder of the journal bears in its name, `2026-11-21`.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        let midnight = Moment::parse(&format!("{name}T00:00:00Z"))?;
        let day = midnight.day();
        (day.to_string() == name).then_some(day)
    }

    /// So many days earlier, as far as 1970.
    pub(crate) fn minus(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Moment(u64::from(self.0) * NANOS_A_DAY).to_string();
        f.write_str(&midnight[..10])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_back_to_the_nanosecond() {
        let moment = Moment(1_795_232_856_397_361_031);
        assert_eq!(moment.to_string(), "2026-11-21T03:47:36.397361031Z");
        assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
    }

    #[test]
    fn only_near_midnight_two_days_are_claimed() {
        let days = |text: &str| {
            let moment = Moment::parse(text).expect("a moment");
            moment.days_to_claim().map(|day| day.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(days("2026-11-21T12:00:00Z"), ["2026-11-21"]);
        assert_eq!(days("2026-11-21T23:59:51Z"), ["2026-11-21", "2026-11-22"]);
        assert_eq!(days("2026-11-21T00:00:09Z"), ["2026-11-20", "2026-11-21"]);
    }

    #[test]
    fn a_day_folder_has_exactly_one_spelling() {
        assert_eq!(Day::of_folder("2026-11-21").map(|day| day.to_string()).as_deref(), Some("2026-11-21"));
        for name in ["2026-11-31", "2026-1-1", "today", ".DS_Store", "2026-11-21 "] {
            assert_eq!(Day::of_folder(name), None, "{name}");
        }
    }
}
