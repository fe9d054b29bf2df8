//! Subscribing: making a consumer, opening it, and removing it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::error::{At, Error, Result};
use crate::queue::Queue;
use crate::recovery::Recoverer;
use crate::settings::Durability;
use crate::time::Moment;
use crate::{Consumer, ConsumerName, Spool, sys};

/// Where the stream of a consumer begins. It counts only when the consumer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// With every event that the journal still holds.
    Earliest,
    /// With the first event that is recorded after the consumer has been made. The default.
    #[default]
    Latest,
}

/// A consumer about to be opened; see [`Spool::consumer`].
#[derive(Debug, Clone)]
#[must_use = "call open()"]
pub struct ConsumerBuilder {
    spool: Spool,
    name: ConsumerName,
    start: Start,
    program: Option<String>,
}

impl ConsumerBuilder {
    pub(crate) fn new(spool: Spool, name: ConsumerName) -> Self {
        Self { spool, name, start: Start::default(), program: None }
    }

    /// Where its stream begins, if it is not there yet.
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// What others are told has the consumer while it is open; by default the name of the running executable.
    pub fn program(self, program: impl Into<String>) -> Self {
        Self { program: Some(program.into()), ..self }
    }

    /// Opens the consumer, and makes it where it is new.
    ///
    /// When this returns, every event recorded from now on is going to be delivered, whether this program runs or
    /// not. Only one place at a time can be a consumer.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process, or another part of this one, has it open.
    pub fn open(self) -> Result<Consumer> {
        self.spool.make_folders()?;
        let mut recoverer = Recoverer::default();
        let mut problems = recoverer.run(&self.spool);
        let folder = self.spool.consumer_dir(&self.name);
        let lock = self.take(&folder)?;
        // Whoever made the consumer may have died before its name was durable.
        self.spool.disk.sync_folder(&self.spool.consumers_dir())?;
        self.say_who(&lock, &folder.join(LOCK))?;
        let queue = Queue::new(self.spool.disk, folder.clone(), lock, self.name.is_ephemeral());
        problems.extend(self.spool.backfill(&folder, queue.dir())?);
        Ok(Consumer::new(self.name, self.spool, queue, recoverer, problems))
    }

