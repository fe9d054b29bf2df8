//! Walks a real, unmodified process through its system calls, to stop or kill it between any two.
//!
//! ```no_run
//! use std::process::Command;
//! use codex_hook_tests::trace::Tracee;
//!
//! // The file-system calls that `tee` makes after it has read all of its input, and a kill at each of them.
//! let calls = Tracee::start(Command::new("tee").arg("/tmp/copy"), b"text").calls();
//! for n in 0..calls.len() {
//!     let mut tracee = Tracee::start(Command::new("tee").arg("/tmp/copy"), b"text");
//!     tracee.step_to(n).expect("the process makes the same calls again");
//!     tracee.kill();
//! }
//! ```
//!
//! Linux only, by `ptrace(2)`. Limits: one thread of the process is followed, and none of its children. A [`Tracee`]
//! stays in the thread that started it, since the kernel takes requests from that one alone.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{Read, Write},
    marker::PhantomData,
    os::unix::{ffi::OsStringExt, fs::FileExt, process::ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
};

use nix::{
    libc,
    sys::{
        ptrace::{self, Options},
        signal::Signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use syscalls::Sysno;

mod file_calls;

use file_calls::{Argument, arguments_of};

/// A system call that works on files: what the process is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name, such as `renameat2`.
    pub name: &'static str,
    /// The files it names, in the order of its arguments: paths as they were passed, descriptors as what they stand for.
    pub paths: Vec<PathBuf>,
    /// Its arguments as numbers.
    pub arguments: [u64; 6],
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        write!(f, "{}({})", self.name, paths.join(", "))
    }
}

/// How a process ended, and what it printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

/// A process that is stopped: at first where it has read its stdin to the end, then before each call it is stepped to.
///
/// Dropping it kills it.
#[derive(Debug)]
#[must_use = "dropping it kills the process"]
pub struct Tracee {
    pid: Pid,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// The last system call: its number and its arguments.
    entered: Option<(i32, [u64; 6])>,
    ended: Option<ExitStatus>,
    // Requests are the business of one thread.
    _not_send: PhantomData<*const ()>,
}

/// Where a process came to a halt.
enum Stop {
    Entry,
    Exit,
    Ended(ExitStatus),
}

impl Tracee {
    /// Starts a program, gives it `stdin`, and lets it go until it has read the end of that.
    ///
    /// What it does before counts for nothing: a program that never reads its stdin to the end runs to its own end.
    #[track_caller]
    pub fn start(command: &mut Command, stdin: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is small"));
        let mut tracee = Self::seize(pid, &mut child);
        // It reads while this thread follows it, so another has to write: the input may be larger than a pipe.
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        let input = stdin.to_vec();
        let writer = std::thread::spawn(move || {
            // A program that ends early leaves the rest unread.
            let _ = pipe.write_all(&input);
        });
        tracee.run_to_end_of_input();
        writer.join().expect("writing to a pipe does not panic");
        tracee
    }

