//! The life of a process: whether the one that was there then is there still.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(all(unix, not(target_os = "linux")), path = "ps.rs")]
#[cfg_attr(not(unix), path = "unknown.rs")]
mod imp;
#[cfg(all(test, target_os = "linux"))]
mod ps;

use std::time::{Duration, SystemTime};

/// What can be told of a process number now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "nothing is ever found there"))]
pub(super) enum Found {
    /// There is a process of that number.
    Process(Process),
    /// There is none, or it has ended and nobody has asked how yet.
    None,
    /// It cannot be told here.
    Unknown,
}

/// A process, told apart from others that had or will have its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// The name of its program.
    pub(super) name: String,
    /// When it was started, in ticks of the system, where that can be had: the same each time it is looked at.
    pub(super) ticks: Option<u64>,
    /// When it was started, to about a second by the clock of now.
    pub(super) started: SystemTime,
}

/// How far two looks at the start of one process may be apart where they are by the clock.
pub(super) const TOLERANCE: Duration = Duration::from_secs(2);

impl Process {
    /// Whether two looks found the same process.
    pub(super) fn is(&self, other: &Self) -> bool {
        let apart = self.started.duration_since(other.started).unwrap_or_else(|error| error.duration());
        self.name == other.name
            && match (self.ticks, other.ticks) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => apart <= TOLERANCE,
            }
    }
}

/// Looks for the process of that number.
pub(super) fn find(pid: u32) -> Found {
    imp::find(pid)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn cat() -> std::process::Child {
        Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat can be run")
    }

    #[test]
    fn a_process_is_found_with_its_name_and_start_as_long_as_it_lives() {
        let mut child = cat();
        let Found::Process(process) = find(child.id()) else { panic!("it lives") };
        assert_eq!(process.name, "cat");
        let age = SystemTime::now().duration_since(process.started).unwrap_or_default();
        assert!(age < Duration::from_secs(60), "{age:?}");
        let Found::Process(again) = find(child.id()) else { panic!("it lives") };
        assert!(again.is(&process), "{again:?}, {process:?}");

        child.kill().expect("it is ours");
        // Dead, but still there for its parent: it becomes so on its own time.
        while find(child.id()) != Found::None {
            std::thread::yield_now();
        }
        child.wait().expect("it can be waited for");
        assert_eq!(find(child.id()), Found::None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ps_tells_what_proc_tells() {
        let mut child = cat();
        let (Found::Process(proc), Found::Process(ps)) = (find(child.id()), ps::find(child.id())) else {
            panic!("it lives")
        };
        assert!(proc.is(&ps), "{proc:?}, {ps:?}");
        child.kill().expect("it is ours");
        child.wait().expect("it can be waited for");
        assert_eq!(ps::find(child.id()), Found::None);
    }
}
