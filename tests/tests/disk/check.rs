//! What must hold after a crash: the list in `docs/durability.md`, by its numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use codex_spool::{Capture, Consumer, Error, Spool, Start};

use crate::log::Number;
use crate::promises::Promises;
use crate::stage::{SPOOL, at_noon, number, payload};

/// The number of an event that no workload records.
const NEW: Number = 1000;

/// Looks at what a crash has left below `root`, as programs would that start after it; says what is wrong.
pub(crate) fn check(root: &Path, promises: &Promises) -> Result<(), String> {
    let dir = root.join(SPOOL);
    if promises.unsynced {
        return unsynced(&dir, promises);
    }
    let there = names(&dir.join("consumers"));
    if let Some(name) = promises.consumers.keys().find(|name| !there.contains(*name)) {
        return Err(format!("6: the consumer {name} was open, and is not there"));
    }
    if let Some(name) = promises.gone.iter().find(|name| there.contains(*name)) {
        return Err(format!("7: the consumer {name} was removed, and is there"));
    }
    let spool = Spool::open(&dir).map_err(|error| format!("1: the spool does not open: {error}"))?;

    let mut after = After { spool, promises, consumers: Vec::new() };
    for name in there.iter().filter(|name| !name.starts_with(['.', '~'])) {
        after.open(name)?;
    }
    after.settled_or_given()?;
    // Whoever comes now gets all that there is.
    after.open("newcomer")?;
    if after.consumers[after.consumers.len() - 1].got != after.journal()? {
        return Err("4: a new consumer is not given all that is in the journal".to_owned());
    }
    after.copies()?;
    after.goes_on()?;
    kept(&dir, promises)?;
    tidy(&dir)
}

/// A spool that syncs nothing may have lost anything, and goes on.
fn unsynced(dir: &Path, promises: &Promises) -> Result<(), String> {
    let spool = Spool::open(dir).map_err(|error| format!("1: the spool does not open: {error}"))?;
    let mut after = After { spool, promises, consumers: Vec::new() };
    for name in names(&dir.join("consumers")).iter().filter(|name| !name.starts_with(['.', '~'])) {
        after.open(name)?;
    }
    after.goes_on()
}

/// The spool after a crash, with its consumers open.
struct After<'a> {
    spool: Spool,
    promises: &'a Promises,
    consumers: Vec<Given>,
}

/// A consumer and what it was given.
struct Given {
    name: String,
    consumer: Consumer,
    got: BTreeSet<Number>,
}

impl Given {
    /// Takes and acknowledges what there is. What was acknowledged to Codex comes once.
    fn drain(&mut self, promises: &Promises) -> Result<BTreeSet<Number>, String> {
        let mut got = BTreeSet::new();
        for delivery in self.consumer.drain() {
            let delivery = match delivery {
                Err(Error::Damaged { .. }) if promises.unsynced => continue,
                Err(error) => return Err(format!("2: {} is told of a problem: {error}", self.name)),
                Ok(delivery) => delivery,
            };
            let number = number(delivery.event().payload());
            if number == 0 {
                return Err(format!("2: {} is given what nobody recorded", self.name));
            }
            if !got.insert(number) && promises.journal.contains(&number) && !promises.unsynced {
                return Err(format!("3: {} is given event {number} twice", self.name));
            }
            delivery.ack().map_err(|error| format!("1: {} cannot acknowledge: {error}", self.name))?;
        }
        Ok(got)
    }
}

