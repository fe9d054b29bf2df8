//! A disk that forgets: what of a log a crash may leave.
//!
//! It holds files and folders, each as it is now and as it is known to survive. The sync of a file makes its contents
//! survive, and nothing else; the sync of a folder every name made, changed or removed in it before, and nothing else. Of
//! what was not synced anything may survive, in any combination: no order is relied on, neither that of a journal nor
//! that of time. Only this is: a rename does not lose its file (after a crash it has the old name, the new one, or both),
//! and the rename of a folder is whole or not at all.
//!
//! It is the weakest of the models by which ALICE (Pillai and others, OSDI 2014) tried applications, but for that promise
//! of renames; every common file system keeps more.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::image::{Contents, Image, Node};
use crate::log::Step;

/// The number of a file or folder.
type Inode = usize;

const ROOT: Inode = 0;

/// Up to so many names that may survive or not every combination is built; beyond, every pair.
const ALL_SUBSETS: usize = 12;

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    inodes: Vec<Kind>,
    /// Changes of names that may survive or not, in the order in which they were made.
    pending: Vec<Change>,
    changes: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Folder { now: Names, durable: Names },
    File { now: Arc<Contents>, durable: Arc<Contents> },
}

type Names = BTreeMap<String, Inode>;

/// A change of names in one folder.
#[derive(Clone, Debug)]
struct Change {
    number: usize,
    folder: Inode,
    what: What,
    /// The change without which this one cannot survive.
    needs: Option<usize>,
}

#[derive(Clone, Debug)]
enum What {
    Put(String, Inode),
    Remove(String),
    /// All of these, or none.
    PutAll(Vec<(String, Option<Inode>)>),
}

impl What {
    fn apply(&self, names: &mut Names) {
        match self {
            What::Put(name, inode) => drop(names.insert(name.clone(), *inode)),
            What::Remove(name) => drop(names.remove(name)),
            What::PutAll(all) => {
                for (name, inode) in all {
                    match inode {
                        Some(inode) => drop(names.insert(name.clone(), *inode)),
                        None => drop(names.remove(name)),
                    }
                }
            }
        }
    }
}

impl Disk {
    /// A disk on which all of `image` survives.
    pub(crate) fn of(image: &Image) -> Self {
        let root = Kind::Folder { now: Names::new(), durable: Names::new() };
        let mut disk = Self { inodes: vec![root], pending: Vec::new(), changes: 0 };
        let mut files = BTreeMap::new();
        for (path, node) in &image.nodes {
            let inode = match node {
                Node::Folder => disk.add(Kind::Folder { now: Names::new(), durable: Names::new() }),
                Node::File { inode, contents } => *files.entry(*inode).or_insert_with(|| {
                    disk.add(Kind::File { now: Arc::clone(contents), durable: Arc::clone(contents) })
                }),
            };
            let (folder, name) = disk.parent(Path::new(path));
            let Kind::Folder { now, durable } = &mut disk.inodes[folder] else { unreachable!() };
            now.insert(name.clone(), inode);
            durable.insert(name, inode);
        }
        disk
    }

    fn add(&mut self, kind: Kind) -> Inode {
        self.inodes.push(kind);
        self.inodes.len() - 1
    }

    fn find(&self, path: &Path) -> Option<Inode> {
        let mut inode = ROOT;
        for name in path {
            let Kind::Folder { now, .. } = &self.inodes[inode] else { return None };
            inode = *now.get(name.to_str()?)?;
        }
        Some(inode)
    }

    #[track_caller]
    fn there(&self, path: &Path) -> Inode {
        self.find(path).unwrap_or_else(|| panic!("the log names what is not there: {}", path.display()))
    }

