//! Subscribing: making a consumer, opening it, and removing it.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::consumer::Options;
use crate::disk::{self, Disk};
use crate::error::{At, Error, Result};
use crate::holder::{Holder, LOCK, this_program};
use crate::queue::Queue;
use crate::recovery::Recoverer;
use crate::settings::Durability;
use crate::time::Moment;
use crate::{Consumer, ConsumerName, EventKind, Spool, ThreadId, sys};

/// Where the stream of a consumer begins. It counts only when the consumer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// With every event that the journal still holds.
    Earliest,
    /// With the first event that the journal still holds and that was captured then or later.
    At(SystemTime),
    /// With the first event that is recorded after the consumer has been made. The default.
    #[default]
    Latest,
}

/// A consumer about to be opened; see [`Spool::consumer`].
///
/// All but its name and where it starts is asked anew each time it is opened.
///
/// ```
/// # use codex_spool::{Capture, Spool, EventKind};
/// # let dir = tempfile::tempdir()?;
/// # let spool = Spool::open(dir.path().join("spool"))?;
/// let mut consumer = spool
///     .consumer("approvals")?
///     .kinds([EventKind::PermissionRequest, EventKind::Stop])
///     .cwd_under("/home/me/work")
///     .ordered_by_thread(true)
///     .max_attempts(5)
///     .open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "call open()"]
pub struct ConsumerBuilder {
    spool: Spool,
    name: ConsumerName,
    start: Start,
    program: Option<String>,
    options: Options,
}

impl ConsumerBuilder {
    pub(crate) fn new(spool: Spool, name: ConsumerName) -> Self {
        Self { spool, name, start: Start::default(), program: None, options: Options::default() }
    }

    /// Where its stream begins, if it is not there yet.
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// What others are told has the consumer while it is open; by default the name of the running executable.
    pub fn program(self, program: impl Into<String>) -> Self {
        Self { program: Some(program.into()), ..self }
    }

    /// Only events of these kinds; without it, or with none named, of all.
    ///
    /// This and the other conditions ([`thread`](Self::thread), [`tag`](Self::tag), [`cwd_under`](Self::cwd_under)) hold
    /// all together; of one that is given several times, one has to hold. An event that does not meet them is read once
    /// and settled: it is not handed out, and not there any more when the consumer is opened with other conditions.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.options.filter.kinds.extend(kinds);
        self
    }

    /// Only events of this thread. Those of a subagent have a thread of their own.
    pub fn thread(mut self, id: &ThreadId) -> Self {
        self.options.filter.threads.push(id.clone());
        self
    }

    /// Only events of sessions that were started with this `CODEX_HOOK_TAG`.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.options.filter.tags.push(tag.into());
        self
    }

    /// Only events of sessions that work in this folder or below it. Paths are compared as they are written.
    pub fn cwd_under(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.filter.cwds.push(folder.into());
        self
    }

    /// Whether the next event of a thread waits until the one before is settled, also while that is being retried;
    /// other threads go on. By default it does not wait.
    ///
    /// What waits is read twice, and costs 28 bytes of memory.
    pub fn ordered_by_thread(mut self, ordered: bool) -> Self {
        self.options.ordered_by_thread = ordered;
        self
    }

    /// Hands out no more than `n` deliveries, at least 1, before one of them is settled. By default there is no limit.
    pub fn max_in_flight(mut self, n: usize) -> Self {
        self.options.max_in_flight = NonZeroUsize::new(n.max(1));
        self
    }

    /// Hands an event out `n` times, at least once, before it goes to `dead/`. By default there is no end.
    ///
    /// An attempt is counted before its delivery is handed out, by a rename, so that an event that kills its reader
    /// ends there too.
    pub fn max_attempts(mut self, n: u32) -> Self {
        self.options.max_attempts = Some(n.clamp(1, u32::MAX - 1));
        self
    }

    /// Looks for new events this often, instead of being told by the file system. For those that tell nothing of what
    /// other hosts do: NFS, 9p, FUSE. At least 1 ms.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.options.poll_interval = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Opens the consumer, and makes it where it is new.
    ///
    /// When this returns, every event recorded from now on is going to be delivered, whether this program runs or
    /// not. Only one place at a time can be a consumer.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process, or another part of this one, has it open; [`Error::NoLock`] where somebody
    /// has removed its lock; when the operating system refuses. What is wrong with single events is delivered.
    pub fn open(self) -> Result<Consumer> {
        self.spool.make_folders()?;
        let mut recoverer = Recoverer::default();
        let mut problems = recoverer.run(&self.spool);
        let folder = self.spool.consumer_dir(&self.name);
        let (lock, is_new) = self.take(&folder)?;
        // Whoever made the consumer may have died before its name was durable.
        self.spool.disk.sync_folder(&self.spool.consumers_dir())?;
        let holder = self.say_who(&lock, &folder.join(LOCK))?;
        let ephemeral = self.name.is_ephemeral();
        let queue = Queue::new(self.spool.disk, folder.clone(), lock, folder.join(LOCK), ephemeral);
        queue.make_if_removed()?;
        problems.extend(self.spool.backfill(&folder, queue.dir())?);
        tracing::debug!(consumer = %self.name, "opened");
        let name = (self.name, is_new);
        Ok(Consumer::new(name, self.spool, queue, self.options, holder, (recoverer, problems)))
    }

    /// Takes the lock of the consumer; makes the consumer if need be, and says whether it did.
    fn take(&self, folder: &Path) -> Result<(File, bool)> {
        let path = folder.join(LOCK);
        loop {
            let lock = match sys::open_lock(&path) {
                Ok(lock) => lock,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("open", &path),
                Err(_) if is_without_lock(folder)? => return Err(Error::NoLock(path)),
                Err(_) => match self.make(folder)? {
                    Some(lock) => return Ok((lock, true)),
                    None => continue,
                },
            };
            // Who only looks whether it is held has it for a moment.
            let patience = Instant::now() + PATIENCE;
            while !disk::try_lock(&lock, &path)? {
                if Instant::now() >= patience {
                    return Err(self.busy(&path));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // Else it was removed, and perhaps made again, between the two steps.
            if sys::is_at(&lock, &path).at("look at", &path)? {
                return Ok((lock, false));
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
        match self.start {
            Start::Earliest => self.spool.mark_backfill(&new, Moment(0))?,
            Start::At(time) => self.spool.mark_backfill(&new, Moment::of(time))?,
            Start::Latest => {}
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

    fn say_who(&self, lock: &File, path: &Path) -> Result<Holder> {
        let program = self.program.clone().or_else(|| this_program().ok()).unwrap_or_default();
        let holder = Holder::new(&program, Moment::of(SystemTime::now()).to_string());
        holder.write(lock, path)?;
        Ok(holder)
    }

    fn busy(&self, path: &Path) -> Error {
        let Holder { pid, program, .. } = Holder::read(path);
        Error::Busy { name: self.name.clone(), pid, program }
    }
}

/// How long a lock has to be held by somebody else before the consumer counts as busy.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

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
        let folder = self.consumer_there(name)?;
        let _lock = ConsumerBuilder::new(self.clone(), name.clone()).take(&folder)?;
        remove_consumer_folder(self.disk, &folder)
    }

    /// The folder of a consumer that has been made.
    pub(crate) fn consumer_there(&self, name: &ConsumerName) -> Result<PathBuf> {
        let folder = self.consumer_dir(name);
        if folder.exists() { Ok(folder) } else { Err(Error::NoConsumer { name: name.clone(), path: folder }) }
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
