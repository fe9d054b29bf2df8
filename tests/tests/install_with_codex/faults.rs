//! A Codex that does not do its part, a full disk, a home that cannot be written to, and what a purge may remove.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    time::Duration,
};

use codex_hook::install::{Codex, Environment, install, trust};
use codex_hook_tests::{Hooks, Ran, Sandbox, hook, run};

use crate::support::*;

/// A program in place of Codex.
fn fake_codex(sandbox: &Sandbox, script: &str) {
    let path = sandbox.bin().join("codex");
    fs::remove_file(&path).expect("it is there");
    // The file itself is never executed: a thread's child may still have it open for writing.
    let (program, text) = (sandbox.root().join("fake-codex.sh"), format!("#!/bin/sh\n{script}\n"));
    fs::write(&program, text).expect("it can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be set");
    symlink(&program, &path).expect("it can be made");
}

#[test]
fn a_codex_that_does_not_do_its_part_is_named_and_the_install_stands() {
    let sandbox = sandbox();
    fake_codex(&sandbox, "[ \"$1\" = --version ] && echo codex-cli 0.169.0");
    let ran = call(&sandbox, &["install", "--trust"]);
    assert!(ran.assert_one_complaint().starts_with("hook: codex app-server ended"), "{ran:?}");
    assert_eq!(ran.status.code(), Some(1));
    let stands = |sandbox: &Sandbox| {
        assert_eq!(read(&sandbox.codex_home().join("hooks.json")).matches("hook event").count(), DEFAULT);
    };
    stands(&sandbox);

    fs::remove_file(sandbox.bin().join("codex")).expect("it is there");
    let alone = sandbox.bin();
    let ran = run(command(&sandbox, &["install", "--trust"]).env("PATH", &alone), b"");
    assert!(ran.assert_one_complaint().starts_with("hook: there is no codex to ask for trust"), "{ran:?}");
    assert_eq!(ran.status.code(), Some(1));
    stands(&sandbox);
}

#[test]
fn a_codex_that_hangs_is_given_up_in_time() {
    for script in ["[ \"$1\" = --version ] && echo codex-cli 0.169.0 || exec sleep 600", "exec sleep 600"] {
        let sandbox = sandbox();
        fake_codex(&sandbox, script);
        let tools =
            std::env::join_paths([sandbox.bin(), "/usr/bin".into(), "/bin".into()]).expect("they are plain");
        let patience = Duration::from_millis(400);
        let environment =
            Environment { codex_patience: patience, ..environment(&sandbox, Path::new(&tools)) };
        let request = request(&environment);
        let start = std::time::Instant::now();
        let codex = Codex::find(&environment, &request.home).expect("it is on PATH");
        let outcomes = install(&environment, &request, false).expect("it installs");
        let error = trust(&environment, &codex, &request, &outcomes).expect_err("nobody answers").to_string();
        assert!(start.elapsed() < patience * 5, "{:?}", start.elapsed());
        assert!(error.contains("did not answer") && error.contains("/hooks"), "{error}");
        assert!(sandbox.codex_home().join("hooks.json").exists(), "the install stands");
    }
}

#[test]
fn a_purge_says_what_is_in_it_and_is_refused_while_a_consumer_runs() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    turn(&sandbox);
    let consumer =
        hook(&sandbox).spool().consumer("dashboard").expect("a good name").open().expect("it opens");
    let ran = call(&sandbox, &["uninstall", "--purge", "--yes"]);
    let line = ran.assert_refused();
    assert!(
        line.contains(&format!("the consumer dashboard (pid {}) is running", std::process::id())),
        "{line}"
    );
    assert_eq!(state(&sandbox).0, 0, "nothing was done");
    drop(consumer);

    let ran = call(&sandbox, &["uninstall", "--purge"]);
    assert!(ran.assert_refused().contains("--yes"), "nobody can be asked: {ran:?}");
    assert_eq!(state(&sandbox).0, 0, "nothing was done");
    let lines = said(&sandbox, &["uninstall", "--purge", "--yes"]);
    assert!(lines.contains("6 events") && lines.contains("1 consumer"), "{lines}");
    assert!(!sandbox.spool().exists() && !sandbox.codex_home().join("hooks.json").exists());

    fs::create_dir(sandbox.spool()).expect("it can be made");
    fs::write(sandbox.spool().join("mine"), "x").expect("it can be written");
    let ran = call(&sandbox, &["uninstall", "--purge", "--yes"]);
    assert!(ran.assert_refused().contains("format"), "{ran:?}");
    assert_eq!(read(&sandbox.spool().join("mine")), "x");
}

