//! The files that `hook install` and `hook uninstall` replace, looked at from without: by the system calls of the real
//! program.

use std::collections::{BTreeMap, HashSet, hash_map::DefaultHasher};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::Command;

use codex_hook_tests::hook_bin_dir;

use crate::calls;
use crate::disk::Disk;
use crate::explore::{Explored, home};
use crate::image::Image;
use crate::log::{Place, Step};

/// The files of the user's that are replaced, below the root.
const FILES: [&str; 2] = ["codex/hooks.json", "codex/config.toml"];

/// What is done, and what was there before.
pub(crate) struct Replacing {
    pub(crate) name: &'static str,
    pub(crate) before: fn(&Path),
    pub(crate) command: &'static str,
}

pub(crate) const REPLACING: &[Replacing] = &[
    Replacing {
        name: "install into files that are there",
        before: |root| lay_files(root),
        command: "install",
    },
    Replacing {
        name: "install where there are none",
        before: |root| fs::create_dir(root.join("codex")).expect("a folder can be made"),
        command: "install",
    },
    Replacing {
        name: "uninstall from files that were there",
        before: |root| {
            lay_files(root);
            run(root, "install");
        },
        command: "uninstall",
    },
    Replacing {
        name: "uninstall from files that install made",
        before: |root| {
            fs::create_dir(root.join("codex")).expect("a folder can be made");
            run(root, "install");
        },
        command: "uninstall",
    },
];

fn lay_files(root: &Path) {
    fs::create_dir(root.join("codex")).expect("a folder can be made");
    let group = r#"{ "matcher": "^Bash$", "hooks": [{ "type": "command", "command": "/bin/true" }] }"#;
    let group = [group; 8].join(", ");
    let hooks = format!("{{\n  \"hooks\": {{\n    \"Stop\": [{group}]\n  }}\n}}\n");
    fs::write(root.join(FILES[0]), hooks).expect("it can be written");
    fs::write(root.join(FILES[1]), "model = \"gpt\" # mine\n").expect("it can be written");
}

/// Plays it, and checks every state. With `without`, such syncs are as good as not made.
pub(crate) fn explore(replacing: &Replacing, without: Option<Place>) -> Explored {
    let home = home();
    // In one place, always: what install notes down has it.
    let root = home.path().join("root");
    let fresh = || {
        // It is not there the first time.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir(&root).expect("a folder can be made");
    };
    fresh();
    (replacing.before)(&root);
    let image = Image::take(&root);
    let old = contents(&root);
    let steps = trace(&root, replacing.command);
    let new = contents(&root);

    let mut disk = Disk::of(&image);
    let (mut seen, mut failure) = (HashSet::new(), None);
    for done in 0..=steps.len() {
        if let Some(last) = done.checked_sub(1).map(|last| &steps[last])
            && (last.place().is_none() || last.place() != without)
        {
            disk.apply(last);
        }
        let ended = done == steps.len();
        disk.states(|image| {
            let mut hasher = DefaultHasher::new();
            (&image, ended).hash(&mut hasher);
            if failure.is_some() || !seen.insert(hasher.finish()) {
                return;
            }
            fresh();
            image.lay_into(&root);
            if let Err(wrong) = check(&root, &old, &new, ended, replacing) {
                let log: Vec<String> = steps[..done].iter().map(|step| format!("  {step:?}")).collect();
                let log = log.join("\n");
                failure = Some(format!("{}: {wrong}\nwhat was done:\n{log}\nleft:\n{image}", replacing.name));
            }
        });
    }
    Explored { plays: 1, states: seen.len(), failure }
}

fn contents(root: &Path) -> BTreeMap<&'static str, Option<Vec<u8>>> {
    FILES.iter().map(|file| (*file, fs::read(root.join(file)).ok())).collect()
}

type Files = BTreeMap<&'static str, Option<Vec<u8>>>;

fn check(root: &Path, old: &Files, new: &Files, ended: bool, replacing: &Replacing) -> Result<(), String> {
    for (file, is) in contents(root) {
        if is != new[file] && (ended || is != old[file]) {
            let length = is.map_or("gone".to_owned(), |bytes| format!("{} bytes", bytes.len()));
            return Err(format!("13: {file} is neither what it was nor what it is to be: {length}"));
        }
    }
    // Whatever was left, it can be done again, and then it is done.
    if !run(root, replacing.command) {
        return Err(format!("13: {} fails when it is done again", replacing.command));
    }
    match contents(root) == *new {
        true => Ok(()),
        false => Err(format!("13: {} comes to something else when it is done again", replacing.command)),
    }
}

/// It reads its standard input to the end before it begins, so that it can be stopped there.
fn command(root: &Path, what: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = r#"read nothing; exec "$0" "$@""#;
    command.args(["-c", script]).arg(hook_bin_dir().join("hook-cli")).arg(what);
    if what == "install" {
        command.args(["--command", "/usr/local/bin/hook event"]);
    }
    command.env_clear().env("HOME", root).env("CODEX_HOME", root.join("codex")).env("PATH", "/usr/bin:/bin");
    command
}

fn run(root: &Path, what: &str) -> bool {
    codex_hook_tests::run(&mut command(root, what), b"").status.success()
}

/// Runs it to its end, and gives what it did below the root.
fn trace(root: &Path, what: &str) -> Vec<Step> {
    let steps = calls::trace(&mut command(root, what), b"", root);
    assert!(steps.iter().any(|step| matches!(step, Step::SyncFile(..))), "these are not all its calls");
    steps
}
