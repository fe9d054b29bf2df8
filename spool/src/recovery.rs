//! Recovery: finishing what dead writers began, and clearing away what dead consumers left.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::disk;
use crate::error::{Error, Result};
use crate::intent::{Intent, Taken};
use crate::name::Name;
use crate::record::{self, Head};
use crate::{ConsumerName, Spool};

/// Finishes what the dead left, again and again, as long as a consumer is open.
///
/// What cannot be finished now (a disk is full, a queue is broken) is tried again later and later: each attempt gives
/// the event once more to every consumer whose queue is sound.
#[derive(Debug, Default)]
pub(crate) struct Recoverer {
    postponed: HashMap<String, Postponed>,
}

#[derive(Debug)]
struct Postponed {
    until: Instant,
    delay: Duration,
}

const FIRST_DELAY: Duration = Duration::from_secs(60);
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

impl Recoverer {
    /// Finishes or removes every file in `tmp/` whose writer is dead, and removes what dead programs left among the
    /// consumers. It may deliver again what was settled; it never loses. What cannot be done stays, and is reported.
    pub(crate) fn run(&mut self, spool: &Spool) -> Vec<Error> {
        let intents = each(&spool.tmp_dir(), |name| self.finish(spool, name));
        let consumers = each(&spool.consumers_dir(), |name| spool.clear_away(name));
        intents.into_iter().chain(consumers).collect()
    }

    fn finish(&mut self, spool: &Spool, name: &str) -> Result<()> {
        let known = self.postponed.get(name);
        if known.is_some_and(|postponed| Instant::now() < postponed.until) {
            return Ok(());
        }
        let delay = known.map_or(FIRST_DELAY, |postponed| (postponed.delay * 2).min(LONGEST_DELAY));
        self.postponed.remove(name);
        spool.recover_intent(name).map(drop).inspect_err(|_| {
            self.postponed.insert(name.to_owned(), Postponed { until: Instant::now() + delay, delay });
        })
    }
}

/// Does something for each name in a folder, and gives what went wrong.
fn each(folder: &Path, mut act: impl FnMut(&str) -> Result<()>) -> Vec<Error> {
    match disk::list_if_there(folder) {
        Ok(names) => names.filter_map(|name| name.and_then(|name| act(&name)).err()).collect(),
        Err(error) => vec![error],
    }
}

impl Spool {
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
