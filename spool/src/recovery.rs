//! Recovery: finishing what dead writers began, and clearing away what dead consumers left.

use crate::disk;
use crate::error::{Error, Result};
use crate::intent::{Intent, Taken};
use crate::queue::Name;
use crate::record::{self, Head};
use crate::{ConsumerName, Spool};

impl Spool {
    /// Finishes or removes every file in `tmp/` whose writer is dead, and removes what dead programs left among the
    /// consumers. It may deliver again what was settled; it never loses. What cannot be done stays for the next
    /// time, and is reported.
    pub(crate) fn recover(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        match disk::list(&self.tmp_dir()) {
            Err(error) => errors.push(error),
            Ok(names) => {
                for name in names {
                    if let Err(error) = name.and_then(|name| self.recover_intent(&name)) {
                        errors.push(error);
                    }
                }
            }
        }
        match disk::list(&self.consumers_dir()) {
            Err(error) => errors.push(error),
            Ok(names) => {
                for name in names {
                    if let Err(error) = name.and_then(|name| self.clear_away(&name)) {
                        errors.push(error);
                    }
                }
            }
        }
        errors
    }

    /// Finishes or removes one intent, if its writer is dead. True: it lives.
    pub(crate) fn recover_intent(&self, name: &str) -> Result<bool> {
        // File managers leave names like that.
        if name.starts_with('.') {
            return Ok(false);
        }
        match Intent::take(self.tmp_dir().join(name))? {
            Taken::Dead(intent) => self.finish_for_the_dead(intent).map(|()| false),
            Taken::Alive => Ok(true),
            Taken::Nothing => Ok(false),
        }
    }

    fn finish_for_the_dead(&self, intent: Intent) -> Result<()> {
        let line = intent.read()?;
        if !record::is_whole(&line) {
            // Its writer died before it was whole, so nobody was told that it is recorded.
            return intent.remove(self.disk);
        }
        let head =
            Head::read(&line).map_err(|reason| Error::Damaged { path: intent.path().to_owned(), reason })?;
        let name = Name { captured: head.captured_at, id: head.id };
        self.disk.sync_file(intent.file(), intent.path())?;
        self.finish(&intent, name).map_err(|unfinished| unfinished.error)?;
        intent.remove(self.disk)
    }

    /// Removes an ephemeral consumer, one half made or one half removed, where its lock is free.
    fn clear_away(&self, name: &str) -> Result<()> {
        let ephemeral = ConsumerName::of_folder(name).is_some_and(|name| name.is_ephemeral());
        let unfinished = name.starts_with(".new-") || name.starts_with(".gone-");
        if !ephemeral && !unfinished {
            return Ok(());
        }
        self.remove_if_free(&self.consumers_dir().join(name))
    }
}
