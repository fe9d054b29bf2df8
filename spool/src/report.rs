//! What a spool holds, at a glance: for people and monitors, not for consumers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::disk::list_if_there;
use crate::error::{At, Error, Result};
use crate::holder::{Holder, LOCK};
use crate::journal::{DayFolder, Journal};
use crate::name::Name;
use crate::settings::Settings;
use crate::spool::Site;
use crate::time::{Moment, rfc3339};
use crate::{ConsumerName, EventId, Spool, sys};

/// What a spool directory holds, counted by its names.
///
/// It is no snapshot: what comes and goes meanwhile may be counted or not. To serde it is an object of the fields that
/// count; moments are RFC 3339.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SpoolReport {
    /// The directory.
    pub dir: PathBuf,
    /// Whether there is a spool in it.
    #[serde(skip)]
    pub exists: bool,
    /// Records in the journal; an event captured within seconds of midnight may have one in each day.
    pub events: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// When the newest event was captured.
    #[serde(serialize_with = "rfc3339")]
    pub last_event_at: Option<SystemTime>,
    /// Payloads in `rejected/`, which were no events.
    pub rejected: u64,
    /// Writes that are under way, or were cut short and wait for recovery.
    pub recovering: u64,
    /// Who consumes, by name. An ephemeral consumer that has ended is left out: it will be removed.
    #[serde(skip)]
    pub consumers: Vec<ConsumerReport>,
    /// The settings in force.
    #[serde(skip)]
    pub settings: Settings,
    /// Whether it is the settings for which every event is refused.
    #[serde(skip)]
    pub settings_refused: bool,
    /// Why it can't be used, or not looked through, a line each that ends with what to do.
    #[serde(skip)]
    pub problems: Vec<String>,
}

/// What a consumer has yet to settle, counted by names.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConsumerReport {
    /// Its name.
    pub name: ConsumerName,
    /// Events that it has yet to settle.
    pub pending: u64,
    /// How many of these it has in hand, as it said when it last began to wait; `None` where it does not run, or has not
    /// waited yet.
    pub in_flight: Option<u64>,
    /// What it has rejected, or found damaged.
    pub dead: u64,
    /// When the oldest pending event was captured.
    #[serde(serialize_with = "rfc3339")]
    pub oldest_pending_at: Option<SystemTime>,
    /// Bytes of the pending records.
    pub bytes: u64,
    /// Whether a process is this consumer now.
    pub running: bool,
    /// That process, or the last one that was.
    pub pid: Option<u32>,
    /// How it learns of new events, `watch` or `poll`; `None` where it does not run, or has not waited yet.
    pub wake: Option<String>,
    /// From when on [`Spool::prune`] removes it, with all that waits for it, if nobody opens it before. `None`: it is
    /// open, or `consumer_expiry_days` is 0.
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: Option<SystemTime>,
}

impl Spool {
    /// What the spool holds, at a glance.
    ///
    /// It costs a look at every file. Whether a consumer runs is found out by trying its lock, shared and for a moment,
    /// in which the consumer cannot be opened.
    ///
    /// ```
    /// use codex_spool::{Capture, Spool};
    /// # let home = tempfile::tempdir()?;
    /// let spool = Spool::open(home.path().join("hook-spool"))?;
    /// spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// let report = spool.report();
    /// assert_eq!((report.events, report.consumers.len()), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn report(&self) -> SpoolReport {
        SpoolReport::of(self.dir())
    }

    /// Who consumes, by name, as in the [`report`](Self::report); the journal is not looked at.
    ///
    /// # Errors
    /// When the folder of a consumer cannot be looked into.
    pub fn consumer_reports(&self) -> Result<Vec<ConsumerReport>> {
        ConsumerReport::all(&self.consumers_dir(), &self.settings)
    }

    /// The report on one consumer. `None`: there is none of that name.
    ///
    /// # Errors
    /// When its folder cannot be looked into.
    pub fn consumer_report(&self, name: &ConsumerName) -> Result<Option<ConsumerReport>> {
        ConsumerReport::of(&self.consumer_dir(name), name.clone(), &self.settings)
    }
}

