//! The spool directory: where it is, what is in it, and whether it may be used.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{self, Disk};
use crate::error::{At, Error, Result};
use crate::intent::Intent;
use crate::settings::{Durability, Settings};
use crate::sys::{self, Exposure};
use crate::time::Day;
use crate::{ConsumerBuilder, ConsumerName, Journal};

const FORMAT: &str = "1\n";
const FORMAT_FILE: &str = "format";

/// A spool: the directory into which `hook event` puts what Codex does, and from which consumers take it.
///
/// Any number of processes may have the same spool open. Opening is cheap, does not wait for anybody and holds nothing.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) disk: Disk,
}

impl Spool {
    /// Opens the spool at `dir`, an absolute path, and makes it where there is none.
    ///
    /// After this the directory outlives a crash, with durability `full` the loss of power too.
    ///
    /// # Errors
    /// When `dir` is relative, no directory, another user's, writable by others, holds other things than a spool, or
    /// was made by a newer version; when its file system has no hard links or locks; when `spool.toml` asks for
    /// masking or may do so; or when the operating system refuses.
    ///
    /// ```
    /// use codex_spool::Spool;
    /// # let home = tempfile::tempdir()?;
    /// # let home = home.path();
    /// let spool = Spool::open(home.join("hook-spool"))?;
    /// assert!(Spool::open("hook-spool").is_err(), "a relative path means another place in each folder");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let site = Site::look_at(dir)?;
        if let Some(folder) = &site.folder {
            sys::close_to_others(dir, folder).at("close to other users", dir)?;
        }
        let disk = Disk::new(site.settings.durability);
        let spool = Self { dir: dir.to_owned(), disk, settings: site.settings };
        if !site.is_spool {
            spool.lay_out(site.folder.is_some())?;
            // Somebody else may have made the folder between the first look and ours.
            refuse_exposed(dir, &fs::metadata(dir).at("look at", dir)?)?;
        }
        Ok(spool)
    }

    /// Opens the spool of this process's environment: the directory in `CODEX_HOOK_SPOOL_DIR`, else `hook-spool` in
    /// `CODEX_HOME`, else `~/.codex/hook-spool`. It is where `hook event` writes to, unless it is told otherwise.
    ///
    /// # Errors
    /// Those of [`locate`](Self::locate) and [`open`](Self::open).
    ///
    /// ```no_run
    /// let spool = codex_spool::Spool::open_default()?;
    /// # Ok::<(), codex_spool::Error>(())
    /// ```
    pub fn open_default() -> Result<Self> {
        Self::open(Self::locate(None, |name| std::env::var_os(name), std::env::home_dir())?)
    }

    /// Where the spool is: `flag` if given, else `CODEX_HOOK_SPOOL_DIR`, else `hook-spool` in `CODEX_HOME`, which is
    /// `.codex` in the user's `home` where it is not set. A variable that is empty counts as not set.
    ///
    /// `env` looks up a variable, so that nothing but its caller reads the environment; `home` is what
    /// [`std::env::home_dir`] gives.
    ///
    /// # Errors
    /// When the path is relative, or it should be in the home directory and there is none.
    ///
    /// ```
    /// use codex_spool::Spool;
    /// let home = std::env::temp_dir();
    /// let dir = Spool::locate(None, |_| None, Some(home.clone()))?;
    /// assert_eq!(dir, home.join(".codex").join("hook-spool"));
    /// # Ok::<(), codex_spool::Error>(())
    /// ```
    pub fn locate(
        flag: Option<&Path>,
        env: impl Fn(&str) -> Option<OsString>,
        home: Option<PathBuf>,
    ) -> Result<PathBuf> {
        let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dir = match flag.map(Path::to_owned).or_else(|| set("CODEX_HOOK_SPOOL_DIR")) {
            Some(dir) => dir,
            None => {
                let home = home.filter(|home| !home.as_os_str().is_empty());
                let codex_home = set("CODEX_HOME").or_else(|| Some(home?.join(".codex")));
                codex_home.ok_or(Error::NoHome)?.join("hook-spool")
            }
        };
        if dir.is_absolute() { Ok(dir) } else { Err(Error::RelativePath(dir)) }
    }

    /// The spool directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The consumer `name`: what it has not settled waits for it, whoever else consumes.
    ///
    /// ```
    /// use codex_spool::{Spool, Start};
    /// # let home = tempfile::tempdir()?;
    /// # let spool = Spool::open(home.path().join("hook-spool"))?;
    /// let mut consumer = spool.consumer("dashboard")?.start(Start::Earliest).open()?;
    /// for delivery in consumer.drain() {
    ///     let delivery = delivery?;
    ///     println!("{}", delivery.event().kind());
    ///     delivery.ack()?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidName`] when `name` is none.
    pub fn consumer(&self, name: &str) -> Result<ConsumerBuilder> {
        Ok(ConsumerBuilder::new(self.clone(), ConsumerName::new(name)?))
    }

    /// A consumer without a name, which is removed with all that it has not settled when it is dropped, or, after an
    /// unclean end, by the next consumer that is opened.
    pub fn ephemeral_consumer(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(self.clone(), ConsumerName::ephemeral())
    }

    /// Every event that the spool still holds, in the order of their capture, without subscribing to anything. It can
    /// be read from the newest event backwards, and be narrowed: to a time, to kinds of events, to threads.
    ///
    /// # Errors
    /// When the journal cannot be listed.
    pub fn journal(&self) -> Result<Journal> {
        Journal::open(self.journal_dir())
    }

    pub(crate) fn tmp_dir(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    pub(crate) fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub(crate) fn day_dir(&self, day: Day) -> PathBuf {
        self.dir.join("journal").join(day.to_string())
    }

    pub(crate) fn consumers_dir(&self) -> PathBuf {
        self.dir.join("consumers")
    }

    pub(crate) fn consumer_dir(&self, name: &ConsumerName) -> PathBuf {
        self.consumers_dir().join(name.as_str())
    }

    pub(crate) fn queue_dir(&self, name: &ConsumerName) -> PathBuf {
        self.consumer_dir(name).join("queue")
    }

    /// The consumers there are, as far as their names tell.
    pub(crate) fn consumers(&self) -> Result<Vec<ConsumerName>> {
        let mut consumers = Vec::new();
        for name in disk::list_if_there(&self.consumers_dir())? {
            consumers.extend(ConsumerName::of_folder(&name?));
        }
        Ok(consumers)
    }

    pub(crate) fn rejected_dir(&self) -> PathBuf {
        self.dir.join("rejected")
    }

    /// The file by which a directory is known as a spool.
    pub(crate) fn format_file(&self) -> PathBuf {
        self.dir.join(FORMAT_FILE)
    }

    /// Makes what a spool consists of, `format` last: who finds it finds all the rest. Several may do this at once. It
    /// is synced whatever the settings say: a spool that cannot be opened is worse than a lost event.
    fn lay_out(&self, there: bool) -> Result<()> {
        let durable = Self { disk: Disk::new(Durability::Full), ..self.clone() };
        durable.lay_out_durably(there)
    }

    fn lay_out_durably(&self, there: bool) -> Result<()> {
        if !there {
            self.make_folders_down_to(&self.dir)?;
        }
        // Whoever made a folder above may have died before its name was durable, or may never have cared. One that
        // cannot even be listed by us was made by somebody else, long ago.
        for above in self.dir.ancestors().skip(1) {
            match self.disk.sync_folder(above) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {}
                synced => synced?,
            }
        }
        self.make_folders()?;
        self.put(".gitignore", "*\n")?;
        self.put(FORMAT_FILE, FORMAT)
    }

    /// Makes those of the spool's folders that are not there, and makes their names durable.
    pub(crate) fn make_folders(&self) -> Result<()> {
        let mut made = false;
        for folder in [self.tmp_dir(), self.journal_dir(), self.consumers_dir(), self.rejected_dir()] {
            made |= self.disk.make_folder(&folder)?;
        }
        if made { self.disk.sync_folder(&self.dir) } else { Ok(()) }
    }

    /// Writes an intent, and makes what somebody has removed of the spool's folders meanwhile.
    pub(crate) fn intend(&self, bytes: &[u8]) -> Result<Intent> {
        match Intent::write(self.disk, &self.tmp_dir(), bytes) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.make_folders()?;
                Intent::write(self.disk, &self.tmp_dir(), bytes)
            }
            written => written,
        }
    }

    fn make_folders_down_to(&self, folder: &Path) -> Result<()> {
        let Some(parent) = folder.parent() else { return Ok(()) };
        match self.disk.make_folder(folder) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.make_folders_down_to(parent)?;
                self.disk.make_folder(folder).map(drop)
            }
            made => made.map(drop),
        }
    }

    fn put(&self, name: &str, content: &str) -> Result<()> {
        self.intend(content.as_bytes())?.put(self.disk, &self.dir.join(name))
    }
}

