//! `hook event` and the state in which it finds its spool directory.

#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use codex_hook_tests::{Ran, Sandbox, hook, hook_binary, run};
use nix::unistd::geteuid;

const PAYLOAD: &str = r#"{"session_id":"s","transcript_path":null,"cwd":"/","hook_event_name":"Stop"}"#;

/// Some user who is not root and owns nothing.
const NOBODY: u32 = 65_534;

/// `hook event` on the spool `dir`.
fn event_in(sandbox: &Sandbox, dir: &Path) -> Ran {
    run(hook(sandbox).command(["event", "--spool-dir"]).arg(dir), PAYLOAD.as_bytes())
}

/// Removes the days of the journal, so that an event that was recorded can be recorded again.
fn forget_days(spool: &Path) {
    for day in fs::read_dir(spool.join("journal")).expect("it can be listed") {
        fs::remove_dir_all(day.expect("it can be listed").path()).expect("its owner may do that");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its owner may do that");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

/// A user to whom permissions apply: the one who runs the tests or, where that is root, nobody.
struct Subject<'a> {
    sandbox: &'a Sandbox,
    program: PathBuf,
}

impl<'a> Subject<'a> {
    fn of(sandbox: &'a Sandbox) -> Self {
        if !geteuid().is_root() {
            return Self { sandbox, program: hook_binary() };
        }
        // Nobody may have no access to where cargo builds. Another process copies the program, so that no child of
        // this one, forked meanwhile, can have it open for writing when it is to be run.
        let program = sandbox.root().join("hook");
        let copied = Command::new("cp").args([&hook_binary(), &program]).status();
        assert!(copied.expect("there is a cp").success());
        set_mode(sandbox.root(), 0o711);
        Self { sandbox, program }
    }

    /// A new folder of this user.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.sandbox.root().join(name);
        fs::create_dir(&folder).expect("the sandbox can be written to");
        set_mode(&folder, 0o700);
        self.give(&folder);
        folder
    }

    fn give(&self, path: &Path) {
        if geteuid().is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may do that");
        }
    }

    /// Runs a command as this user.
    fn run(&self, command: &mut Command) -> Ran {
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        run(command, PAYLOAD.as_bytes())
    }

    fn event_in(&self, dir: &Path) -> Ran {
        self.run(self.sandbox.command(&self.program).args(["event", "--spool-dir"]).arg(dir))
    }

    /// `hook event` with that umask.
    fn event_with_umask(&self, umask: &str, dir: &Path) -> Ran {
        let script = format!(r#"umask {umask}; exec "$0" event --spool-dir "$1""#);
        self.run(self.sandbox.command("/bin/sh").args(["-c", &script]).args([&self.program, dir]))
    }
}

/// Every file and folder at and below `path`.
fn all_in(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("it can be listed") {
            paths.extend(all_in(&entry.expect("it can be listed").path()));
        }
    }
    paths
}

#[track_caller]
fn assert_private(spool: &Path) {
    let paths = all_in(spool);
    assert!(paths.iter().any(|path| path.is_file() && path.to_string_lossy().contains("/journal/")));
    for path in paths {
        let right = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), right, "{:04o} {}", mode(&path), path.display());
    }
}

#[test]
fn a_missing_directory_is_made_for_its_owner_alone() {
    let sandbox = Sandbox::new();
    let top = sandbox.root().join("not");
    event_in(&sandbox, &top.join("there/yet")).assert_silent();
    assert_private(&top);
}

#[test]
fn the_umask_decides_nothing() {
    for umask in ["000", "022", "077", "777"] {
        let sandbox = Sandbox::new();
        let subject = Subject::of(&sandbox);
        let home = subject.folder("subject");
        let spool = home.join("new/spool");
        subject.event_with_umask(umask, &spool).assert_silent();
        assert_private(&home);
        // A spool that is there, with a consumer and without today, fares no worse.
        let consumer = spool.join("consumers/c");
        for folder in [consumer.clone(), consumer.join("queue")] {
            fs::create_dir(&folder).expect("the spool can be written to");
            set_mode(&folder, 0o700);
            subject.give(&folder);
        }
        forget_days(&spool);
        subject.event_with_umask(umask, &spool).assert_silent();
        assert_eq!(fs::read_dir(consumer.join("queue")).expect("it is there").count(), 1);
        assert_private(&home);
    }
}

#[test]
fn a_read_only_directory_is_refused() {
    let sandbox = Sandbox::new();
    let subject = Subject::of(&sandbox);
    let empty = subject.folder("empty");
    set_mode(&empty, 0o500);
    assert!(subject.event_in(&empty).assert_refused().contains("give this user write access"));
    assert!(subject.event_in(&empty.join("below")).assert_refused().contains("give this user write access"));
    assert_eq!(all_in(&empty).len(), 1);
}

#[test]
fn a_spool_that_has_become_read_only_is_refused_and_stays_as_it_is() {
    let sandbox = Sandbox::new();
    let subject = Subject::of(&sandbox);
    let spool = subject.folder("subject").join("spool");
    subject.event_with_umask("022", &spool).assert_silent();
    forget_days(&spool);
    let (tmp, journal) = (spool.join("tmp"), spool.join("journal"));
    for (folder, mode) in [(&tmp, 0o500), (&tmp, 0o000), (&journal, 0o500), (&spool, 0o000)] {
        set_mode(folder, mode);
        let ran = subject.event_in(&spool);
        assert!(ran.assert_refused().contains("give this user write access"), "{folder:?} {mode:o}: {ran:?}");
        set_mode(folder, 0o700);
        assert_eq!(fs::read_dir(&tmp).expect("it is there").count(), 0);
    }
}