impl SpoolReport {
    /// Looks into a directory, whether there is a spool that can be opened, or made, or not. Nothing is made or changed.
    ///
    /// ```
    /// use codex_spool::SpoolReport;
    /// # let home = tempfile::tempdir()?;
    /// let report = SpoolReport::of(&home.path().join("hook-spool"));
    /// assert!(!report.exists && report.problems.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(dir: &Path) -> Self {
        let mut report = SpoolReport {
            dir: dir.to_owned(),
            exists: dir.join("format").exists(),
            events: 0,
            bytes: 0,
            last_event_at: None,
            rejected: 0,
            recovering: 0,
            consumers: Vec::new(),
            settings: Settings::default(),
            settings_refused: false,
            problems: Vec::new(),
        };
        match Site::look_at(dir) {
            Ok(site) => report.settings = site.settings,
            Err(error) => {
                report.settings_refused =
                    matches!(error, Error::Redact { .. } | Error::UnclearSettings { .. });
                report.problems.push(error.to_string());
            }
        }
        if let Err(error) = report.count(dir) {
            report.problems.push(error.to_string());
        }
        report
    }

    /// The consumers of which more than half of the time is over, after which [`Spool::prune`] removes them: one line
    /// each that ends with what to do.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use codex_spool::{Spool, Start};
    /// # let home = tempfile::tempdir()?;
    /// let spool = Spool::open(home.path().join("hook-spool"))?;
    /// drop(spool.consumer("dashboard")?.open()?);
    /// let in_two_months = SystemTime::now() + Duration::from_secs(60 * 86_400);
    /// let [warning] = &spool.report().expiry_warnings(in_two_months)[..] else { panic!("one is expected") };
    /// assert!(warning.starts_with("consumer dashboard has not been open since"), "{warning}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expiry_warnings(&self, now: SystemTime) -> Vec<String> {
        let half = Duration::from_secs(u64::from(self.settings.consumer_expiry_days) * 43_200);
        let warn = |consumer: &ConsumerReport| {
            let expires_at = consumer.expires_at?;
            let last_open = expires_at.checked_sub(half * 2)?;
            now.duration_since(last_open).is_ok_and(|age| age >= half).then(|| {
                let (since, then) = (Moment::of(last_open).day(), Moment::of(expires_at).day());
                let ConsumerReport { name, pending, .. } = consumer;
                format!(
                    "consumer {name} has not been open since {since}, and is pruned from {then} on, with {pending} events \
                     that wait for it: open it before, or remove it"
                )
            })
        };
        self.consumers.iter().filter_map(warn).collect()
    }

    fn count(&mut self, dir: &Path) -> Result<()> {
        let mut newest: Option<(SystemTime, PathBuf, EventId)> = None;
        for day in Journal::open(dir.join("journal"))?.days() {
            let day = day?;
            for id in day.ids()? {
                let path = day.path(id);
                let Some(meta) = look_at(&path)? else { continue };
                self.events += 1;
                self.bytes += meta.len();
                let modified = meta.modified().at("look at", &path)?;
                if newest.as_ref().is_none_or(|(known, ..)| *known < modified) {
                    newest = Some((modified, day.folder().to_owned(), id));
                }
            }
        }
        if let Some((_, folder, id)) = newest
            && let Some(day) = DayFolder::open(&folder)?
        {
            self.last_event_at = day.captured(id)?.map(Moment::time);
        }
        for name in list_if_there(&dir.join("rejected"))? {
            // They are called as queued events are.
            self.rejected += u64::from(Name::parse(&name?).is_some());
        }
        for name in list_if_there(&dir.join("tmp"))? {
            self.recovering += u64::from(!name?.starts_with('.'));
        }
        self.consumers = ConsumerReport::all(&dir.join("consumers"), &self.settings)?;
        Ok(())
    }
}

impl ConsumerReport {
    fn all(consumers: &Path, settings: &Settings) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for name in list_if_there(consumers)? {
            let Some(name) = ConsumerName::of_folder(&name?) else { continue };
            let folder = consumers.join(name.as_str());
            all.extend(Self::of(&folder, name, settings)?);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// `None`: it is gone, or will be removed.
    fn of(folder: &Path, name: ConsumerName, settings: &Settings) -> Result<Option<Self>> {
        let path = folder.join(LOCK);
        let lock = match sys::open_no_follow(&path) {
            Ok(lock) => lock,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error).at("open", &path),
        };
        let running = matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock));
        let last_open = lock.metadata().and_then(|lock| lock.modified()).at("look at", &path)?;
        // Not held while the queue is counted.
        drop(lock);
        if name.is_ephemeral() && !running {
            return Ok(None);
        }
        let holder = Holder::read(&path);
        let pid = Some(holder.pid).filter(|&pid| pid != 0);
        let mut report = ConsumerReport {
            name,
            pending: 0,
            in_flight: holder.in_flight.filter(|_| running),
            dead: 0,
            oldest_pending_at: None,
            bytes: 0,
            running,
            pid,
            wake: holder.wake.filter(|_| running),
            expires_at: settings.expiry(last_open).filter(|_| !running),
        };
        let queue = folder.join("queue");
        for file in list_if_there(&queue)? {
            let file = file?;
            let Some((name, _)) = Name::parse(&file) else { continue };
            let Some(meta) = look_at(&queue.join(&file))? else { continue };
            report.pending += 1;
            report.bytes += meta.len();
            let captured = name.captured.time();
            let oldest = report.oldest_pending_at.get_or_insert(captured);
            *oldest = captured.min(*oldest);
        }
        for file in list_if_there(&folder.join("dead"))? {
            report.dead += u64::from(Name::parse(&file?).is_some());
        }
        Ok(Some(report))
    }
}

/// `None`: it is gone.
fn look_at(path: &Path) -> Result<Option<fs::Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error).at("look at", path),
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
