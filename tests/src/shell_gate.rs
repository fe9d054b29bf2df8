//! A point where a command that Codex runs waits until the test lets it go on.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::mpsc,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::process::PATIENCE;

/// Holds a shell command, hook or tool, in its middle: [`Gate`](crate::Gate) for what runs outside the model.
///
/// Made by [`Sandbox::shell_gate`](crate::Sandbox::shell_gate). Dropping it lets the command go on, so none is left over.
#[derive(Debug)]
pub struct ShellGate {
    reached_path: PathBuf,
    open_path: PathBuf,
    // Open for reading and writing, so that neither side ever waits for the other to open it.
    reached: File,
    open: File,
}

impl ShellGate {
    pub(crate) fn create(dir: &Path) -> Self {
        let fifo = |name: &str| {
            let path = dir.join(name);
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("the sandbox can hold a named pipe");
            let file =
                OpenOptions::new().read(true).write(true).open(&path).expect("a new pipe can be opened");
            (path, file)
        };
        let ((reached_path, reached), (open_path, open)) = (fifo("reached"), fifo("open"));
        Self { reached_path, open_path, reached, open }
    }

    /// The command that waits here: to be run by itself, or between others.
    pub fn command(&self) -> String {
        format!("echo >'{}'; read -r _ <'{}'", self.reached_path.display(), self.open_path.display())
    }

    /// Waits until the command has come here.
    #[track_caller]
    pub fn wait_until_reached(&self) {
        let mut reached = self.reached.try_clone().expect("there are descriptors left");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody listens any more where this came too late.
            let _ = tell.send(reached.read(&mut [0]));
        });
        match told.recv_timeout(PATIENCE) {
            Ok(read) => assert_eq!(read.expect("a pipe can be read"), 1),
            Err(_) => panic!("no command reached the gate within {PATIENCE:?}"),
        }
    }

    /// Lets the command go on.
    pub fn open(&self) {
        (&self.open).write_all(b"\n").expect("a pipe that somebody holds open can be written to");
    }
}