    /// Takes the lock of the consumer; makes the consumer if need be.
    fn take(&self, folder: &Path) -> Result<File> {
        let path = folder.join(LOCK);
        loop {
            let lock = match File::options().read(true).write(true).open(&path) {
                Ok(lock) => lock,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("open", &path),
                Err(_) if is_without_lock(folder)? => return Err(Error::NoLock(path)),
                Err(_) => match self.make(folder)? {
                    Some(lock) => return Ok(lock),
                    None => continue,
                },
            };
            // Who only looks whether it is held has it for a moment.
            let patience = Instant::now() + PATIENCE;
            while !disk::try_lock(&lock, &path)? {
                if Instant::now() >= patience {
                    return Err(self.busy(&lock));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // Else it was removed, and perhaps made again, between the two steps.
            if sys::is_at(&lock, &path).at("look at", &path)? {
                return Ok(lock);
            }
        }
    }

    /// Makes the consumer out of sight and gives it its name. `None`: somebody else was first.
    fn make(&self, folder: &Path) -> Result<Option<File>> {
        let disk = self.spool.disk;
        let consumers = self.spool.consumers_dir();
        let new = consumers.join(format!(".new-{:016x}", fastrand::u64(..)));
        disk.make_folder(&new)?;
        let path = new.join(LOCK);
        let lock = match disk.create(&path) {
            Ok(lock) => lock,
            // A recoverer took the empty folder for a dead program's.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !disk::try_lock(&lock, &path)? || !sys::is_at(&lock, &path).at("look at", &path)? {
            return Ok(None);
        }
        disk.make_folder(&new.join("queue"))?;
        disk.make_folder(&new.join("dead"))?;
        if self.start == Start::Earliest {
            disk.create(&new.join(BACKFILL))?;
        }
        // Whatever the settings say: without its lock nobody could open it any more.
        Disk::new(Durability::Full).sync_folder(&new)?;
        match disk.rename(&new, folder) {
            Ok(true) => Ok(Some(lock)),
            Ok(false) => Ok(None),
            Err(error) if folder.is_dir() => {
                drop(error);
                remove_consumer_folder(disk, &new)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn say_who(&self, lock: &File, path: &Path) -> Result<()> {
        let program = self
            .program
            .clone()
            .or_else(|| Some(std::env::current_exe().ok()?.file_name()?.to_string_lossy().into_owned()));
        let holder = Holder {
            pid: std::process::id(),
            program: program.unwrap_or_default(),
            since: Moment::of(SystemTime::now()).to_string(),
        };
        let mut line = serde_json::to_vec(&holder).expect("plain fields become JSON");
        line.push(b'\n');
        self.spool.disk.rewrite(lock, path, &line)
    }

    fn busy(&self, mut lock: &File) -> Error {
        let mut line = String::new();
        let holder = lock.read_to_string(&mut line).ok().and_then(|_| serde_json::from_str(&line).ok());
        let Holder { pid, program, .. } = holder.unwrap_or_default();
        Error::Busy { name: self.name.clone(), pid, program }
    }
}

/// How long a lock has to be held by somebody else before the consumer counts as busy.
const PATIENCE: Duration = Duration::from_millis(100);

/// In the folder of a consumer: the flock by which it is somebody's.
const LOCK: &str = "lock";
/// In the folder of a consumer that is to begin with the earliest event: the journal is yet to be linked into its queue.
pub(crate) const BACKFILL: &str = "backfill";

/// The contents of the lock file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Holder {
    pid: u32,
    program: String,
    since: String,
}

/// Whether a consumer is there and its lock is not. A folder has its lock from before it bears the consumer's name until
/// after it does not bear it any more; so the folder has to be the same before and after the look at the lock.
fn is_without_lock(folder: &Path) -> Result<bool> {
    match sys::open_no_follow(folder) {
        Ok(opened) => {
            let missing = !folder.join(LOCK).exists();
            Ok(missing && sys::is_at(&opened, folder).at("look at", folder)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("open", folder),
    }
}

impl Spool {
    /// Removes the consumer `name` with all that waits for it.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody has it open, [`Error::NoConsumer`] where there is none.
    pub fn remove_consumer(&self, name: &ConsumerName) -> Result<()> {
        let folder = self.consumer_dir(name);
        if !folder.exists() {
            return Err(Error::NoConsumer { name: name.clone(), path: folder });
        }
        let _lock = ConsumerBuilder::new(self.clone(), name.clone()).take(&folder)?;
        remove_consumer_folder(self.disk, &folder)
    }

    /// Removes the folder of an ephemeral or unfinished consumer that nobody holds.
    pub(crate) fn remove_if_free(&self, folder: &Path) -> Result<()> {
        let path = folder.join(LOCK);
        let open = || match sys::open_no_follow(&path) {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("open", &path),
        };
        let lock = match open()? {
            Some(lock) => lock,
            // Its remover died with the lock removed and the rest not; a second one that lives does no harm.
            None if is_being_removed(folder) => return self.disk.remove_tree(folder),
            // Its maker, if it lives, notices and takes another name.
            None if self.disk.remove_folder(folder)? || !folder.exists() => return Ok(()),
            // It has made the lock meanwhile. If not, the lock was lost with the power, and the rest was not: a lock is the
            // first thing that is made in the folder.
            None => match open()? {
                Some(lock) => lock,
                None => return remove_consumer_folder(self.disk, folder),
            },
        };
        if disk::try_lock(&lock, &path)? && sys::is_at(&lock, &path).at("look at", &path)? {
            remove_consumer_folder(self.disk, folder)?;
        }
        Ok(())
    }
}

/// How the name of a consumer's folder begins while it is being removed.
const GONE: &str = ".gone-";

/// Whether a consumer's folder is on its way out.
pub(crate) fn is_being_removed(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(GONE))
}

/// Removes the folder of a consumer whose lock is held: out of the writers' sight first.
pub(crate) fn remove_consumer_folder(disk: Disk, folder: &Path) -> Result<(), Error> {
    let consumers = folder.parent().expect("a consumer's folder is in consumers/");
    let gone = consumers.join(format!("{GONE}{:016x}", fastrand::u64(..)));
    if disk.rename(folder, &gone)? {
        // Whatever the settings say: it must not come back with half of what was in it.
        Disk::new(Durability::Full).sync_folder(consumers)?;
        disk.remove_tree(&gone)?;
    }
    Ok(())
}
