//! What doctor says.

use std::{fs, os::unix::fs::PermissionsExt};

use codex_hook_tests::Sandbox;
use serde_json::json;

use crate::support::*;

#[test]
fn doctor_finds_nothing_wrong_where_nothing_is() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    let (code, report) = told(&sandbox, &["doctor"]);
    assert_eq!((code, &report["ok"], &report["format"]), (0, &json!(true), &json!(1)));
    for check in report["checks"].as_array().expect("a list") {
        let by_the_machine = ["disk", "inotify"].contains(&check["name"].as_str().expect("a name"));
        assert!(check["status"] == "ok" || by_the_machine, "{check}");
    }
    assert_eq!(recorded(&sandbox), [""; 0], "its trial has a spool of its own");
}

#[test]
fn doctor_names_what_is_wrong_and_what_mends_it() {
    type Break = fn(&Sandbox);
    let cases: [(&str, Break, &str, &str, &str, &str); 7] = [
        (
            "not installed",
            |s| drop(said(s, &["uninstall"])),
            "hooks",
            "fail",
            "not installed: all 12 hooks",
            "hook install --trust",
        ),
        (
            "untrusted",
            |s| {
                said(s, &["uninstall"]);
                said(s, &["install"]);
            },
            "hooks",
            "fail",
            "untrusted: all 12 hooks",
            "hook install --trust",
        ),
        (
            "config.toml that Codex does not start with",
            |s| {
                fs::write(s.codex_home().join("config.toml"), "[features]\nhooks = \"yes\"\n")
                    .expect("written")
            },
            "files",
            "fail",
            "config.toml:2:9",
            "make it true",
        ),
        (
            "a setting that is none",
            |s| fs::write(s.spool().join("spool.toml"), "colour = 1\n").expect("written"),
            "spool.toml",
            "warn",
            "line 1: colour is not a setting",
            "mend it",
        ),
        (
            "a spool of another format",
            |s| fs::write(s.spool().join("format"), "2\n").expect("written"),
            "spool",
            "fail",
            "unknown spool format",
            "use a version",
        ),
        (
            "a spool that others can write to",
            |s| fs::set_permissions(s.spool(), fs::Permissions::from_mode(0o777)).expect("set"),
            "permissions",
            "fail",
            "others can write",
            "chmod 700",
        ),
        (
            "secrets that were to be masked",
            |s| {
                fs::write(s.spool().join("spool.toml"), "[redact]\npresets = [\"azure\"]\n").expect("written")
            },
            "spool",
            "fail",
            "ask for masking",
            "mend it",
        ),
    ];
    for (name, break_it, check_name, status, detail, remedy) in cases {
        let sandbox = sandbox();
        said(&sandbox, &["install", "--trust"]);
        break_it(&sandbox);
        let found = check(&sandbox, check_name);
        assert_eq!(found.0, status, "{name}: {found:?}");
        assert!(found.1.contains(detail) && found.2.contains(remedy), "{name}: {found:?}");
        let fails = status == "fail";
        assert_eq!(call(&sandbox, &["doctor"]).status.code(), Some(i32::from(fails)), "{name}");
    }
}

#[test]
fn hooks_whose_spool_refuses_every_event_are_not_called_active() {
    let sandbox = sandbox();
    said(&sandbox, &["install", "--trust"]);
    assert_eq!(told(&sandbox, &["status"]).0, 0);
    fs::write(sandbox.spool().join("spool.toml"), "[redact]\npresets = [\"azure\"]\n").expect("written");
    let (code, status) = told(&sandbox, &["status"]);
    assert_eq!((code, &status["active"]), (1, &json!(false)));
    assert!(status["warnings"].to_string().contains("mend it"), "{status}");
}
