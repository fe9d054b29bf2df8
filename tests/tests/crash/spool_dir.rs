//! A spool as a folder: made once, copied for each kill, and looked at afterwards.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use codex_hook_tests::hook_binary;
use codex_spool::{Capture, Consumer, EventId, Spool, Start};

/// A spool directory, removed with its value.
pub(crate) struct SpoolDir {
    home: tempfile::TempDir,
}

impl SpoolDir {
    /// A place for a spool, with no spool there.
    pub(crate) fn on_disk() -> Self {
        Self::in_folder(&std::env::temp_dir())
    }

    /// The same, in memory where that can be had: a kill loses nothing that was written, synced or not, and syncs take
    /// their time. But folders are listed in another order there, so what lists and removes is better tried on disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::in_folder(memory) } else { Self::on_disk() }
    }

    fn in_folder(parent: &Path) -> Self {
        let home = tempfile::tempdir_in(parent).expect("the temporary directory can be written to");
        Self { home }
    }

    /// Makes the spool, with these consumers.
    pub(crate) fn with_consumers(self, names: &[&str]) -> Self {
        let spool = self.open();
        for name in names {
            drop(open(&spool, name));
        }
        self
    }

    /// Records an event in it.
    pub(crate) fn record(&self, payload: &[u8]) -> EventId {
        self.open().record(payload, &Capture::now()).expect("an event can be recorded").id
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.home.path().join("spool")
    }

    pub(crate) fn open(&self) -> Spool {
        Spool::open(self.path()).expect("the spool can be opened")
    }

    /// A spool of the same files, with the same links among them and nobody's locks on them.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::in_folder(self.home.path().parent().expect("it was made in a folder"));
        if self.path().exists() {
            copy_tree(&self.path(), &copy.path(), &mut HashMap::new());
        }
        copy
    }

    /// `hook event` for this spool.
    pub(crate) fn hook_event(&self) -> Command {
        let mut command = Command::new(hook_binary());
        command.env_clear().args(["event", "--spool-dir"]).arg(self.path());
        command
    }

    /// `consumer-under-test` for this spool.
    pub(crate) fn consumer(&self, name: &str, start: &str, settle: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consumer-under-test"));
        command.env_clear().arg(self.path()).args([name, start, settle]);
        command
    }

    /// The events of the journal.
    #[track_caller]
    pub(crate) fn journal(&self) -> BTreeSet<EventId> {
        let journal = self.open().journal().expect("the journal can be listed");
        journal.map(|event| event.expect("no record is damaged").id()).collect()
    }

    /// Opens a consumer, by which recovery runs, and takes and acknowledges all that it is given, once each.
    #[track_caller]
    pub(crate) fn drain(&self, name: &str, point: &str) -> BTreeSet<EventId> {
        let spool = self.open();
        let mut consumer = spool
            .consumer(name)
            .expect("a good name")
            .start(Start::Earliest)
            .open()
            .unwrap_or_else(|error| panic!("{point}: {error}"));
        let mut ids = BTreeSet::new();
        for delivery in consumer.drain() {
            let delivery = delivery.unwrap_or_else(|error| panic!("{point}: {error}"));
            assert!(ids.insert(delivery.id()), "{point}: {} came twice", delivery.id());
            delivery.ack().expect("an event can be acknowledged");
        }
        assert_eq!(consumer.statistics().damaged, 0, "{point}");
        ids
    }

    /// Runs recovery as any consumer does, and leaves none behind.
    #[track_caller]
    pub(crate) fn recover(&self, point: &str) {
        let mut consumer =
            self.open().ephemeral_consumer().open().expect("an ephemeral consumer can be opened");
        for problem in consumer.drain() {
            problem.map(drop).unwrap_or_else(|error| panic!("{point}: {error}"));
        }
    }

    /// Every file and folder is one that a spool consists of: nothing under way, nothing half made.
    #[track_caller]
    pub(crate) fn assert_tidy(&self, point: &str) {
        let mut all = Vec::new();
        walk(&self.path(), &self.path(), &mut all);
        let strays: Vec<_> = all.iter().filter(|path| !belongs(path)).collect();
        assert!(strays.is_empty(), "{point}: left over: {strays:?}");
    }

    /// The names in one of its folders.
    pub(crate) fn list(&self, folder: &str) -> BTreeSet<String> {
        let names = fs::read_dir(self.path().join(folder)).expect("the folder is there");
        names
            .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
            .collect()
    }
}

fn open(spool: &Spool, name: &str) -> Consumer {
    spool.consumer(name).and_then(|consumer| consumer.open()).expect("a consumer can be opened")
}

fn copy_tree(from: &Path, to: &Path, copied: &mut HashMap<u64, PathBuf>) {
    fs::create_dir(to).expect("the copy can be made");
    fs::set_permissions(to, fs::metadata(from).expect("a mode").permissions()).expect("a mode can be set");
    for entry in fs::read_dir(from).expect("a folder can be listed") {
        let entry = entry.expect("a folder can be listed");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata().expect("a file can be looked at");
        if metadata.is_dir() {
            copy_tree(&path, &to, copied);
        } else if let Some(first) = copied.get(&metadata.ino()) {
            fs::hard_link(first, &to).expect("a link can be made");
        } else {
            fs::copy(&path, &to).expect("a file can be copied");
            copied.insert(metadata.ino(), to);
        }
    }
}

fn walk(root: &Path, folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        let relative = path.strip_prefix(root).expect("it is in the spool");
        all.push(relative.to_str().expect("our names are UTF-8").to_owned());
        if path.is_dir() {
            walk(root, &path, all);
        }
    }
}

fn belongs(path: &str) -> bool {
    let hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let stem = |text: &str| {
        text.split_once('-')
            .is_some_and(|(captured, id)| captured.len() == 20 && hex(&id[..id.len().min(32)]))
    };
    match path.split('/').collect::<Vec<_>>()[..] {
        ["format" | ".gitignore" | "spool.toml" | "tmp" | "journal" | "consumers" | "rejected"] => true,
        ["journal", day] => day.len() == 10,
        ["journal", _, ".durable"] => true,
        ["journal", _, file] => file.strip_suffix(".json").is_some_and(hex),
        ["consumers", name] => !name.starts_with(['.', '~']),
        ["consumers", _, "queue" | "dead" | "lock"] => true,
        ["consumers", _, "queue", file] => file.ends_with(".json") && stem(file),
        ["consumers", _, "dead", file] => {
            (file.ends_with(".json") || file.ends_with(".reason")) && stem(file)
        }
        _ => false,
    }
}
