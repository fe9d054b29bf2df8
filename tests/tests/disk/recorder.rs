//! Writes down what a workload does on the disk, and stops those who do it where it is told to.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, Scope, ScopedJoinHandle, ThreadId};

use codex_spool::observe::{Observed, Observer, Operation, Site, observe};

use crate::log::{Entry, Step, Word};

pub(crate) struct Recorder {
    root: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    log: Vec<Entry>,
    actors: HashMap<ThreadId, Actor>,
    trees: HashMap<PathBuf, Vec<Step>>,
    /// Somebody is changing something: the log has the order in which things are done.
    busy: bool,
}

/// Somebody who is to be stopped, known by the thread that he is.
#[derive(Debug)]
struct Actor {
    /// How many changes he makes before.
    left: usize,
    end: End,
    stopped: bool,
    /// How often he has asked for a lock in vain.
    waits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing he does from then on is done.
    Killed,
    /// He waits until he is released.
    Held,
    /// He is told that what he was about to do was not done, and why; he goes on.
    Failing(Fault),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk gives the error of this number instead of doing what it should.
    Error(i32),
    /// And so it does with every change after that.
    Errors(i32),
    /// Somebody has removed the folder, with all that was in it.
    FolderGone,
}

impl Recorder {
    /// Records what happens below a folder, until the second value is dropped.
    pub(crate) fn start(root: &Path) -> (Arc<Self>, Observed) {
        let recorder =
            Arc::new(Self { root: root.to_owned(), state: Mutex::default(), changed: Condvar::new() });
        let observed = observe(root, Arc::clone(&recorder) as Arc<dyn Observer>);
        (recorder, observed)
    }

    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut self.state().log)
    }

    /// Notes what somebody was told, unless he is dead.
    pub(crate) fn say(&self, word: Word) {
        let mut state = self.state();
        let dead = |actor: &Actor| actor.stopped && actor.end == End::Killed;
        if !state.actors.get(&thread::current().id()).is_some_and(dead) {
            state.log.push(Entry::Word(word));
        }
    }

    /// Has this thread do `act`, and dies before its `n`th change, counted from 0. False: it came to its end before.
    pub(crate) fn killed_at(&self, n: usize, act: impl FnOnce()) -> bool {
        let me = thread::current().id();
        self.state().actors.insert(me, Actor { left: n, end: End::Killed, stopped: false, waits: 0 });
        act();
        self.state().actors.remove(&me).is_some_and(|actor| actor.stopped)
    }

    /// Has this thread do `act`, and fails its `n`th operation, counted from 0. False: it came to its end before.
    pub(crate) fn failing_at(&self, n: usize, fault: Fault, act: impl FnOnce()) -> bool {
        let me = thread::current().id();
        self.state().actors.insert(me, Actor { left: n, end: End::Failing(fault), stopped: false, waits: 0 });
        act();
        self.state().actors.remove(&me).is_some_and(|actor| actor.stopped)
    }

    /// Has another thread do `act`, holds it before its `n`th change, does `meanwhile` until its end or until it waits
    /// for the other, and lets the other go on to its end. False: that came to its end before.
    pub(crate) fn held_at(
        &self,
        n: usize,
        act: impl FnOnce() + Send,
        meanwhile: impl FnOnce() + Send,
    ) -> bool {
        thread::scope(|scope| {
            let (held, first) = self.begin(scope, 1, n, act);
            drop(self.wait(|state| state.actors.get(&held).is_none_or(|actor| actor.stopped)));
            let stopped = self.state().actors.contains_key(&held);
            if stopped {
                let (other, second) = self.begin(scope, 2, usize::MAX, meanwhile);
                drop(self.wait(|state| state.actors.get(&other).is_none_or(|actor| actor.waits > 3)));
                if let Some(held) = self.state().actors.get_mut(&held) {
                    (held.stopped, held.left) = (false, usize::MAX);
                }
                self.changed.notify_all();
                second.join().expect("the other does not panic");
            }
            first.join().expect("the one that was held does not panic");
            stopped
        })
    }

    /// Starts somebody, to be held before a change.
    fn begin<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        seed: u64,
        left: usize,
        act: impl FnOnce() + Send + 'scope,
    ) -> (ThreadId, ScopedJoinHandle<'scope, ()>) {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = scope.spawn(move || {
            fastrand::seed(seed);
            let me = thread::current().id();
            let actor = Actor { left, end: End::Held, stopped: false, waits: 0 };
            self.state().actors.insert(me, actor);
            tell.send(me).expect("somebody waits for it");
            act();
            self.state().actors.remove(&me);
            self.changed.notify_all();
        });
        (told.recv().expect("it is told at once"), thread)
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), |state| !until(state)).expect("nobody panics with the lock")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the lock")
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).expect("it happens below the root").to_owned()
    }

    /// The step that an operation is, or the steps.
    fn steps(&self, operation: &Operation<'_>, site: Site) -> Vec<Step> {
        let at = |path: &Path| self.below(path);
        vec![match *operation {
            Operation::Create(path) => Step::Create(at(path)),
            Operation::Write(path, bytes) => Step::Write(at(path), bytes.to_vec()),
            // All that write there write as many.
            Operation::WriteAtStart(path, bytes) => Step::Rewrite(at(path), bytes.to_vec()),
            Operation::SyncFile(path) => Step::SyncFile(at(path), site.into()),
            Operation::SyncFolder(path) => Step::SyncFolder(at(path), site.into()),
            Operation::Link(from, to) => Step::Link(at(from), at(to)),
            Operation::Rename(from, to) => Step::Rename(at(from), at(to)),
            Operation::Unlink(path) => Step::Unlink(at(path)),
            Operation::UnlinkIn(folder, name) => Step::Unlink(at(&folder.join(name))),
            Operation::MakeFolder(path) => Step::MakeFolder(at(path)),
            Operation::RemoveFolder(path) => Step::RemoveFolder(at(path)),
            Operation::RemoveTree(path) => return self.state().trees.remove(path).unwrap_or_default(),
            Operation::List(_) | Operation::Read(_) | Operation::Lock(_) => return Vec::new(),
        }]
    }

    fn removal(&self, folder: &Path, steps: &mut Vec<Step>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.removal(&path, steps)
            } else {
                steps.push(Step::Unlink(self.below(&path)))
            }
        }
        steps.push(Step::RemoveFolder(self.below(folder)));
    }
}

