//! Several who write at once, and one who is killed.

use std::fs;

use crate::home::{COMMAND, Home};
use crate::support::*;

#[test]
fn twenty_installers_at_once_write_ours_once() {
    let home = Home::with(&[("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{}]}}}}"#, group("other")))]);
    let before = home.files();
    let start = || hook_cli(&home).args(["install", "--command", COMMAND]).spawn().expect("starts");
    let installers: Vec<_> = (0..20).map(|_| start()).collect();
    for mut installer in installers {
        assert!(installer.wait().expect("ends").success());
    }
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    assert_eq!(home.read("config.toml"), "[features]\nhooks = true\n");
    home.uninstall().expect("uninstalls");
    assert_eq!(home.files(), before);
}

#[test]
fn no_write_of_another_program_is_lost() {
    let home = Home::with(&[("config.toml", "counter = 0\n"), ("hooks.json", "{}")]);
    let path = home.path("config.toml");
    // As Codex does it: read, change, rename.
    let bump = |count: u32| {
        let text = fs::read_to_string(&path).expect("reads");
        let line = text.lines().find(|line| line.starts_with("counter")).expect("the counter is there");
        let new = text.replacen(line, &format!("counter = {count}"), 1);
        let temporary = home.path("config.toml.tmp");
        fs::write(&temporary, new).expect("writes");
        fs::rename(&temporary, &path).expect("renames");
    };
    for round in 0..30 {
        let mut installer = hook_cli(&home).args(["install", "--command", COMMAND]).spawn().expect("starts");
        let mut count = round * 1_000_000;
        while installer.try_wait().expect("waits").is_none() {
            count += 1;
            bump(count);
        }
        assert!(
            home.read("config.toml").contains(&format!("counter = {count}\n")),
            "{}",
            home.read("config.toml")
        );
        home.uninstall().expect("uninstalls");
    }
}

#[test]
fn a_killed_installer_leaves_whole_files() {
    let home = Home::with(&[("hooks.json", "{\"hooks\": {}}"), ("config.toml", "x = 1")]);
    let before = home.files();
    let whole_run = run_time(hook_cli(&home).args(["install", "--command", COMMAND]));
    let after = home.files();
    home.uninstall().expect("uninstalls");
    for step in 0..100 {
        kill_after(hook_cli(&home).args(["install", "--command", COMMAND]), whole_run * step / 100);
        for name in ["hooks.json", "config.toml"] {
            let now = fs::read(home.path(name)).expect("there");
            let whole = [&before, &after].map(|files| &files[&home.path(name)]);
            assert!(whole.contains(&&now), "{name} after {step} steps: {}", String::from_utf8_lossy(&now));
        }
        if step % 2 == 0 {
            home.install().expect("completes it");
            let now = home.files();
            for (path, bytes) in &after {
                let text =
                    |bytes: Option<&Vec<u8>>| String::from_utf8_lossy(bytes.map_or(&[], |b| b)).into_owned();
                assert_eq!(text(now.get(path)), text(Some(bytes)), "{} after {step} steps", path.display());
            }
        }
        home.uninstall().expect("takes back what there is");
        home.install().expect("sweeps up");
        home.uninstall().expect("uninstalls");
        assert_eq!(home.files(), before, "after {step} steps");
    }
}
