//! The beginning of a consumer that wants every event the journal still holds.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Spool;
use crate::disk;
use crate::error::{Error, Result};
use crate::queue::Name;
use crate::subscribe::BACKFILL;

/// How long it waits for writers that are at work.
const PATIENCE: Duration = Duration::from_secs(5);

impl Spool {
    /// Links the journal into the queue of a consumer that is to begin with the earliest event, if that is still to
    /// be done. Gives what can be no event, in whatever queue. May be repeated after a crash at any point.
    pub(crate) fn backfill(&self, folder: &Path, queue: &Path) -> Result<Vec<Error>> {
        let mut problems = Vec::new();
        let marker = folder.join(BACKFILL);
        if !marker.exists() {
            return Ok(problems);
        }
        for day in self.journal()?.days() {
            let day = day?;
            for id in day.ids()? {
                let Some(captured) = day.captured(id)? else { continue };
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

    /// Waits until every writer that is at work now is done, 5 s at most; finishes for the dead.
    fn wait_for_writers(&self) -> Result<()> {
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
