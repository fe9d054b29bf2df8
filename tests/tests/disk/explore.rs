//! Plays a workload, builds every state in which a crash may have left the disk meanwhile, and checks each.

use std::collections::{BTreeSet, HashSet, hash_map::DefaultHasher};
use std::fmt::Write;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use crate::check::check;
use crate::disk::Disk;
use crate::image::Image;
use crate::log::{Entry, Place};
use crate::promises::Promises;
use crate::recorder::Recorder;
use crate::stage::Stage;

/// Something that is done with a spool, and may be cut off by a crash anywhere.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What has been done long before: all of it is durable.
    pub(crate) before: fn(&Stage),
    /// What is done. It is played again and again, with 0, 1, 2 and so on, until it gives false: then it was not stopped
    /// any more where the number said.
    pub(crate) acts: fn(&Stage, usize) -> bool,
    /// What is done after the crash, to be cut off by a second one.
    pub(crate) again: Option<fn(&Stage)>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// How often the workload was played.
    pub(crate) plays: usize,
    /// How many different states were checked.
    pub(crate) states: usize,
    /// The first state found in which something is wrong.
    pub(crate) failure: Option<String>,
}

/// Plays a workload and checks every state. With `without`, the syncs of that place are as good as not made.
pub(crate) fn explore(workload: &Workload, without: Option<Place>) -> Explored {
    let home = home();
    let search = Search {
        workload,
        without,
        home: home.path(),
        seen: Mutex::default(),
        failure: Mutex::default(),
        states: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    };
    let mut plays = 0;
    let (give, take) = sync_channel(256);
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (search, take) = (&search, &take);
            scope.spawn(move || search.work(worker, take));
        }
        plays = play(workload, &search.home.join("live"), |image, promises, log| {
            let past = Past { image: image.clone(), log, above: None };
            // Where all workers have failed nobody takes it.
            search.cut(&Arc::new(past), promises.clone(), |job| drop(give.send(job)));
            !search.is_over()
        });
        drop(give);
    });
    let failure = search.failure.into_inner().expect("no worker panics with it");
    Explored { plays, states: search.states.into_inner(), failure }
}

/// From where a workload asks for syncs, and how long its logs are.
pub(crate) fn syncs(workload: &Workload) -> (BTreeSet<Place>, usize) {
    let (mut syncs, mut length) = (BTreeSet::new(), 0);
    play(workload, &home().path().join("live"), |_, _, log| {
        length += log.len();
        syncs.extend(log.iter().filter_map(|entry| match entry {
            Entry::Step(step) => step.place(),
            Entry::Word(_) => None,
        }));
        true
    });
    (syncs, length)
}

/// Memory, where it can be had: what is tried here is not that disk.
pub(crate) fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("crash-states-").tempdir_in(parent).expect("it can be made")
}

/// Plays a workload as often as it is to be played, or until `look` has seen enough of what was there before, what had
/// been promised, and what was done. Gives how often.
fn play(
    workload: &Workload,
    live: &Path,
    mut look: impl FnMut(&Image, &Promises, Vec<Entry>) -> bool,
) -> usize {
    let fresh = || {
        // It is not there the first time.
        let _ = fs::remove_dir_all(live);
        fs::create_dir_all(live).expect("a folder can be made");
    };
    fresh();
    let mut promises = Promises::default();
    for entry in record(live, workload.before) {
        if let Entry::Word(word) = entry {
            promises.hear(&word);
        }
    }
    let image = Image::take(live);
    for n in 0.. {
        fresh();
        image.lay_into(live);
        let mut more = false;
        let log = record(live, |stage| more = (workload.acts)(stage, n));
        if !look(&image, &promises, log) || !more {
            return n + 1;
        }
    }
    unreachable!("no workload does that much")
}

fn record(root: &Path, act: impl FnOnce(&Stage)) -> Vec<Entry> {
    let (recorder, observed) = Recorder::start(root);
    act(&Stage::recorded(root, Arc::clone(&recorder)));
    drop(observed);
    recorder.take_log()
}