impl After<'_> {
    fn open(&mut self, name: &str) -> Result<(), String> {
        let logged = self.log(name)?;
        let consumer = self.spool.consumer(name).expect("a good name").start(Start::Earliest).open();
        let consumer = consumer.map_err(|error| format!("1: the consumer {name} does not open: {error}"))?;
        let mut given = Given { name: name.to_owned(), consumer, got: BTreeSet::new() };
        given.got = given.drain(self.promises)?;
        given.got.extend(logged);
        if let Some(number) = given.got.iter().find(|number| !self.promises.begun.contains(number)) {
            return Err(format!("2: {name} is given event {number}, which nobody has begun to record"));
        }
        self.consumers.push(given);
        Ok(())
    }

    /// What is in the log of a consumer that keeps one, each event once and where it was seen.
    fn log(&self, name: &str) -> Result<BTreeSet<Number>, String> {
        let mut logged = BTreeSet::new();
        // What syncs nothing promises nothing.
        let mut seen =
            self.promises.logged.iter().filter(|((of, _), _)| of == name && !self.promises.unsynced);
        if !self.spool.dir().join("consumers").join(name).join("log").exists() {
            return match seen.next() {
                Some(((_, place), _)) => Err(format!("14: {name} had an event at {place}, and has no log")),
                None => Ok(logged),
            };
        }
        let keeper = self.spool.consumer(name).expect("a good name").keep_log();
        let mut keeper = keeper.map_err(|error| format!("1: the log of {name} does not open: {error}"))?;
        keeper.take_in().map_err(|error| format!("1: {name} cannot keep its log: {error}"))?;
        let page = keeper.log().after(None, 100).map_err(|error| format!("1: the log of {name}: {error}"))?;
        let mut places = BTreeMap::new();
        for event in page.events {
            let number = number(event.event.payload());
            if !logged.insert(number) {
                return Err(format!("14: the log of {name} has event {number} twice"));
            }
            places.insert(event.cursor.to_string(), number);
        }
        for ((_, place), number) in seen {
            if places.get(place) != Some(number) {
                return Err(format!(
                    "14: the log of {name} had event {number} at {place}, and has {places:?}"
                ));
            }
        }
        Ok(logged)
    }

    fn settled_or_given(&self) -> Result<(), String> {
        for given in &self.consumers {
            let Given { name, got, .. } = given;
            for (_, number) in self.promises.due.iter().filter(|(of, _)| of == name) {
                if !got.contains(number) {
                    return Err(format!("4: event {number} is due to {name}, and is not given to it"));
                }
            }
            if let Some((_, number)) =
                self.promises.skipped.iter().find(|(of, number)| of == name && got.contains(number))
            {
                return Err(format!("11: {name} began after event {number}, and is given it"));
            }
            let rewound = self.promises.rewinding.get(name).into_iter().flatten();
            let given = rewound.clone().filter(|number| got.contains(number)).count();
            if given != 0 && given != rewound.count() {
                return Err(format!("12: {name} is given a part of what it went back for"));
            }
            let dead = self.spool.dir().join("consumers").join(name).join("dead");
            for (_, due) in self.promises.dead.iter().filter(|(of, _)| of == name) {
                let is_dead = names(&dead).iter().any(|file| {
                    let text = fs::read_to_string(dead.join(file)).unwrap_or_default();
                    text.contains(&String::from_utf8(payload(*due)).expect("a payload is UTF-8"))
                });
                if !is_dead && !got.contains(due) {
                    return Err(format!(
                        "5: event {due} was rejected by {name}; it is not dead, nor given again"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The events of the journal: all that were acknowledged to Codex, once each.
    fn journal(&self) -> Result<BTreeSet<Number>, String> {
        let mut journal = BTreeSet::new();
        let events =
            self.spool.journal().map_err(|error| format!("1: the journal does not open: {error}"))?;
        for event in events {
            let event = event.map_err(|error| format!("2: the journal has a problem: {error}"))?;
            if !journal.insert(number(event.payload())) {
                return Err("3: the journal has an event twice".to_owned());
            }
        }
        match self.promises.journal.difference(&journal).next() {
            Some(number) => Err(format!("4: event {number} was recorded, and is not in the journal")),
            None => Ok(journal),
        }
    }

    /// An event of which Codex was not told that it is recorded may be fired again. If that is acknowledged, it is given
    /// to all who were there.
    fn copies(&mut self) -> Result<(), String> {
        for &number in &self.promises.begun {
            let copy = self.spool.record(&payload(number), &Capture::at(at_noon(number + 1)));
            copy.map_err(|error| format!("8: event {number} cannot be recorded again: {error}"))?;
        }
        for given in &mut self.consumers {
            let again = given.drain(self.promises)?;
            given.got.extend(again);
            let is_of = |(name, _): &&(String, Number)| *name == given.name;
            for (_, number) in self.promises.there.iter().filter(is_of) {
                let settled = self.promises.settled.contains(&(given.name.clone(), *number));
                if !settled && !given.got.contains(number) {
                    return Err(format!(
                        "8: event {number} was fired again and acknowledged, and {} is not given it",
                        given.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// All goes on as if nothing had been.
    fn goes_on(&mut self) -> Result<(), String> {
        let new = self.spool.record(&payload(NEW), &Capture::at(at_noon(NEW)));
        new.map_err(|error| format!("8: no new event can be recorded: {error}"))?;
        for given in &mut self.consumers {
            if !given.drain(self.promises)?.contains(&NEW) {
                return Err(format!("8: {} is not given a new event", given.name));
            }
        }
        Ok(())
    }
}

fn kept(dir: &Path, promises: &Promises) -> Result<(), String> {
    let rejected = dir.join("rejected");
    for bytes in &promises.kept {
        let text = String::from_utf8_lossy(bytes);
        let is_kept = names(&rejected)
            .iter()
            .any(|name| fs::read_to_string(rejected.join(name)).is_ok_and(|file| file.contains(&*text)));
        if !is_kept {
            return Err("9: what was no event has been kept, and is not there".to_owned());
        }
    }
    Ok(())
}

/// Nothing is left under way.
fn tidy(dir: &Path) -> Result<(), String> {
    for folder in ["tmp", "consumers"] {
        let under_way = |name: &&String| folder == "tmp" || name.starts_with(['.', '~']);
        if let Some(name) = names(&dir.join(folder)).iter().find(under_way) {
            return Err(format!("10: {folder}/{name} is left over"));
        }
    }
    Ok(())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|name| name.file_name().to_string_lossy().into_owned()).collect()
}
