//! What lies on a disk: taken from a folder, laid into a folder, compared.

use std::collections::{BTreeMap, HashMap, hash_map::DefaultHasher};
use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// What a disk loses or keeps of a file as one.
const SECTOR: usize = 512;

/// Every file and folder below a root, each folder before what is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    pub(crate) nodes: Vec<(String, Node)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Folder,
    /// Names with the same number are one file.
    File {
        inode: usize,
        contents: Arc<Contents>,
    },
}

/// The contents of a file.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) bytes: Vec<u8>,
    /// Of all that tells one such file from another.
    hash: u64,
    masked: bool,
}

impl Contents {
    pub(crate) fn new(path: &Path, bytes: Vec<u8>) -> Self {
        // They hold the time and the process: no two runs make the same.
        let masked = path.ends_with("lock") || path.extension().is_some_and(|end| end == "reason");
        Self::hashed(bytes, masked)
    }

    fn hashed(bytes: Vec<u8>, masked: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        match masked {
            true => bytes.iter().map(|byte| *byte == 0).collect::<Vec<_>>().hash(&mut hasher),
            false => bytes.hash(&mut hasher),
        }
        Self { hash: hasher.finish(), bytes, masked }
    }

    /// What else a crash may leave of these contents when `durable` is what was synced last: that, or any sectors, with
    /// zeros for the others, or a beginning. Where something was only written behind what was synced, that stays.
    pub(crate) fn may_be_left_as(&self, durable: &Arc<Contents>) -> Vec<Arc<Contents>> {
        let sectors = self.bytes.len().div_ceil(SECTOR);
        let synced = if self.bytes.starts_with(&durable.bytes) { durable.bytes.len() } else { 0 };
        let mut variants = vec![Arc::clone(durable)];
        for whole in 0..sectors {
            let length = synced.max(whole * SECTOR);
            variants.push(Arc::new(Self::hashed(self.bytes[..length].to_vec(), self.masked)));
        }
        // More than three sectors are as good as three: the first, the last, and those in between.
        let group = |sector: usize| match sector {
            0 => 0,
            last if last + 1 == sectors => 2,
            _ => 1,
        };
        for kept in 0..7_u8 {
            let mut bytes = self.bytes.clone();
            for (sector, part) in bytes.chunks_mut(SECTOR).enumerate() {
                if kept >> group(sector) & 1 == 0 {
                    part.fill(0);
                }
            }
            bytes[..synced].copy_from_slice(&durable.bytes[..synced]);
            if bytes != self.bytes {
                variants.push(Arc::new(Self::hashed(bytes, self.masked)));
            }
        }
        variants
    }
}

impl Image {
    /// What lies below a folder.
    pub(crate) fn take(root: &Path) -> Self {
        let mut image = Self::default();
        image.add(root, "", &mut HashMap::new());
        image
    }

    fn add(&mut self, folder: &Path, above: &str, files: &mut HashMap<u64, (usize, Arc<Contents>)>) {
        let names = fs::read_dir(folder).expect("a folder can be listed");
        let mut names: Vec<_> = names.map(|name| name.expect("a folder can be listed")).collect();
        names.sort_by_key(fs::DirEntry::file_name);
        for entry in names {
            let name = entry.file_name().into_string().expect("all names are UTF-8");
            let path = if above.is_empty() { name } else { format!("{above}/{name}") };
            let metadata = entry.metadata().expect("a file can be looked at");
            if metadata.is_dir() {
                self.nodes.push((path.clone(), Node::Folder));
                self.add(&entry.path(), &path, files);
                continue;
            }
            let number = files.len();
            let (inode, contents) = files.entry(metadata.ino()).or_insert_with(|| {
                let bytes = fs::read(entry.path()).expect("a file can be read");
                (number, Arc::new(Contents::new(Path::new(&path), bytes)))
            });
            self.nodes.push((path, Node::File { inode: *inode, contents: Arc::clone(contents) }));
        }
    }

    /// Lays all of it into a folder that is empty.
    pub(crate) fn lay_into(&self, root: &Path) {
        let mut first: HashMap<usize, &str> = HashMap::new();
        for (path, node) in &self.nodes {
            let to = root.join(path);
            match node {
                Node::Folder => DirBuilder::new().mode(0o700).create(&to).expect("a folder can be made"),
                Node::File { inode, .. } if first.contains_key(inode) => {
                    fs::hard_link(root.join(first[inode]), &to).expect("a link can be made");
                }
                Node::File { inode, contents } => {
                    let mut new = OpenOptions::new();
                    let file = new.write(true).create_new(true).mode(0o600).open(&to);
                    let mut file = file.expect("a file can be made");
                    file.write_all(&contents.bytes).expect("a file can be written");
                    first.insert(*inode, path);
                }
            }
        }
    }

    /// The same with other contents of some files.
    pub(crate) fn with(&self, changed: &BTreeMap<usize, &Arc<Contents>>) -> Self {
        let mut image = self.clone();
        for (_, node) in &mut image.nodes {
            if let Node::File { inode, contents } = node
                && let Some(changed) = changed.get(inode)
            {
                *contents = Arc::clone(changed);
            }
        }
        image
    }
}

/// Two images that are laid out alike are equal, however they came about.
impl Hash for Image {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut order: HashMap<usize, usize> = HashMap::new();
        for (path, node) in &self.nodes {
            path.hash(state);
            if let Node::File { inode, contents } = node {
                let next = order.len();
                order.entry(*inode).or_insert(next).hash(state);
                contents.hash.hash(state);
            }
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, node) in &self.nodes {
            match node {
                Node::Folder => writeln!(f, "  {path}/")?,
                Node::File { inode, contents } => {
                    let bytes = &contents.bytes;
                    let sectors: Vec<&str> = bytes
                        .chunks(SECTOR)
                        .map(|sector| if sector.iter().all(|byte| *byte == 0) { "zeros" } else { "written" })
                        .collect();
                    writeln!(f, "  {path} (file {inode}, {} bytes: {})", bytes.len(), sectors.join(", "))?;
                }
            }
        }
        Ok(())
    }
}
