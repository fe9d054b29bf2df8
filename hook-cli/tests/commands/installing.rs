//! `hook install`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::home::{COMMAND, Home};
use crate::support::*;

#[test]
fn install_tells_scripts_what_it_did() {
    let home = Home::new();
    let output = hook(&home, &["install", "--command", COMMAND, "--events", "core", "--json"]);
    let report = json(&output);
    assert!(output.status.success());
    let names = ["changed", "command", "events", "files", "format", "next", "trust"];
    assert_eq!(keys(&report), names);
    assert_eq!(report["format"], 1);
    assert_eq!(report["changed"], true);
    assert_eq!(report["command"], COMMAND);
    assert_eq!(report["events"].as_array().expect("a list").len(), 6);
    assert_eq!(report["trust"], "needed");
    assert_eq!(report["files"][0]["action"], "created");
    assert_eq!(report["files"][0]["path"], home.path("hooks.json").display().to_string());
    let again = json(&hook(&home, &["install", "--command", COMMAND, "--events", "core", "--json"]));
    assert_eq!(again["changed"], false);
    assert_eq!(again["trust"], "unknown");
    assert_eq!(again["files"][1]["action"], "unchanged");
}

#[test]
fn install_ends_by_saying_what_is_still_to_be_done() {
    let home = Home::new();
    let said = stdout(&hook(&home, &["install", "--command", COMMAND]));
    assert!(said.contains("hook install --trust"), "{said}");
    assert!(said.contains("restart Codex where it runs"), "{said}");
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let home = Home::with(&[("config.toml", "x = 1\n")]);
    let before = home.files();
    let output = hook(&home, &["install", "--command", COMMAND, "--dry-run"]);
    let said = stdout(&output);
    assert!(output.status.success());
    assert!(said.contains("--- /dev/null") && said.contains("+hooks = true"), "{said}");
    assert!(!said.contains('\x1b'), "no colours into a pipe");
    assert_eq!(home.files(), before);
    assert!(
        stdout(&hook(&installed(), &["install", "--command", COMMAND, "--dry-run"]))
            .contains("nothing to change")
    );
}

#[test]
fn what_to_add_by_hand_can_be_printed() {
    let home = Home::new();
    let said = stdout(&hook(&home, &["install", "--command", COMMAND, "--print"]));
    assert!(said.contains(COMMAND) && said.contains("[features]\nhooks = true"), "{said}");
    assert!(home.files().is_empty());
}

