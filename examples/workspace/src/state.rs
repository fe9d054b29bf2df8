//! The state on disk: a file for each delegation and each wake, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use codex_driver::Codex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::delegation::{Delegation, now};
use crate::error::{Error, Result};
use crate::wake::Wake;

const DELEGATIONS: &str = "delegations";
const WAKES: &str = "wakes";
const OPERATOR: &str = "operator.json";

/// The operator's thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorThread {
    /// None: it is made at the first wake.
    pub(crate) thread: Option<String>,
    pub(crate) cwd: PathBuf,
    /// Whether it is one that was made here and may never have had a turn: Codex forgets such, and another will do.
    pub(crate) is_unused: bool,
}

/// The directory with the state. What was saved outlives any crash, and each file is as it was saved once.
#[derive(Debug)]
pub(crate) struct State {
    dir: PathBuf,
}

/// Whoever has it is the only one that changes the state, or speaks to Codex. The kernel frees it.
#[must_use = "it is held until it is dropped"]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl State {
    pub(crate) fn open(dir: PathBuf) -> Result<Self> {
        for dir in [&dir, &dir.join(DELEGATIONS), &dir.join(WAKES)] {
            private_dir(dir).map_err(Error::file("make", dir))?;
        }
        // Codex's server works elsewhere.
        let dir = dir.canonicalize().map_err(Error::file("enter", &dir))?;
        Ok(Self { dir })
    }

    /// Waits for it.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let path = self.dir.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.and_then(|file| file.lock().map(|()| file));
        Ok(Lock(file.map_err(Error::file("lock", path))?))
    }

    /// Codex, with a place of its own below the state.
    pub(crate) fn codex(&self) -> Codex {
        Codex::new(self.dir.join("codex")).env("CODEX_HOOK_TAG", "workspace")
    }

    /// All delegations, the oldest first.
    pub(crate) fn delegations(&self) -> Result<Vec<Delegation>> {
        let mut all: Vec<Delegation> = self.load_all(DELEGATIONS)?;
        all.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(all)
    }

    /// The delegation that is meant by an id, or by the first characters of it.
    pub(crate) fn delegation(&self, id: &str) -> Result<Delegation> {
        let mut found = self.delegations()?;
        found.retain(|delegation| !id.is_empty() && delegation.id.starts_with(id));
        match <[Delegation; 1]>::try_from(found) {
            Ok([delegation]) => Ok(delegation),
            Err(found) => {
                let how_many = if found.is_empty() { "no" } else { "more than one" };
                Err(Error::Refused(format!("{how_many} delegation is meant by {id}: see `workspace list`")))
            }
        }
    }

    pub(crate) fn save(&self, delegation: &Delegation) -> Result<()> {
        self.replace(&self.dir.join(DELEGATIONS).join(format!("{}.json", delegation.id)), delegation)
    }

    /// All wakes, the oldest first.
    pub(crate) fn wakes(&self) -> Result<Vec<Wake>> {
        let mut all: Vec<Wake> = self.load_all(WAKES)?;
        all.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(all)
    }

    pub(crate) fn save_wake(&self, wake: &Wake) -> Result<()> {
        self.replace(&self.dir.join(WAKES).join(format!("{}.json", wake.id)), wake)
    }

    pub(crate) fn operator(&self) -> Result<Option<OperatorThread>> {
        self.load(&self.dir.join(OPERATOR))
    }

    pub(crate) fn save_operator(&self, operator: &OperatorThread) -> Result<()> {
        self.replace(&self.dir.join(OPERATOR), operator)
    }

    fn load_all<T: DeserializeOwned>(&self, folder: &str) -> Result<Vec<T>> {
        let folder = self.dir.join(folder);
        let names = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let paths = names.map_err(Error::file("list", folder))?.into_iter().map(|name| name.path());
        // Others are what a kill has left of a save.
        let saved = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        saved.filter_map(|path| self.load(&path).transpose()).collect()
    }

    fn load<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>> {
        match fs::read(path) {
            Ok(json) => match serde_json::from_slice(&json) {
                Ok(value) => Ok(Some(value)),
                Err(source) => Err(Error::Damaged { path: path.to_owned(), source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }

    /// Replaces a file. After a crash it is the new one or the old one; when this has returned, the new one.
    fn replace(&self, path: &Path, value: &impl Serialize) -> Result<()> {
        let folder = path.parent().unwrap_or(&self.dir);
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
            serde_json::to_writer(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            // Its name too. Windows cannot be asked to.
            if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
        };
        write().map_err(Error::file("write", path))
    }
}

/// A new id: 48 random bits.
pub(crate) fn new_id() -> String {
    format!("{:012x}", fastrand::u64(..1 << 48))
}

/// A new wake for these delegations.
pub(crate) fn new_wake(delegations: Vec<String>) -> Wake {
    Wake { id: new_id(), created_at: now(), delegations, turn: None }
}

#[cfg(unix)]
fn private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}
