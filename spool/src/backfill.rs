//! Linking the journal into a queue: the beginning of a consumer that wants what the journal still holds, and rewinding.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Spool;
use crate::disk;
use crate::error::{Error, Result};
use crate::name::Name;
use crate::time::Moment;

/// How long it waits for writers that are at work.
const PATIENCE: Duration = Duration::from_secs(5);

/// In the folder of a consumer: what the journal holds is yet to be linked into its queue, from the moment on that
/// the file says, in 20 digits; all of it where it says nothing.
const BACKFILL: &str = "backfill";
/// The same before it is whole.
const NEW_BACKFILL: &str = ".backfill";

impl Spool {
    /// Links the journal into the queue of a consumer, if that is still to be done. Gives what can be no event, in
    /// whatever queue. May be repeated after a crash at any point.
    pub(crate) fn backfill(&self, folder: &Path, queue: &Path) -> Result<Vec<Error>> {
        let mut problems = Vec::new();
        let marker = folder.join(BACKFILL);
        let Some(line) = disk::read_small(&marker)? else { return Ok(problems) };
        // Once something is linked, the rest has to be, even after a crash.
        self.disk.sync_folder(folder)?;
        let from = str::from_utf8(&line).ok().and_then(|line| line.trim_end().parse().ok()).unwrap_or(0);
        for day in self.journal()?.since(Moment(from).time()).days() {
            let day = day?;
            for id in day.ids()? {
                // One that cannot be read now keeps nobody from the others.
                let captured = day.captured(id).unwrap_or_else(|error| {
                    problems.push(error);
                    None
                });
                let Some(captured) = captured.filter(|captured| captured.0 >= from) else {
                    continue;
                };
                let file = day.path(id);
                match self.disk.link(&file, &queue.join(Name { captured, id }.file(1))) {
                    // Of a folder there are no links.
                    Err(_) if file.is_dir() => {
                        problems.push(Error::Damaged { path: file, reason: "it is a folder".to_owned() });
                    }
                    linked => drop(linked?),
                }
            }
        }
        self.wait_for_writers()?;
        self.disk.sync_folder(queue)?;
        self.disk.unlink(&marker)?;
        Ok(problems)
    }

    /// Says what is to be done. After a crash it is said, or not.
    pub(crate) fn mark_backfill(&self, consumer: &Path, from: Moment) -> Result<()> {
        let new = consumer.join(NEW_BACKFILL);
        self.disk.unlink(&new)?;
        let marker = self.disk.create(&new)?;
        self.disk.write(&marker, &new, format!("{:020}\n", from.0).as_bytes())?;
        self.disk.sync_file(&marker, &new)?;
        self.disk.rename(&new, &consumer.join(BACKFILL)).map(drop)
    }

    /// Waits until every writer that is at work now is done, 5 s at most; finishes for the dead.
    pub(crate) fn wait_for_writers(&self) -> Result<()> {
        let patience = Instant::now() + PATIENCE;
        let mut writers: Vec<String> = disk::list(&self.tmp_dir())?.collect::<Result<_>>()?;
        loop {
            // A dead one's that cannot be finished now is finished, and delivered, by a later recovery.
            writers.retain(|name| matches!(self.recover_intent(name), Ok(true)));
            if writers.is_empty() || Instant::now() >= patience {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
