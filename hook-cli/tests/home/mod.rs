//! A Codex home in a directory that goes with the test.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use codex_hook::install::{
    CodexHome, Environment, Error, EventSet, InstallRequest, Outcomes, Scope, UninstallRequest, install,
    uninstall,
};

pub(crate) struct Home {
    dir: tempfile::TempDir,
    pub(crate) environment: Environment,
}

pub(crate) const COMMAND: &str = "/opt/bin/hook event";

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let environment = Environment {
            codex_home: Some(dir.path().join("codex").into()),
            home: Some(dir.path().to_owned()),
            cwd: dir.path().to_owned(),
            ..Environment::default()
        };
        let home = Home { dir, environment };
        fs::create_dir(home.path("")).expect("creates the home");
        home
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let home = Home::new();
        for (name, text) in files {
            home.write(name, text);
        }
        home
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("codex").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("writes");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn codex_home(&self) -> CodexHome {
        self.environment.codex_home(None).expect("a home")
    }

    pub(crate) fn request(&self) -> InstallRequest {
        let home = self.codex_home();
        InstallRequest {
            spool_dir: home.default_spool(),
            home,
            scope: Scope::User,
            events: EventSet::default(),
            command: COMMAND.to_owned(),
            version: None,
        }
    }

    pub(crate) fn install(&self) -> Result<Outcomes, Error> {
        install(&self.environment, &self.request(), false)
    }

    pub(crate) fn install_events(&self, events: &str) -> Outcomes {
        let events = events.parse().expect("events");
        install(&self.environment, &InstallRequest { events, ..self.request() }, false).expect("installs")
    }

    pub(crate) fn uninstall(&self) -> Result<Outcomes, Error> {
        let request = UninstallRequest { home: self.codex_home(), scope: Scope::User };
        uninstall(&self.environment, &request, false)
    }

    /// Every file below the home, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.path("")];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("lists") {
                let path = entry.expect("lists").path();
                match path.is_dir() {
                    true => dirs.push(path),
                    false => drop(files.insert(path.clone(), fs::read(path).expect("reads"))),
                }
            }
        }
        files
    }
}