/// Runs a script as root of a namespace of its own. `None`: this system does not let us.
fn in_namespace(sandbox: &Sandbox, script: &str) -> Option<Ran> {
    let allowed = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    allowed.ok().filter(|output| output.status.success())?;
    Some(run(sandbox.command("unshare").args(["-rm", "sh", "-c", script]), b""))
}

#[test]
fn on_a_full_disk_the_old_files_stay_whole() {
    let sandbox = sandbox();
    let path = sandbox.codex_home();
    let hooks = Hooks::new("foreign").to_json();
    let script = format!(
        r#"set -e
        cp "$CODEX_HOME/config.toml" "$HOME/config.toml"
        mount -t tmpfs -o size=64k tmpfs "$CODEX_HOME"
        cp "$HOME/config.toml" "$CODEX_HOME/config.toml"
        printf %s '{hooks}' > "$CODEX_HOME/hooks.json"
        head -c 1000000 /dev/zero > "$CODEX_HOME/ballast" 2>/dev/null || true
        hook install --command "/opt/bin/hook event" --spool-dir "$HOME/spool" && exit 9
        cmp "$HOME/config.toml" "$CODEX_HOME/config.toml"
        printf %s '{hooks}' | cmp - "$CODEX_HOME/hooks.json"
        ls -A "$CODEX_HOME" | grep -v '^tmp$'"#
    );
    if let Some(ran) = in_namespace(&sandbox, &script) {
        assert_eq!(ran.lines(), ["ballast", "config.toml", "hooks.json"], "{ran:?}");
        assert!(
            ran.stderr.contains("No space left") && ran.stderr.contains("the old file is whole"),
            "{ran:?}"
        );
    }

    // Where nothing may be mounted, a limit stands in: of a file's size, as an error and as a deadly signal.
    fs::write(path.join("hooks.json"), &hooks).expect("it can be written");
    let before = files(&path);
    for prepare in ["trap '' XFSZ; ulimit -f 1;", "ulimit -f 1;"] {
        let ran = run(sandbox.command("sh").args(["-c", &format!("{prepare} exec hook install")]), b"");
        assert!(!ran.status.success(), "{ran:?}");
        if ran.status.code() == Some(1) {
            ran.assert_one_complaint();
        }
        for (path, text) in &before {
            assert_eq!(&read(path), text);
        }
    }
    said(&sandbox, &["install", "--trust"]);
    let names = fs::read_dir(&path).expect("it can be listed").map(|entry| entry.expect("it can be listed"));
    let mut left = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    assert_eq!(
        left.find(|name| name.starts_with(".hook-install-")),
        None,
        "what a killed one left is cleared away"
    );
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
}

#[test]
fn a_home_that_cannot_be_written_to_gets_the_snippets() {
    let sandbox = sandbox();
    let script = r#"mount --bind "$CODEX_HOME" "$CODEX_HOME" && mount -o remount,bind,ro "$CODEX_HOME" && hook install"#;
    if let Some(ran) = in_namespace(&sandbox, script) {
        let line = ran.assert_refused();
        assert!(line.contains("hook install --print"), "{line}");
    }
    let before = files(&sandbox.codex_home());
    let printed = said(&sandbox, &["install", "--print"]);
    assert_eq!(files(&sandbox.codex_home()), before);
    // What is printed works, once it is put where it says.
    let path = sandbox.codex_home().join("hooks.json");
    let (hooks, config) = printed.split_once("\n# ").expect("two parts");
    let hooks = hooks.strip_prefix(&format!("# {}\n", path.display())).expect("it says where");
    fs::write(&path, hooks).expect("it can be written");
    let (place, config) = config.split_once('\n').expect("it says where");
    assert_eq!(place, sandbox.codex_home().join("config.toml").display().to_string());
    let toml = read(&sandbox.codex_home().join("config.toml"));
    fs::write(sandbox.codex_home().join("config.toml"), format!("{toml}\n{config}\n"))
        .expect("it can be written");
    sandbox.app().trust();
    turn(&sandbox);
    assert_eq!(recorded(&sandbox), TURN);
    assert_eq!(state(&sandbox), (0, "trusted".to_owned()), "what was added by hand is known too");
}
