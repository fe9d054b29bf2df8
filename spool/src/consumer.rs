//! A consumer: a name under which a program gets every event once it has subscribed.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::delivery::{Queue, is_being_removed, remove_consumer_folder};
use crate::disk;
use crate::error::{At, Error, Result};
use crate::late::Latest;
use crate::queue::{Name, Pending};
use crate::recovery::is_intent;
use crate::time::Moment;
use crate::{ConsumerName, Delivery, Event, Spool, sys};

/// How often an open consumer finishes what dead writers left.
const RECOVERY_PERIOD: Duration = Duration::from_secs(30);

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
        let mut problems = VecDeque::from(self.spool.recover());
        let folder = self.spool.consumer_dir(&self.name);
        let lock = self.take(&folder)?;
        self.say_who(&lock, &folder.join(LOCK))?;
        let queue = Queue::new(self.spool.disk, folder.clone(), lock, self.name.is_ephemeral());
        problems.extend(self.spool.backfill(&folder, queue.dir())?);
        Ok(Consumer {
            name: self.name,
            spool: self.spool,
            queue: Arc::new(queue),
            pending: Pending::default(),
            latest: Latest::default(),
            problems,
            damaged: 0,
            recovered_at: Instant::now(),
        })
    }

    /// Takes the lock of the consumer; makes the consumer if need be.
    fn take(&self, folder: &Path) -> Result<File> {
        let path = folder.join(LOCK);
        loop {
            let lock = match File::options().read(true).write(true).open(&path) {
                Ok(lock) => lock,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("open", &path),
                Err(_) => match sys::open_no_follow(folder) {
                    // A folder has its lock from before it is called so until after it is not any more.
                    Ok(opened) => {
                        match path.exists() || !sys::is_at(&opened, folder).at("look at", folder)? {
                            true => continue,
                            false => return Err(Error::NoLock(path)),
                        }
                    }
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(error).at("open", folder);
                    }
                    Err(_) => match self.make(folder)? {
                        Some(lock) => return Ok(lock),
                        None => continue,
                    },
                },
            };
            if !disk::try_lock(&lock, &path)? {
                return Err(self.busy(&lock));
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
        disk.sync_folder(&new)?;
        match disk.rename(&new, folder) {
            Ok(_) => {
                disk.sync_folder(&consumers)?;
                Ok(Some(lock))
            }
            Err(error) if folder.is_dir() => {
                drop(error);
                remove_consumer_folder(disk, &new)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn say_who(&self, mut lock: &File, path: &Path) -> Result<()> {
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
        lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(&line)).at("write to", path)
    }

    fn busy(&self, mut lock: &File) -> Error {
        let mut line = String::new();
        let holder = lock.read_to_string(&mut line).ok().and_then(|_| serde_json::from_str(&line).ok());
        let Holder { pid, program, .. } = holder.unwrap_or_default();
        Error::Busy { name: self.name.clone(), pid, program }
    }
}

/// In the folder of a consumer: the flock by which it is somebody's.
pub(crate) const LOCK: &str = "lock";
/// In the folder of a consumer: the journal is yet to be linked into its queue.
const BACKFILL: &str = "backfill";

/// The contents of the lock file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Holder {
    pid: u32,
    program: String,
    since: String,
}

/// An open consumer: the events that it has yet to settle, in order.
///
/// Of two events of a thread, one whose recording had ended before the other was captured is delivered first.
#[derive(Debug)]
pub struct Consumer {
    name: ConsumerName,
    spool: Spool,
    queue: Arc<Queue>,
    pending: Pending,
    latest: Latest,
    problems: VecDeque<Error>,
    damaged: u64,
    recovered_at: Instant,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &ConsumerName {
        &self.name
    }

    /// How many damaged records it has set aside in `dead/` since it was opened.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The events that wait for this consumer, in order, until none can be delivered now. Events that arrive meanwhile
    /// are included; those that are handed out, or wait to be retried, are not.
    ///
    /// An error in between is reported once and ends nothing: the iterator goes on behind it. A damaged record is
    /// such an error ([`Error::Damaged`]): it has been moved to the consumer's `dead/`.
    pub fn drain(&mut self) -> Drain<'_> {
        Drain { consumer: self, done: false }
    }

    fn next(&mut self) -> Option<Result<Delivery>> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            while let Some((name, attempt)) = self.pending.pop() {
                if let Some(delivery) = self.hand_out(name, attempt).transpose() {
                    return Some(delivery);
                }
            }
            if self.recovered_at.elapsed() >= RECOVERY_PERIOD {
                self.problems.extend(self.spool.recover());
                self.recovered_at = Instant::now();
            }
            match self.pending.list(&self.queue) {
                Ok(true) => {}
                Ok(false) => return self.problems.pop_front().map(Err),
                Err(Error::Io { source, path, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    return Some(Err(Error::NoConsumer { name: self.name.clone(), path }));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads an event from the queue. `None`: it has been removed by hand.
    fn hand_out(&mut self, name: Name, attempt: u32) -> Result<Option<Delivery>> {
        let path = self.queue.file(name, attempt);
        let event = match read_event(&path) {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(event))) if event.id() == name.id && event.moment() == name.captured => Ok(event),
            Ok(Some(Ok(event))) => Err(format!("it holds the event {}, not the one of its name", event.id())),
            Ok(Some(Err(reason))) => Err(reason),
            Err(error) => {
                self.queue.postpone(name, attempt);
                return Err(error);
            }
        };
        match event {
            Ok(event) => {
                let late = self.latest.is_late(event.thread_id(), name.captured);
                self.queue.hold(name);
                Ok(Some(Delivery::new(Arc::clone(&self.queue), name, event, attempt, late)))
            }
            Err(reason) => match self.queue.bury(name, attempt, &reason) {
                Ok(path) => {
                    self.damaged += 1;
                    Err(Error::Damaged { path, reason })
                }
                Err(error) => {
                    self.queue.postpone(name, attempt);
                    Err(error)
                }
            },
        }
    }
}

/// The iterator of [`Consumer::drain`].
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Drain<'a> {
    consumer: &'a mut Consumer,
    done: bool,
}

