//! By `ps`, as POSIX has it: macOS and the BSDs tell of processes only through calls that are not safe.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::{Found, Process};

pub(super) fn find(pid: u32) -> Found {
    let mut ps = Command::new("ps");
    ps.args(["-o", "etime=", "-o", "stat=", "-o", "comm=", "-p", &pid.to_string()]).env("LC_ALL", "C");
    let Ok(output) = ps.stdin(Stdio::null()).stderr(Stdio::null()).output() else { return Found::Unknown };
    let line = String::from_utf8_lossy(&output.stdout);
    match line.trim() {
        "" if output.status.code() == Some(1) => Found::None,
        line => parse(line).unwrap_or(Found::Unknown),
    }
}

fn parse(line: &str) -> Option<Found> {
    let (elapsed, rest) = line.split_once(char::is_whitespace)?;
    let (state, program) = rest.trim_start().split_once(char::is_whitespace)?;
    if state.starts_with('Z') {
        return Some(Found::None);
    }
    let started = SystemTime::now().checked_sub(self::elapsed(elapsed)?)?;
    let name = program.trim().rsplit('/').next()?.to_owned();
    Some(Found::Process(Process { name, ticks: None, started }))
}

/// `[[days-]hours:]minutes:seconds`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let seconds = clock.split(':').try_fold(0_u64, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
    Some(Duration::from_secs(days.parse::<u64>().ok()? * 86_400 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_length_are_read() {
        let seconds = |text| elapsed(text).map(|time| time.as_secs());
        assert_eq!(seconds("00:07"), Some(7));
        assert_eq!(seconds("02:00:07"), Some(7207));
        assert_eq!(seconds("3-02:00:07"), Some(266_407));
        assert_eq!(seconds("-"), None);
    }
}