    fn seize(pid: Pid, child: &mut Child) -> Self {
        ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL)
            .expect("a process may trace its own child (is ptrace forbidden here?)");
        ptrace::interrupt(pid).expect("a seized process can be interrupted");
        let stopped = waitpid(pid, Some(WaitPidFlag::__WALL)).expect("a traced process can be waited for");
        assert!(!matches!(stopped, WaitStatus::Exited(..)), "the program ended before it got its input");
        Self {
            pid,
            stdout: child.stdout.take().map(collect),
            stderr: child.stderr.take().map(collect),
            entered: None,
            ended: None,
            _not_send: PhantomData,
        }
    }

    fn run_to_end_of_input(&mut self) {
        loop {
            match self.resume() {
                Stop::Ended(_) => return,
                Stop::Exit => {
                    let is_of_stdin = self.entered.is_some_and(|(number, arguments)| {
                        [Sysno::read.id(), Sysno::readv.id()].contains(&number) && arguments[0] == 0
                    });
                    if is_of_stdin && self.returned() == 0 {
                        return;
                    }
                }
                Stop::Entry => {}
            }
        }
    }

    /// Runs to the next file-system call and stops before it; `None`: the process has ended instead.
    pub fn next_call(&mut self) -> Option<Call> {
        loop {
            match self.resume() {
                Stop::Ended(_) => return None,
                Stop::Entry => {
                    if let Some(call) = self.call() {
                        return Some(call);
                    }
                }
                Stop::Exit => {}
            }
        }
    }

    /// Runs to the `n`th file-system call from here, counting from 0, and stops before it.
    pub fn step_to(&mut self, n: usize) -> Option<Call> {
        for _ in 0..n {
            self.next_call()?;
        }
        self.next_call()
    }

    /// Runs to the first file-system call from here that is `wanted`, and stops before it.
    pub fn step_until(&mut self, wanted: impl Fn(&Call) -> bool) -> Option<Call> {
        std::iter::from_fn(|| self.next_call()).find(wanted)
    }

    /// Stopped before a call: makes it, and stops after it. Gives what the call returned (negative: an error number).
    ///
    /// Panics where the process is not stopped before a call.
    #[track_caller]
    pub fn finish_call(&mut self) -> i64 {
        match self.resume() {
            Stop::Exit => self.returned(),
            Stop::Entry => panic!("the process was not stopped before a call"),
            Stop::Ended(status) => panic!("the process ended in the call: {status}"),
        }
    }

    /// Stopped before a call: has it fail with an error number instead of making it, and stops after it.
    ///
    /// Panics where the process is not stopped before a call.
    #[cfg(target_arch = "x86_64")]
    #[track_caller]
    pub fn fail_call(&mut self, errno: i32) {
        let registers = |pid| ptrace::getregs(pid).expect("the registers of a stopped process can be read");
        let mut before = registers(self.pid);
        // There is no such call, so none is made.
        before.orig_rax = u64::MAX;
        ptrace::setregs(self.pid, before).expect("the registers of a stopped process can be set");
        self.finish_call();
        let mut after = registers(self.pid);
        after.rax = i64::from(-errno).cast_unsigned();
        ptrace::setregs(self.pid, after).expect("the registers of a stopped process can be set");
    }

    /// Runs to the end, noting every file-system call on the way.
    pub fn calls(mut self) -> Vec<Call> {
        std::iter::from_fn(|| self.next_call()).collect()
    }

    /// Kills it where it is stopped: a call it was stopped before is not made.
    pub fn kill(mut self) -> Output {
        self.kill_now();
        self.output()
    }

    /// Lets it go on to its end.
    pub fn run_to_end(mut self) -> Output {
        while self.ended.is_none() {
            self.resume();
        }
        self.output()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    fn output(&mut self) -> Output {
        let read = |pipe: &mut Option<JoinHandle<Vec<u8>>>| {
            pipe.take()
                .map(|thread| thread.join().expect("reading a pipe does not panic"))
                .unwrap_or_default()
        };
        Output {
            status: self.ended.expect("only called after the end"),
            stdout: read(&mut self.stdout),
            stderr: read(&mut self.stderr),
        }
    }

    fn kill_now(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let _ = nix::sys::signal::kill(self.pid, Signal::SIGKILL);
        while self.ended.is_none() {
            self.wait();
        }
    }

    /// Goes on to the next stop at a system call, or to the end. Signals on the way are delivered.
    fn resume(&mut self) -> Stop {
        let mut signal = None;
        loop {
            if let Some(status) = self.ended {
                return Stop::Ended(status);
            }
            ptrace::syscall(self.pid, signal.take()).expect("a stopped process can go on");
            match self.wait() {
                Some(WaitStatus::PtraceSyscall(_)) => {
                    let info = ptrace::syscall_info(self.pid).expect("it is stopped at a system call");
                    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
                        return Stop::Exit;
                    }
                    self.entered = self.number_and_arguments();
                    return Stop::Entry;
                }
                Some(WaitStatus::Stopped(_, stopping)) => signal = Some(stopping),
                _ => {}
            }
        }
    }

    fn wait(&mut self) -> Option<WaitStatus> {
        let status =
            waitpid(self.pid, Some(WaitPidFlag::__WALL)).expect("a traced process can be waited for");
        match status {
            WaitStatus::Exited(_, code) => self.ended = Some(ExitStatus::from_raw(code << 8)),
            WaitStatus::Signaled(_, signal, _) => self.ended = Some(ExitStatus::from_raw(signal as i32)),
            _ => {}
        }
        self.ended.is_none().then_some(status)
    }

    /// The call that it is stopped before, if it works on files.
    fn call(&self) -> Option<Call> {
        let (number, arguments) = self.entered?;
        let number = Sysno::new(usize::try_from(number).ok()?)?;
        let files = arguments_of(number)?;
        let paths = files
            .iter()
            .map(|file| match *file {
                Argument::Path(index) => self.path_at(arguments[index]),
                Argument::Descriptor(index) => self.descriptor(arguments[index]),
            })
            .collect();
        Some(Call { name: number.name(), paths, arguments })
    }

    /// `/proc/<pid>/syscall`: the number in decimal, then six arguments in hexadecimal, on every architecture.
    fn number_and_arguments(&self) -> Option<(i32, [u64; 6])> {
        let line = fs::read_to_string(format!("/proc/{}/syscall", self.pid)).ok()?;
        let mut words = line.split_whitespace();
        let number = words.next()?.parse().ok()?;
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok()?;
        }
        Some((number, arguments))
    }

    fn path_at(&self, address: u64) -> PathBuf {
        let mut path = Vec::new();
        // Opened anew: after an exec it is another one.
        let memory = File::open(format!("/proc/{}/mem", self.pid)).expect("a tracer may read what it traces");
        // A byte at a time never reads past the page that the string ends in; paths are short.
        for offset in 0..libc::PATH_MAX.unsigned_abs() {
            let mut byte = [0];
            match memory.read_at(&mut byte, address + u64::from(offset)) {
                Ok(1) if byte[0] != 0 => path.push(byte[0]),
                _ => break,
            }
        }
        PathBuf::from(OsString::from_vec(path))
    }

    fn descriptor(&self, number: u64) -> PathBuf {
        // Descriptors are 32 bits wide, whatever the rest of the register holds.
        let number = number as u32 as i32;
        if number == libc::AT_FDCWD {
            return PathBuf::from("AT_FDCWD");
        }
        fs::read_link(format!("/proc/{}/fd/{number}", self.pid))
            .unwrap_or_else(|_| format!("fd {number}").into())
    }

    /// What the system call returned that it is stopped after.
    fn returned(&self) -> i64 {
        let registers = ptrace::getregs(self.pid).expect("the registers of a stopped process can be read");
        #[cfg(target_arch = "x86_64")]
        let result = registers.rax;
        #[cfg(target_arch = "aarch64")]
        let result = registers.regs[0];
        result.cast_signed()
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        self.kill_now();
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is all there is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}