#[test]
fn a_codex_that_does_not_answer_leaves_the_install_standing() {
    let home = Home::new();
    program(&home, "codex", "[ \"$1\" = --version ] && echo codex-cli 0.169.0");
    let output = hook(&home, &["install", "--command", COMMAND, "--trust"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.starts_with("hook: codex app-server ended"), "{said}");
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    let none = hook(&installed(), &["install", "--command", COMMAND, "--trust"]);
    let said = String::from_utf8(none.stderr.clone()).expect("UTF-8");
    assert!(said.starts_with("hook: there is no codex to ask for trust (looked in "), "{said}");
    assert!(said.contains("/hooks dialogue") && said.contains("the hooks are installed"), "{said}");
    assert!(said.lines().count() == 1 && !said.contains("run `hook install --trust`"), "{said}");
    assert!(!stdout(&none).contains("hook install --trust"), "the error says what to do: {none:?}");
}

#[test]
fn an_old_codex_gets_the_switch_that_it_knows_and_needs_no_trust() {
    let home = Home::new();
    program(&home, "codex", "echo codex-cli 0.116.0");
    let command = format!("{} event", program(&home, "hook", "cat >/dev/null").display());
    let report = json(&hook(&home, &["install", "--command", &command, "--trust", "--json"]));
    assert_eq!(report["trust"], "not_applicable");
    assert_eq!(home.read("config.toml"), "[features]\ncodex_hooks = true\n");
    assert!(hook(&home, &["status"]).status.success());
    assert!(hook(&home, &["uninstall"]).status.success());
    assert!(home.files().is_empty());
}

#[test]
fn a_spool_elsewhere_is_named_in_the_command_and_found_again() {
    let home = Home::new();
    let spool = home.root().join("my spool");
    let own = PathBuf::from(env!("CARGO_BIN_EXE_hook-cli"));
    let bin = home.root().join("bin");
    fs::create_dir_all(&bin).expect("creates");
    for name in ["hook", "hook-cli"] {
        fs::copy(&own, bin.join(name)).expect("copies");
    }
    let run = |args: &[&str]| {
        let mut run = Command::new(bin.join("hook-cli"));
        run.args(args)
            .env_clear()
            .env("CODEX_HOME", home.path(""))
            .env("PATH", &bin)
            .current_dir(home.root());
        run.output().expect("runs")
    };
    let output = run(&["install", "--spool-dir", &spool.display().to_string()]);
    assert!(output.status.success(), "{output:?}");
    let command = format!("{}/hook event --spool-dir '{}'", bin.display(), spool.display());
    assert_eq!(home.read("hooks.json").matches(&command).count(), 12);
    assert!(spool.join("install.json").exists() && !home.path("hook-spool").exists());
    let status = json(&run(&["status", "--offline", "--json"]));
    assert_eq!(status["spool"]["dir"], spool.display().to_string());
    assert!(run(&["uninstall"]).status.success());
    assert!(home.files().is_empty() && !spool.exists());
}

#[test]
fn what_is_not_said_stays_as_it_was() {
    let home = Home::new();
    hook(&home, &["install", "--command", "nice my-recorder", "--events", "core"]);
    let before = home.files();
    let report = json(&hook(&home, &["install", "--json"]));
    assert_eq!(report["changed"], false, "{report}");
    assert_eq!(home.files(), before);
    let report = json(&hook(&home, &["install", "--json", "--events", "default"]));
    assert_eq!(report["events"].as_array().expect("a list").len(), 12);
    assert_eq!(report["command"], "nice my-recorder");
}

#[test]
fn a_full_disk_leaves_the_old_files_whole() {
    let script = r#"
        set -e
        mount -t tmpfs -o size=64k tmpfs "$HOME/codex"
        printf '{"hooks":{}}' > "$HOME/codex/hooks.json"
        printf 'x = 1' > "$HOME/codex/config.toml"
        head -c 1000000 /dev/zero > "$HOME/codex/ballast" 2>/dev/null || true
        mkdir "$HOME/spool"
        "$HOOK" install --command "/opt/bin/hook event" --spool-dir "$HOME/spool" 2> "$HOME/stderr" && exit 9
        printf '%s %s' "$(cat "$HOME/codex/hooks.json")" "$(cat "$HOME/codex/config.toml")"
        ls -A "$HOME/codex" | tr '\n' ' '
    "#;
    let home = Home::new();
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .env("HOME", home.root())
        .env("CODEX_HOME", home.path(""))
        .env("HOOK", env!("CARGO_BIN_EXE_hook-cli"))
        .output();
    // Where a test may not mount anything, it can't show this.
    let Some(output) = output.ok().filter(|output| output.status.success()) else { return };
    let said = fs::read_to_string(home.root().join("stderr")).expect("there");
    assert!(said.contains("the old file is whole"), "{said}");
    assert_eq!(stdout(&output), "{\"hooks\":{}} x = 1ballast config.toml hooks.json ");
}

#[test]
fn a_spool_elsewhere_has_to_be_named_to_readers_and_that_is_said() {
    let home = Home::new();
    let elsewhere = home.root().join("elsewhere");
    let command = format!("/opt/bin/hook event --spool-dir {}", elsewhere.display());
    let said = stdout(&hook(&home, &["install", "--command", &command]));
    let next =
        format!("- the events go to {}: give that to `hook tail` and to programs too", elsewhere.display());
    assert!(said.contains(&next), "{said}");
    let others = [&["tail", "--no-follow"][..], &["consumers", "list"], &["prune"], &["threads"]];
    for made in [false, true] {
        if made {
            drop(codex_spool::Spool::open(home.path("hook-spool")).expect("opens"));
        }
        for args in others {
            let output = hook(&home, args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let place = format!("the hooks write to {}: give it with --spool-dir\n", elsewhere.display());
            assert!(output.status.code() == Some(1) && said.ends_with(&place), "{args:?}: {said}");
        }
    }
    codex_spool::Spool::open(home.path("hook-spool"))
        .and_then(|spool| spool.record(br#"{"hook_event_name":"Stop"}"#, &codex_spool::Capture::now()))
        .expect("records");
    for args in others {
        assert!(hook(&home, args).status.success(), "{args:?}");
    }
}

#[test]
fn what_another_install_does_meanwhile_is_not_said_of_codex() {
    let home = Home::new();
    // It takes long enough for another install to come and go.
    let listed = r#"{"id":%s,"result":{"data":[{"hooks":[{"key":"k:stop:0:0","eventName":"stop","command":"/opt/bin/hook event","sourcePath":"HOOKS","trustStatus":"trusted"}]}]}}"#;
    let listed = listed.replace("HOOKS", &home.path("hooks.json").display().to_string());
    let script = format!(
        r#"if [ "$1" = --version ]; then echo codex-cli 0.169.0; exit; fi
while read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%[,\}}]*}}
  case $line in
    *'"initialize"'*) printf '{{"id":%s,"result":{{}}}}\n' "$id" ;;
    *hooks/list*) PATH= "{hook}" install --events Stop --command "/opt/bin/hook event" >/dev/null 2>&1; printf '{listed}\n' "$id" ;;
  esac
done"#,
        hook = env!("CARGO_BIN_EXE_hook-cli"),
    );
    program(&home, "codex", &script);
    let output = hook(&home, &["install", "--command", COMMAND, "--events", "Stop,Interrupt", "--trust"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let place = home.path("hooks.json").display().to_string();
    assert_eq!(
        said,
        format!("hook: another install has changed the hooks meanwhile: {place}: run it again\n")
    );
    assert!(!stdout(&output).contains("does not know"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
}
