//! The whole of install and uninstall, with files: whatever hooks.json and config.toml there are, they are refused and left
//! alone, or given back to the byte.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use codex_hook::install::{
    Environment, EventSet, InstallRequest, Scope, UninstallRequest, install, uninstall,
};
use codex_hook_fuzz::assert_one_line;
use libfuzzer_sys::fuzz_target;

/// In memory, where there is such a place: nothing is to outlive anything here.
static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let dir = place.join(format!("hook-fuzz-install-{}", std::process::id()));
    fs::create_dir_all(dir.join("codex")).expect("a folder");
    dir
});

const FILES: [&str; 2] = ["hooks.json", "config.toml"];

fuzz_target!(|bytes: &[u8]| {
    // hooks.json, a zero byte, config.toml; what is empty is not there.
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let before = FILES.map(|_| parts.next().filter(|part| !part.is_empty()).map(<[u8]>::to_owned));
    let home = DIR.join("codex");
    for (name, text) in FILES.iter().zip(&before) {
        match text {
            Some(text) => fs::write(home.join(name), text).expect("writes"),
            None => drop(fs::remove_file(home.join(name))),
        }
    }
    let found = || FILES.map(|name| fs::read(home.join(name)).ok());
    let environment = Environment {
        codex_home: Some(home.clone().into()),
        home: Some(DIR.clone()),
        cwd: DIR.clone(),
        ..Environment::default()
    };
    let codex_home = environment.codex_home(None).expect("a home");
    let request = InstallRequest {
        spool_dir: codex_home.default_spool(),
        home: codex_home.clone(),
        scope: Scope::User,
        events: EventSet::default(),
        command: "/opt/bin/hook event".to_owned(),
        version: None,
    };
    match install(&environment, &request, false) {
        Ok(_) => {
            let installed = found();
            let again = install(&environment, &request, false).expect("installs again");
            assert!(!again.changed() && found() == installed, "a second install changes nothing");
            let request = UninstallRequest { home: codex_home, scope: Scope::User };
            let done = uninstall(&environment, &request, false).expect("uninstalls");
            // Where ours were there before, nobody knows what was there before them.
            if !done.before_unknown {
                assert!(found() == before, "{:?} became {:?}", text(&before), text(&found()));
                assert_eq!(fs::read_dir(&home).expect("lists").count(), before.iter().flatten().count());
            }
        }
        Err(error) => {
            assert_one_line(&error.to_string());
            assert!(found() == before, "what is refused is left alone");
        }
    }
    let _ = fs::remove_dir_all(home.join("hook-spool"));
});

fn text(files: &[Option<Vec<u8>>; 2]) -> Vec<Option<String>> {
    files.iter().map(|file| file.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())).collect()
}
