//! Retention: what is removed from the journal, and when.

use std::fs;

use crate::Spool;
use crate::disk;
use crate::error::Result;
use crate::time::Day;
use crate::write::is_of_a_day;

/// How many files of an expired day one writer removes.
const PRUNED_AT_ONCE: usize = 32;

impl Spool {
    /// Removes a few files of the oldest expired day, so that no writer ever pays for a whole one. What cannot be removed
    /// keeps neither the rest of its day nor the next one.
    pub(crate) fn prune_a_little(&self, today: Day) -> Result<()> {
        let mut expired = Vec::new();
        for name in disk::list_if_there(&self.journal_dir())? {
            let day = Day::of_folder(&name?);
            expired.extend(day.filter(|day| day.days_before(today) > self.settings.retention_days));
        }
        expired.sort_unstable();
        for day in expired {
            let folder = self.day_dir(day);
            // What somebody has moved elsewhere, and linked to, is not ours to remove.
            if !fs::symlink_metadata(&folder).is_ok_and(|folder| folder.is_dir()) {
                continue;
            }
            let names = disk::list_if_there(&folder)?.filter_map(Result::ok).filter(|name| is_of_a_day(name));
            let removed = names.map(|name| self.disk.unlink(&folder.join(name)).is_ok());
            let removed = removed.filter(|removed| *removed).take(PRUNED_AT_ONCE).count();
            if self.disk.remove_folder(&folder)? || removed > 0 {
                break;
            }
        }
        Ok(())
    }
}
