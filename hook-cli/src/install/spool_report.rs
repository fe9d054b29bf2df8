//! What a spool directory holds, as far as its names tell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// A spool at a glance.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpoolReport {
    /// The directory.
    pub dir: PathBuf,
    /// Records in the journal.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the newest was written; RFC 3339.
    pub last_event_at: Option<String>,
    /// Payloads that were none.
    pub rejected: u64,
    /// Writes that are under way, or wait for recovery.
    pub recovering: u64,
    /// Whose queues there are.
    #[serde(skip)]
    pub consumers: Vec<ConsumerReport>,
    /// What is not as it should be.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// A consumer at a glance.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConsumerReport {
    /// Its name.
    pub name: String,
    /// Events that it has yet to settle.
    pub pending: u64,
    /// Of these, handed out now; only the consumer itself knows.
    pub in_flight: Option<u64>,
    /// What it rejected, or was damaged.
    pub dead: u64,
    /// When the oldest pending one was captured; RFC 3339.
    pub oldest_pending_at: Option<String>,
    /// Bytes of the pending.
    pub bytes: u64,
    /// Whether its process lives.
    pub running: bool,
    /// The process that is or was this consumer.
    pub pid: Option<u32>,
    /// How it waits for events; only the consumer itself knows.
    pub wake: Option<&'static str>,
}

/// Reads the directory. One that is not there is empty.
pub fn spool_report(dir: &Path) -> SpoolReport {
    let mut report = SpoolReport { dir: dir.to_owned(), ..SpoolReport::default() };
    let mut newest = None;
    for day in names(&dir.join("journal")) {
        for (_, meta) in files(&day, ".json") {
            report.events += 1;
            report.bytes += meta.len();
            newest = newest.max(meta.modified().ok());
        }
    }
    report.last_event_at = newest.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(rfc3339);
    report.rejected = files(&dir.join("rejected"), ".json").count() as u64;
    report.recovering = files(&dir.join("tmp"), "").count() as u64;
    for path in names(&dir.join("consumers")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') && path.is_dir() {
            report.consumers.push(consumer(name, &path));
        }
    }
    report.consumers.sort_by(|a, b| a.name.cmp(&b.name));
    match fs::read_to_string(dir.join("format")) {
        Ok(format) if format.trim() != "1" => {
            report.warnings.push(format!(
                "{}: unknown format {}: update codex-hook",
                dir.display(),
                format.trim()
            ));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            report.warnings.push(format!("cannot read {}: {error}", dir.join("format").display()));
        }
        _ => {}
    }
    report
}

fn consumer(name: String, dir: &Path) -> ConsumerReport {
    let mut report = ConsumerReport { name, ..ConsumerReport::default() };
    let mut oldest: Option<u64> = None;
    for (name, meta) in files(&dir.join("queue"), ".json") {
        report.pending += 1;
        report.bytes += meta.len();
        if let Some(captured) = name.get(..20).and_then(|digits| digits.parse().ok()) {
            oldest = Some(oldest.map_or(captured, |known: u64| known.min(captured)));
        }
    }
    report.oldest_pending_at = oldest.map(|nanos| rfc3339(Duration::from_nanos(nanos)));
    report.dead = files(&dir.join("dead"), ".json").count() as u64;
    let lock = fs::File::open(dir.join("lock"));
    report.running = lock.as_ref().is_ok_and(|lock| lock.try_lock_shared().is_err());
    let holder = fs::read(dir.join("lock")).unwrap_or_default();
    let holder: serde_json::Value = serde_json::from_slice(&holder).unwrap_or_default();
    report.pid =
        holder.get("pid").and_then(serde_json::Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
    report
}

fn names(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn files(dir: &Path, suffix: &'static str) -> impl Iterator<Item = (String, fs::Metadata)> {
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(move |entry| {
        let name = entry.file_name().into_string().ok()?;
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        (!name.starts_with('.') && name.ends_with(suffix)).then_some((name, meta))
    })
}

fn rfc3339(since_epoch: Duration) -> String {
    let at: SystemTime = UNIX_EPOCH + since_epoch;
    humantime::format_rfc3339_nanos(at).to_string()
}