#[test]
fn a_spool_that_can_hold_no_more_is_refused_and_keeps_nothing_of_it() {
    let sandbox = Sandbox::new();
    hook(&sandbox).event("{}").assert_refused();
    let large = format!(r#"{{"hook_event_name":"Stop","a":"{}"}}"#, "a".repeat(10_000));
    // No file may grow past this limit; with the signal ignored, writing fails as on a disk that is full.
    let script = r#"trap "" XFSZ; ulimit -f 1; exec "$0" event"#;
    let mut command = sandbox.command("/bin/sh");
    run(command.args(["-c", script]).arg(hook_binary()), large.as_bytes()).assert_refused();
    assert_eq!(fs::read_dir(sandbox.spool().join("tmp")).expect("it is there").count(), 0);
    assert_eq!(hook(&sandbox).events().len(), 0);
}

#[test]
fn a_file_in_the_place_of_the_spool_is_refused() {
    let sandbox = Sandbox::new();
    let file = sandbox.root().join("file");
    fs::write(&file, "mine").expect("the sandbox can be written to");
    assert!(event_in(&sandbox, &file).assert_refused().contains("not a directory"));
    assert!(event_in(&sandbox, &file.join("below")).assert_refused().contains("a file is in the way"));
    assert_eq!(fs::read(&file).expect("it is there"), b"mine");

    let dangling = sandbox.root().join("dangling");
    symlink(sandbox.root().join("nowhere"), &dangling).expect("the sandbox can be written to");
    event_in(&sandbox, &dangling).assert_refused();
}

#[test]
fn a_folder_of_other_things_is_refused() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.project().join("main.c"), "").expect("the sandbox can be written to");
    assert!(event_in(&sandbox, &sandbox.project()).assert_refused().contains("not a spool"));
    assert_eq!(all_in(&sandbox.project()).len(), 2);
}

#[test]
fn a_spool_of_another_version_is_refused() {
    let sandbox = Sandbox::new();
    hook(&sandbox).event(PAYLOAD).assert_silent();
    fs::write(sandbox.spool().join("format"), "2\n").expect("the spool can be written to");
    assert!(hook(&sandbox).event("{}").assert_refused().contains("unknown spool format"));
}

#[test]
fn another_users_spool_is_refused() {
    let sandbox = Sandbox::new();
    let foreign = sandbox.root().join("foreign");
    if geteuid().is_root() {
        fs::create_dir(&foreign).expect("the sandbox can be written to");
        chown(&foreign, Some(NOBODY), None).expect("root may do that");
    } else {
        symlink("/", &foreign).expect("the sandbox can be written to");
    }
    assert!(event_in(&sandbox, &foreign).assert_refused().contains("belongs to another user"));
}

#[test]
fn a_spool_that_others_can_write_to_is_refused() {
    let sandbox = Sandbox::new();
    hook(&sandbox).event(PAYLOAD).assert_silent();
    for mode in [0o777, 0o770, 0o702, 0o1777, 0o722] {
        set_mode(&sandbox.spool(), mode);
        let ran = hook(&sandbox).event(PAYLOAD);
        assert!(ran.assert_refused().contains("other users can write"), "{mode:o}");
    }
    for mode in [0o755, 0o700] {
        set_mode(&sandbox.spool(), mode);
        hook(&sandbox).event(PAYLOAD).assert_silent();
    }
}

#[test]
fn a_symbolic_link_to_a_spool_is_followed() {
    let sandbox = Sandbox::new();
    let (real, link) = (sandbox.root().join("real"), sandbox.root().join("link"));
    fs::create_dir(&real).expect("the sandbox can be written to");
    symlink(&real, &link).expect("the sandbox can be written to");
    event_in(&sandbox, &link).assert_silent();
    assert!(real.join("format").exists());
}

#[test]
fn a_folder_that_somebody_removed_from_the_spool_is_made_again() {
    for folder in ["tmp", "journal", "consumers", "rejected"] {
        let sandbox = Sandbox::new();
        hook(&sandbox).event(PAYLOAD.replace("Stop", "SessionStart")).assert_silent();
        fs::remove_dir_all(sandbox.spool().join(folder)).expect("its owner may do that");
        if folder == "journal" {
            assert_eq!(hook(&sandbox).events().len(), 0);
        }
        hook(&sandbox).event(PAYLOAD).assert_silent();
        assert!(hook(&sandbox).event("no event").assert_refused().contains("kept in"), "{folder}");
        assert!(hook(&sandbox).events().iter().any(|event| event.payload() == PAYLOAD), "{folder}");
        assert_eq!(hook(&sandbox).rejected().len(), 1, "{folder}");
    }
}

/// A user of whom the system knows nothing has no home either. Only root can be somebody else.
#[test]
fn no_home_is_said() {
    if !geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(Subject::of(&sandbox).program);
    command.arg("event").env_remove("HOME").env_remove("CODEX_HOME").uid(54_321).gid(54_321).current_dir("/");
    let ran = run(&mut command, PAYLOAD.as_bytes());
    assert!(ran.assert_refused().contains("no place for the spool"));
}
