//! Expiry: the end of a consumer that nobody has opened for long.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::disk;
use crate::error::{At, Result};
use crate::name::Name;
use crate::subscribe::{PATIENCE, remove_consumer_folder};
use crate::time::rfc3339;
use crate::{ConsumerName, Settings, Spool, sys};

const DAY: Duration = Duration::from_secs(86_400);

/// A consumer that was removed because nobody had opened it for long.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ExpiredConsumer {
    /// Its name.
    pub name: ConsumerName,
    /// How many events waited for it.
    pub pending: u64,
    /// When it was last known to be open, give or take a day.
    #[serde(serialize_with = "rfc3339")]
    pub last_open_at: Option<SystemTime>,
}

impl Settings {
    /// When a consumer expires that was last open at `time`. `None`: never.
    pub(crate) fn expiry(&self, time: SystemTime) -> Option<SystemTime> {
        let days = self.consumer_expiry_days;
        (days > 0).then(|| time.checked_add(DAY * days))?
    }
}

impl Spool {
    /// Removes a consumer that has expired, unless it is open; with `dry_run` only tells.
    pub(crate) fn expire(
        &self,
        name: &ConsumerName,
        now: SystemTime,
        dry_run: bool,
    ) -> Result<Option<ExpiredConsumer>> {
        // Recovery removes those whose program has ended.
        if name.is_ephemeral() {
            return Ok(None);
        }
        let folder = self.consumer_dir(name);
        let path = folder.join("lock");
        let Some((lock, last_open)) = open(&path)? else { return Ok(None) };
        let has_expired = |last_open| self.settings.expiry(last_open).is_some_and(|expiry| expiry <= now);
        if !has_expired(last_open) {
            return Ok(None);
        }
        let free = match dry_run {
            true => lock.try_lock_shared().is_ok() && lock.unlock().is_ok(),
            false => disk::try_lock(&lock, &path)?,
        };
        // It may have been opened and closed again before the lock was ours.
        let last_open = modified(&lock, &path)?;
        if !free || !has_expired(last_open) || !sys::is_at(&lock, &path).at("look at", &path)? {
            return Ok(None);
        }
        let mut pending = 0;
        for file in disk::list_if_there(&folder.join("queue"))? {
            pending += u64::from(Name::parse(&file?).is_some());
        }
        if !dry_run {
            remove_consumer_folder(self.disk, &folder)?;
        }
        Ok(Some(ExpiredConsumer { name: name.clone(), pending, last_open_at: Some(last_open) }))
    }

    /// Notes that a consumer is open still, where its lock is held: what counts is when it was open last, and a program
    /// may run for longer than a consumer that nobody opens is kept.
    pub(crate) fn mark_if_open(&self, name: &ConsumerName, now: SystemTime) -> Result<()> {
        let path = self.consumer_dir(name).join("lock");
        let Some((lock, last_open)) = open(&path)? else { return Ok(()) };
        // Once a day is often enough.
        if now.duration_since(last_open).is_ok_and(|age| age < DAY) {
            return Ok(());
        }
        // Shared, so that two who look at once do not take each other for its holder; who removes it, or looks whether
        // it may, has it for a moment.
        let patience = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return lock.set_modified(now).at("set the time of", &path);
                }
                Err(fs::TryLockError::Error(error)) => return Err(error).at("lock", &path),
            }
        }
    }
}

/// The lock of a consumer, and when it was open last. `None`: it is gone.
fn open(path: &Path) -> Result<Option<(File, SystemTime)>> {
    match File::options().read(true).write(true).open(path) {
        Ok(lock) => {
            let last_open = modified(&lock, path)?;
            Ok(Some((lock, last_open)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("open", path),
    }
}

fn modified(lock: &File, path: &Path) -> Result<SystemTime> {
    lock.metadata().and_then(|lock| lock.modified()).at("look at", path)
}
