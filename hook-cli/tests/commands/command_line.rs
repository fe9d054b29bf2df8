//! Command lines, good and bad, and what is said of them.

use crate::home::{COMMAND, Home};
use crate::support::*;

#[test]
fn an_error_is_one_line_that_ends_with_the_remedy() {
    let home = Home::with(&[("hooks.json", "{\n \"hooks\": {},\n}")]);
    let output = hook(&home, &["install", "--command", COMMAND]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let place = format!("{}:3:1", home.path("hooks.json").display());
    assert_eq!(
        said,
        format!("hook: Codex refuses this file (a trailing comma): {place}: remove the comma before this\n")
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_wrong_command_line_is_usage() {
    let home = Home::new();
    assert_eq!(hook(&home, &["install", "--events", "Nope"]).status.code(), Some(2));
    assert_eq!(hook(&home, &["install", "--no-such-option"]).status.code(), Some(2));
    let relative = hook(&home, &["install", "--command", COMMAND, "--spool-dir", "relative"]);
    assert_eq!(relative.status.code(), Some(1));
    let nowhere = hook(&home, &["install", "--scope", "project"]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("no repository"));
}

#[test]
fn event_never_ends_with_2_which_would_stop_codex() {
    let home = Home::new();
    for args in [&["event", "--foo"][..], &["event", "x", "y"], &["event", "--spool-dir"], &["event"]] {
        let output = hook(&home, args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(said.starts_with("hook: hook-cli does not record events: ") && said.lines().count() == 1);
        assert!(output.stdout.is_empty());
    }
    assert!(hook(&home, &["event", "--help"]).status.success());
}

#[test]
fn what_codex_may_have_been_told_to_run_never_ends_with_2() {
    let home = Home::new();
    for args in [&["event", "--foo"][..], &["--spool-dir", "/x", "event"], &["--foo", "event", "--bar"]] {
        let output = hook(&home, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(hook(&home, &["tail", "--foo"]).status.code(), Some(2));
}

#[test]
fn a_config_toml_that_is_no_toml_is_called_so() {
    let home = Home::with(&[("config.toml", "x = 1\ny = \n")]);
    let output = hook(&home, &["install", "--command", COMMAND]);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let place = format!("): {}:2:5: mend it by hand", home.path("config.toml").display());
    assert!(said.starts_with("hook: this is not valid TOML (") && said.contains(&place), "{said}");
}

#[test]
fn help_begins_with_what_a_newcomer_needs() {
    let home = Home::new();
    let help = stdout(&hook(&home, &["--help"]));
    let at =
        |command: &str| help.find(&format!("\n  {command} ")).unwrap_or_else(|| panic!("{command}: {help}"));
    let order = ["install", "status", "doctor", "uninstall", "tail", "event"].map(at);
    assert!(order.is_sorted(), "{help}");
    let help = stdout(&hook(&home, &["install", "--help"]));
    for words in [
        "skips hooks that are not trusted",
        "PreModelRequest",
        "SessionStart, UserPromptSubmit",
        ".codex/hooks.json",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