struct Search<'a> {
    workload: &'a Workload,
    without: Option<Place>,
    home: &'a Path,
    /// The states that have been checked, with what was promised.
    seen: Mutex<HashSet<u64>>,
    failure: Mutex<Option<String>>,
    states: AtomicUsize,
    over: AtomicBool,
}

/// What was done before a crash.
struct Past {
    image: Image,
    log: Vec<Entry>,
    /// The crash before.
    above: Option<Box<Job>>,
}

/// A state to be checked.
struct Job {
    image: Image,
    promises: Arc<Promises>,
    past: Arc<Past>,
    /// How much of the log was done.
    done: usize,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.join(name);
        fs::create_dir(&folder).expect("a folder can be made");
        folder
    }

    /// Gives every state that a crash may leave, at any point of what was done, and that was not seen before.
    fn cut(&self, past: &Arc<Past>, promises: Promises, mut give: impl FnMut(Job)) {
        let mut disk = Disk::of(&past.image);
        let mut promises = Arc::new(promises);
        for done in 0..=past.log.len() {
            if self.is_over() {
                return;
            }
            match done.checked_sub(1).map(|last| &past.log[last]) {
                Some(Entry::Step(step)) if step.place().is_some() && step.place() == self.without => continue,
                Some(Entry::Step(step)) => disk.apply(step),
                Some(Entry::Word(word)) => Arc::make_mut(&mut promises).hear(word),
                None => {}
            }
            disk.states(|image| {
                let mut hasher = DefaultHasher::new();
                (&image, &promises).hash(&mut hasher);
                if self.seen.lock().expect("no worker panics with it").insert(hasher.finish()) {
                    let (promises, past) = (Arc::clone(&promises), Arc::clone(past));
                    give(Job { image, promises, past, done });
                }
            });
        }
    }

    fn work(&self, worker: usize, jobs: &Mutex<Receiver<Job>>) {
        let folder = self.folder(&format!("worker-{worker}"));
        loop {
            let Ok(job) = jobs.lock().expect("no worker panics with it").recv() else { return };
            if self.is_over() {
                continue;
            }
            self.check(&job, &folder);
            if let Some(again) = self.workload.again {
                self.crash_again(job, again, &folder);
            }
        }
    }

    fn crash_again(&self, job: Job, again: fn(&Stage), folder: &Path) {
        let live = folder.join("again");
        fs::create_dir(&live).expect("a folder can be made");
        job.image.lay_into(&live);
        let log = record(&live, again);
        fs::remove_dir_all(&live).expect("it can be removed");
        let (image, promises) = (job.image.clone(), Promises::clone(&job.promises));
        let past = Arc::new(Past { image, log, above: Some(Box::new(job)) });
        self.cut(&past, promises, |job| self.check(&job, folder));
    }

    fn check(&self, job: &Job, folder: &Path) {
        let root = folder.join("disk");
        fs::create_dir(&root).expect("a folder can be made");
        job.image.lay_into(&root);
        self.states.fetch_add(1, Ordering::Relaxed);
        if let Err(wrong) = check(&root, &job.promises) {
            self.over.store(true, Ordering::Relaxed);
            let failure = self.describe(job, &wrong);
            self.failure.lock().expect("no worker panics with it").get_or_insert(failure);
        }
        fs::remove_dir_all(&root).expect("it can be removed");
    }

    fn describe(&self, job: &Job, wrong: &str) -> String {
        let mut text = format!("{}: {wrong}\n", self.workload.name);
        job.describe(&mut text);
        let promises = &job.promises;
        writeln!(text, "due: {:?}, journal: {:?}", promises.due, promises.journal)
            .expect("a String takes all");
        text
    }
}

impl Job {
    fn describe(&self, text: &mut String) {
        if let Some(above) = &self.past.above {
            above.describe(text);
            text.push_str("then\n");
        }
        text.push_str("what was done:\n");
        for entry in &self.past.log[..self.done] {
            writeln!(text, "  {entry}").expect("a String takes all");
        }
        write!(text, "what the crash left:\n{}", self.image).expect("a String takes all");
    }
}