/// What stands where a spool is to be: something that can be one, or become one.
#[derive(Debug)]
pub(crate) struct Site {
    /// The settings of the spool, or those that it will have.
    pub(crate) settings: Settings,
    /// `None`: there is no folder yet.
    folder: Option<fs::Metadata>,
    /// Whether there is a spool in it.
    pub(crate) is_spool: bool,
}

impl Site {
    /// Looks at `dir`, and refuses what opening it would refuse. Nothing is made or changed.
    pub(crate) fn look_at(dir: &Path) -> Result<Self> {
        if !dir.is_absolute() {
            return Err(Error::RelativePath(dir.to_owned()));
        }
        let folder = match fs::metadata(dir) {
            Ok(folder) if !folder.is_dir() => return Err(Error::NotADirectory(dir.to_owned())),
            Ok(folder) => {
                refuse_exposed(dir, &folder)?;
                Some(folder)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).at("open the spool", dir),
        };
        let settings = Settings::load(&dir.join("spool.toml"))?;
        let format = dir.join(FORMAT_FILE);
        let is_spool = match disk::read_small(&format)? {
            Some(found) if found == FORMAT.as_bytes() => true,
            Some(found) => {
                let found = String::from_utf8_lossy(&found).chars().take(40).collect();
                return Err(Error::UnknownFormat { path: format, found });
            }
            None => false,
        };
        if folder.is_some() && !is_spool {
            refuse_foreign(dir)?;
        }
        Ok(Self { settings, folder, is_spool })
    }
}

/// A `.gitignore` of `*` among a user's own files would hide them.
fn refuse_foreign(dir: &Path) -> Result<()> {
    for name in disk::list(dir)? {
        let name = name?;
        let ours = ["tmp", "journal", "consumers", "rejected", FORMAT_FILE, "spool.toml", "install.json"];
        let files_of_file_managers = name == ".DS_Store" || name.starts_with("._");
        if !ours.contains(&&*name) && name != ".gitignore" && !files_of_file_managers {
            return Err(Error::NotASpool { path: dir.to_owned(), found: name });
        }
    }
    Ok(())
}

fn refuse_exposed(dir: &Path, folder: &fs::Metadata) -> Result<()> {
    let path = dir.to_owned();
    match sys::exposure(folder) {
        Exposure::Private => Ok(()),
        Exposure::ForeignOwner { owner, user } => Err(Error::ForeignOwner { path, owner, user }),
        Exposure::WritableByOthers { mode } => Err(Error::WritableByOthers { path, mode }),
    }
}