    #[track_caller]
    fn parent(&self, path: &Path) -> (Inode, String) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a path has a name");
        (self.there(path.parent().expect("a path is below the root")), name.to_owned())
    }

    fn names(&mut self, folder: Inode) -> &mut Names {
        let Kind::Folder { now, .. } = &mut self.inodes[folder] else { panic!("it is no folder") };
        now
    }

    fn change(&mut self, folder: Inode, what: What, needs: Option<usize>) -> usize {
        what.apply(self.names(folder));
        self.changes += 1;
        self.pending.push(Change { number: self.changes, folder, what, needs });
        self.changes
    }

    fn put(&mut self, path: &Path, inode: Inode) -> usize {
        let (folder, name) = self.parent(path);
        self.change(folder, What::Put(name, inode), None)
    }

    fn remove(&mut self, path: &Path, needs: Option<usize>) {
        let (folder, name) = self.parent(path);
        self.change(folder, What::Remove(name), needs);
    }

    /// Does a step that was done.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Create(path) => {
                let empty = Arc::new(Contents::new(path, Vec::new()));
                let inode = self.add(Kind::File { now: Arc::clone(&empty), durable: empty });
                self.put(path, inode);
            }
            Step::Write(path, bytes) => {
                // What was removed meanwhile is written to all the same, and nobody sees it.
                let Some(inode) = self.find(path) else { return };
                let Kind::File { now, .. } = &mut self.inodes[inode] else { panic!("it is no file") };
                *now = Arc::new(Contents::new(path, [&now.bytes, &bytes[..]].concat()));
            }
            Step::Rewrite(path, bytes) => {
                let Some(inode) = self.find(path) else { return };
                let Kind::File { now, .. } = &mut self.inodes[inode] else { panic!("it is no file") };
                *now = Arc::new(Contents::new(path, bytes.clone()));
            }
            Step::SyncFile(path, _) => {
                let Some(inode) = self.find(path) else { return };
                let Kind::File { now, durable } = &mut self.inodes[inode] else { panic!("it is no file") };
                *durable = Arc::clone(now);
            }
            Step::SyncFolder(path, _) => self.sync_folder(self.there(path)),
            Step::Link(from, to) => {
                let inode = self.there(from);
                self.put(to, inode);
            }
            Step::Rename(from, to) => self.rename(from, to),
            Step::Exchange(one, other) => {
                let (first, second) = (self.there(one), self.there(other));
                let ((folder, one), (same, other)) = (self.parent(one), self.parent(other));
                assert_eq!(folder, same, "only files of one folder are exchanged");
                let both = vec![(one, Some(second)), (other, Some(first))];
                self.change(folder, What::PutAll(both), None);
            }
            Step::Unlink(path) | Step::RemoveFolder(path) => self.remove(path, None),
            Step::MakeFolder(path) => {
                let inode = self.add(Kind::Folder { now: Names::new(), durable: Names::new() });
                self.put(path, inode);
            }
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let inode = self.there(from);
        if self.find(to) == Some(inode) {
            return;
        }
        if let Kind::File { .. } = self.inodes[inode] {
            let made = self.put(to, inode);
            self.remove(from, Some(made));
            return;
        }
        let ((folder, from), (same, to)) = (self.parent(from), self.parent(to));
        assert_eq!(folder, same, "folders are renamed where they are");
        self.change(folder, What::PutAll(vec![(to, Some(inode)), (from, None)]), None);
    }

    fn sync_folder(&mut self, folder: Inode) {
        let mut forced: Vec<usize> = Vec::new();
        for change in &self.pending {
            if change.folder == folder {
                forced.push(change.number);
                forced.extend(change.needs);
            }
        }
        for change in std::mem::take(&mut self.pending) {
            if !forced.contains(&change.number) {
                self.pending.push(change);
                continue;
            }
            let Kind::Folder { durable, .. } = &mut self.inodes[change.folder] else { unreachable!() };
            change.what.apply(durable);
        }
    }

    /// Gives every state in which a crash may leave the disk now, some of them more than once.
    pub(crate) fn states(&self, mut give: impl FnMut(Image)) {
        for survives in self.choices() {
            if let Some(image) = self.state(&survives) {
                self.vary_contents(&image, &mut give);
                give(image);
            }
        }
    }

    /// Which changes survive, in each choice that is tried.
    fn choices(&self) -> Vec<Vec<bool>> {
        let count = self.pending.len();
        if count <= ALL_SUBSETS {
            let bits = |subset: usize| (0..count).map(|bit| subset >> bit & 1 == 1).collect();
            return (0..1_usize << count).map(bits).collect();
        }
        // The same pair twice is one alone.
        let pairs = (0..count).flat_map(|one| (one..count).map(move |other| (one, other)));
        let mut choices = vec![vec![true; count], vec![false; count]];
        for (one, other) in pairs {
            for survive in [true, false] {
                let mut choice = vec![!survive; count];
                (choice[one], choice[other]) = (survive, survive);
                choices.push(choice);
            }
        }
        choices
    }

    /// What is there when these changes survive. `None`: that is impossible.
    fn state(&self, survives: &[bool]) -> Option<Image> {
        let mut changed: BTreeMap<Inode, Names> = BTreeMap::new();
        for (change, chosen) in self.pending.iter().zip(survives) {
            if !chosen {
                continue;
            }
            let needed = change.needs.and_then(|needed| self.pending.iter().position(|c| c.number == needed));
            if needed.is_some_and(|needed| !survives[needed]) {
                return None;
            }
            let Kind::Folder { durable, .. } = &self.inodes[change.folder] else { unreachable!() };
            change.what.apply(changed.entry(change.folder).or_insert_with(|| durable.clone()));
        }
        let mut image = Image::default();
        self.walk(ROOT, "", &changed, &mut image);
        Some(image)
    }

    fn walk(&self, folder: Inode, path: &str, changed: &BTreeMap<Inode, Names>, image: &mut Image) {
        let Kind::Folder { durable, .. } = &self.inodes[folder] else { unreachable!() };
        for (name, &inode) in changed.get(&folder).unwrap_or(durable) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            match &self.inodes[inode] {
                Kind::Folder { .. } => {
                    image.nodes.push((path.clone(), Node::Folder));
                    self.walk(inode, &path, changed, image);
                }
                Kind::File { now, .. } => {
                    image.nodes.push((path, Node::File { inode, contents: Arc::clone(now) }));
                }
            }
        }
    }

    /// Gives the same names with every other contents that the files may have: each file's alone, and all at once.
    fn vary_contents(&self, image: &Image, give: &mut impl FnMut(Image)) {
        let mut unsynced = BTreeMap::new();
        for (_, node) in &image.nodes {
            if let Node::File { inode, .. } = node
                && let Kind::File { now, durable } = &self.inodes[*inode]
                && !Arc::ptr_eq(now, durable)
            {
                unsynced.insert(*inode, now.may_be_left_as(durable));
            }
        }
        for (&inode, variants) in &unsynced {
            for variant in variants {
                give(image.with(&BTreeMap::from([(inode, variant)])));
            }
        }
        if unsynced.len() > 1 {
            let pick = |place: fn(&[Arc<Contents>]) -> Option<&Arc<Contents>>| {
                unsynced.iter().filter_map(|(&inode, variants)| Some((inode, place(variants)?))).collect()
            };
            give(image.with(&pick(|variants| variants.first())));
            give(image.with(&pick(|variants| variants.last())));
        }
    }
}
