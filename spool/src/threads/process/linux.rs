//! By `/proc`.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use super::{Found, Process};

pub(super) fn find(pid: u32) -> Found {
    match fs::read(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            let stat = String::from_utf8_lossy(&stat);
            parse(&stat).unwrap_or(Found::Unknown)
        }
        // It may be that nobody's processes can be seen.
        Err(_) if fs::metadata("/proc/self/stat").is_err() => Found::Unknown,
        // ESRCH: it ended as it was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => {
            Found::None
        }
        Err(_) => Found::Unknown,
    }
}

/// See proc_pid_stat(5). The name stands in parentheses and may hold any.
fn parse(stat: &str) -> Option<Found> {
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    // What has ended and was not waited for has no life left.
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return Some(Found::None);
    }
    let ticks: u64 = fields.nth(18)?.parse().ok()?;
    let since_boot = Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
    let started = SystemTime::now().checked_sub(uptime()?)?.checked_add(since_boot)?;
    Some(Found::Process(Process { name: name.to_owned(), ticks: Some(ticks), started }))
}

fn uptime() -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let seconds = uptime.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
