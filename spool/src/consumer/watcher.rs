//! Being told by the file system that something has been put into a queue.

use std::io;
use std::path::Path;
use std::sync::Arc;

use notify::event::{CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::name::Name;
use crate::queue::Queue;
use crate::sys::{self, Folder};

/// A watch on a queue, from when it is made until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    _watcher: RecommendedWatcher,
    folder: Folder,
}

impl Watcher {
    /// Says what is put into the queue to its inbox. Not everywhere can this be had.
    pub(crate) fn new(queue: &Arc<Queue>) -> notify::Result<Self> {
        let folder = Folder::open(queue.dir())?;
        let inbox = Arc::clone(queue.inbox());
        let mut watcher = RecommendedWatcher::new(
            move |event: notify::Result<Event>| match told(event) {
                Told::Nothing => {}
                Told::Arrived(name, attempt) => inbox.arrived(name, attempt),
                Told::Look => inbox.look(),
            },
            Config::default(),
        )?;
        watcher.watch(queue.dir(), RecursiveMode::NonRecursive)?;
        // That the queue is removed is told of the folder above: as long as we have it open it is not gone itself.
        watcher.watch(queue.folder(), RecursiveMode::NonRecursive)?;
        let watcher = Self { _watcher: watcher, folder };
        match watcher.is_current() {
            true => Ok(watcher),
            false => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        }
    }

    /// Whether what is watched is still the queue.
    pub(crate) fn is_current(&self) -> bool {
        self.folder.is_current().unwrap_or_default()
    }
}

enum Told {
    Nothing,
    Arrived(Name, u32),
    /// Something was missed, or the queue is another one.
    Look,
}

fn told(event: notify::Result<Event>) -> Told {
    let Ok(event) = event else { return Told::Look };
    if event.need_rescan() {
        return Told::Look;
    }
    match event.kind {
        EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Name(RenameMode::To))
            if sys::NOTIFICATIONS_ARE_IN_ORDER =>
        {
            match event.paths.first().and_then(|path| name(path)) {
                Some((name, attempt)) => Told::Arrived(name, attempt),
                None => Told::Nothing,
            }
        }
        // Of a name in the queue, as each that is settled. Of the queue itself it is news.
        EventKind::Remove(RemoveKind::File) | EventKind::Access(_) => Told::Nothing,
        EventKind::Modify(ModifyKind::Name(RenameMode::From))
            if event.paths.iter().all(|path| name(path).is_some()) =>
        {
            Told::Nothing
        }
        EventKind::Modify(
            ModifyKind::Name(RenameMode::Both) | ModifyKind::Metadata(_) | ModifyKind::Data(_),
        ) => Told::Nothing,
        _ => Told::Look,
    }
}

fn name(path: &Path) -> Option<(Name, u32)> {
    Name::parse(path.file_name()?.to_str()?)
}