impl Iterator for Drain<'_> {
    type Item = Result<Delivery>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.consumer.next();
        // A queue that cannot be listed would be an endless row of the same error.
        self.done = match &next {
            None | Some(Err(Error::NoConsumer { .. })) => true,
            Some(Err(Error::Io { path, .. })) => path == self.consumer.queue.dir(),
            Some(_) => false,
        };
        next
    }
}

impl std::iter::FusedIterator for Drain<'_> {}

/// The event in a file: `None` if there is no such file, and why it is none where it is damaged.
pub(crate) fn read_event(path: &Path) -> Result<Option<Result<Event, String>>> {
    let mut file = match sys::open_no_follow(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if fs::symlink_metadata(path).is_ok_and(|named| named.is_symlink()) => {
            return Ok(Some(Err("it is a symbolic link".to_owned())));
        }
        // It stays so until somebody looks into it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(Some(Err("this user may not read it".to_owned())));
        }
        Err(error) => return Err(error).at("open", path),
    };
    let metadata = file.metadata().at("look at", path)?;
    if !metadata.is_file() {
        return Ok(Some(Err("it is not a regular file".to_owned())));
    }
    if metadata.len() > LONGEST_RECORD {
        return Ok(Some(Err(format!("it has {} bytes, more than any record", metadata.len()))));
    }
    // Nobody writes to a record: it has the length that it is going to have.
    let mut line = vec![0; usize::try_from(metadata.len()).expect("it was compared with the limit")];
    file.read_exact(&mut line).at("read", path)?;
    Ok(Some(Event::read(line)))
}

/// Longer than any record can be: the largest payload, its name and thread beside it, and what was cut from it.
const LONGEST_RECORD: u64 = 1 << 30;

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
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            // Its remover died with the lock removed and the rest not; a second one that lives does no harm.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_being_removed(folder) => {
                return self.disk.remove_tree(folder);
            }
            // Its maker, if it lives, notices and takes another name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.disk.remove_folder(folder).map(drop);
            }
            Err(error) => return Err(error).at("open", &path),
        };
        if disk::try_lock(&lock, &path)? && sys::is_at(&lock, &path).at("look at", &path)? {
            remove_consumer_folder(self.disk, folder)?;
        }
        Ok(())
    }

    /// Links the journal into the queue of a consumer that is to begin with the earliest event, if that is still to
    /// be done. Gives what can be no event, in whatever queue. May be repeated after a crash at any point.
    fn backfill(&self, folder: &Path, queue: &Path) -> Result<Vec<Error>> {
        let mut problems = Vec::new();
        let marker = folder.join(BACKFILL);
        if !marker.exists() {
            return Ok(problems);
        }
        for file in self.journal()?.files() {
            let file = file?;
            let Some(captured) = file.captured()? else { continue };
            match self.disk.link(&file.path, &queue.join(Name { captured, id: file.id }.file(1))) {
                // Of a folder there are no links.
                Err(_) if file.path.is_dir() => {
                    problems.push(Error::Damaged { path: file.path, reason: "it is a folder".to_owned() });
                }
                linked => drop(linked?),
            }
        }
        self.wait_for_writers()?;
        self.disk.sync_folder(queue)?;
        self.disk.unlink(&marker)?;
        Ok(problems)
    }

    /// Waits until every writer that is at work now is done, 5 s at most; finishes for the dead.
    fn wait_for_writers(&self) -> Result<()> {
        let patience = Instant::now() + Duration::from_secs(5);
        let mut writers: Vec<String> = disk::list(&self.tmp_dir())?.collect::<Result<_>>()?;
        writers.retain(|name| is_intent(name));
        loop {
            writers.retain(|name| {
                // A dead one's that cannot be finished now is finished, and delivered, by a later recovery.
                self.recover_intent(name).is_ok() && fs::symlink_metadata(self.tmp_dir().join(name)).is_ok()
            });
            if writers.is_empty() || Instant::now() >= patience {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