/// The folder that an operation works in.
fn folder_of<'a>(operation: &Operation<'a>) -> &'a Path {
    use Operation::*;
    match *operation {
        SyncFolder(folder) | List(folder) | UnlinkIn(folder, _) => folder,
        Create(path)
        | Write(path, _)
        | WriteAtStart(path, _)
        | SyncFile(path)
        | Link(_, path)
        | Rename(_, path)
        | Unlink(path)
        | MakeFolder(path)
        | RemoveFolder(path)
        | RemoveTree(path)
        | Read(path)
        | Lock(path) => path.parent().expect("all happens below a root"),
    }
}

fn changes(operation: &Operation<'_>) -> bool {
    !matches!(operation, Operation::List(_) | Operation::Read(_) | Operation::Lock(_))
}

impl Observer for Recorder {
    fn before(&self, operation: &Operation<'_>, _site: Site) -> io::Result<()> {
        let me = thread::current().id();
        let mut state = self.state();
        if let Some(actor) = state.actors.get_mut(&me) {
            let counts = changes(operation) || matches!(actor.end, End::Failing(_));
            let dead = actor.stopped && actor.end == End::Killed;
            if dead || (counts && actor.left == 0) {
                match actor.end {
                    End::Killed => {
                        actor.stopped = true;
                        return Err(io::Error::other("he was killed"));
                    }
                    End::Failing(Fault::Error(errno)) if !actor.stopped => {
                        actor.stopped = true;
                        return Err(io::Error::from_raw_os_error(errno));
                    }
                    End::Failing(Fault::Errors(errno)) if !actor.stopped || changes(operation) => {
                        actor.stopped = true;
                        return Err(io::Error::from_raw_os_error(errno));
                    }
                    End::Failing(Fault::FolderGone) if !actor.stopped => {
                        actor.stopped = true;
                        // Another may have removed it before.
                        let _ = fs::remove_dir_all(folder_of(operation));
                    }
                    End::Failing(_) => {}
                    End::Held => actor.stopped = true,
                }
            }
            if actor.stopped && actor.end == End::Held {
                self.changed.notify_all();
                let waiting = |state: &mut State| state.actors[&me].stopped;
                state = self.changed.wait_while(state, waiting).expect("nobody panics with the lock");
            } else if counts {
                actor.left = actor.left.saturating_sub(1);
            }
        }
        if changes(operation) {
            state = self.changed.wait_while(state, |state| state.busy).expect("nobody panics with the lock");
            state.busy = true;
        }
        if let Operation::RemoveTree(path) = operation {
            let mut steps = Vec::new();
            if path.exists() {
                self.removal(path, &mut steps);
            }
            state.trees.insert(path.to_path_buf(), steps);
        }
        Ok(())
    }

    fn after(&self, operation: &Operation<'_>, site: Site, succeeded: bool) {
        if let Operation::Lock(path) = operation
            && path.parent().is_some_and(|folder| folder.ends_with("tmp"))
        {
            let mut state = self.state();
            if let Some(actor) = state.actors.get_mut(&thread::current().id()) {
                actor.waits += 1;
                self.changed.notify_all();
            }
        }
        let mut steps = self.steps(operation, site);
        if changes(operation) {
            let mut state = self.state();
            if succeeded {
                state.log.extend(steps.drain(..).map(Entry::Step));
            }
            state.busy = false;
            self.changed.notify_all();
        }
    }
}
