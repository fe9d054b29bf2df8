//! `hook doctor`.

use std::fs;

use serde_json::Value;

use crate::home::Home;
use crate::support::*;

#[test]
fn doctor_explains_a_file_that_codex_would_refuse() {
    let home = installed();
    home.write("hooks.json", "{\"hooks\": {} /* mine */}");
    let output = hook(&home, &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!(keys(&report), ["checks", "format", "ok"]);
    let checks = report["checks"].as_array().expect("a list");
    let files = checks.iter().find(|check| check["name"] == "files").expect("a check");
    assert_eq!(files["status"], "fail");
    assert!(files["detail"].as_str().expect("text").contains("hooks.json:1:14"), "{files}");
    assert_eq!(files["remedy"], "remove it: hooks.json is strict JSON");
}

/// The check of that name, which may not say less than the worst of that name.
fn check(home: &Home, name: &str) -> (String, String) {
    let report = json(&command_with_tools(home, &["doctor", "--json"]));
    let checks = report["checks"].as_array().expect("a list");
    let check =
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{} -> {}", text("detail"), text("remedy")))
}

/// A program that records as `hook event` does, as far as doctor can see.
fn recorder() -> String {
    format!("mkdir -p \"$3/{DAY}\" && cat > \"$3/{DAY}/{ID}.json\"")
}

fn with_recorder(script: &str) -> Home {
    let home = Home::new();
    let recorder = program(&home, "hook", script);
    // Nothing but builtins and absolute paths: the shell's PATH is the test's.
    assert!(
        hook(&home, &["install", "--command", &format!("{} event", recorder.display())]).status.success()
    );
    home
}

#[test]
fn doctor_runs_the_command_as_codex_does() {
    let home = with_recorder(&recorder());
    let (status, said) = check(&home, "command");
    assert!(status == "ok" && said.contains("of it the shell"), "{said}");
    let mut days = fs::read_dir(home.path("hook-spool/journal")).expect("the spool is there");
    assert!(days.next().is_none(), "the trial has a spool of its own");
    for (script, fault) in [
        ("cat >/dev/null; exit 3", "it exits 3"),
        ("cat >/dev/null", "recorded nothing"),
        ("cat", "prints to stdout"),
    ] {
        let (status, said) = check(&with_recorder(script), "command");
        assert!(status == "fail" && said.contains(fault), "{said}");
    }
}

#[test]
fn a_command_whose_spool_refuses_events_is_not_called_well() {
    for (settings, reason, remedy) in [
        ("[redact]\npresets = [\"azure\"]\n", "no preset", "mend it"),
        ("\n[redact\n", "spool.toml:2", "mend it"),
    ] {
        let home = with_recorder(&recorder());
        home.write("hook-spool/spool.toml", settings);
        for name in ["command", "spool", "spool.toml", "redact"] {
            let (status, said) = check(&home, name);
            assert_eq!(status, "fail", "{name}: {said}");
            assert!(said.contains(reason) && said.contains(remedy), "{name}: {said}");
        }
        assert_eq!(check(&home, "warnings"), ("ok".to_owned(), "none -> ".to_owned()), "said elsewhere");
    }
    let home = with_recorder(&recorder());
    home.write("hook-spool/format", "2\n");
    assert_eq!(check(&home, "command").0, "fail");
    assert_eq!(check(&home, "spool.toml").0, "skip");
}

#[test]
fn what_is_masked_is_told() {
    let home = with_recorder(&recorder());
    let (status, said) = check(&home, "redact");
    assert!(status == "ok" && said.starts_with("nothing is masked: "), "{said}");
    let settings =
        "[redact]\npresets = [\"aws\", \"jwt\"]\npatterns = ['a', 'b']\npointers = [\"/prompt\"]\n";
    home.write("hook-spool/spool.toml", settings);
    let masked = "presets aws, jwt; 2 patterns; pointer /prompt";
    assert_eq!(check(&home, "redact"), ("ok".to_owned(), format!("masked: {masked} -> ")));
    let told = stdout(&hook(&home, &["status"]));
    assert!(told.contains(&format!("\nmasked     {masked}\n")), "{told}");
}

#[test]
fn a_command_that_hangs_or_chatters_is_given_up_and_heard_out() {
    let chatters = "cat >/dev/null; head -c 1000000 /dev/zero >&2; echo; exit 3";
    let (status, said) = check(&with_recorder(chatters), "command");
    assert!(status == "fail" && said.contains("it exits 3"), "{said}");
}

#[test]
fn a_program_that_is_gone_is_named_with_what_brings_it_back() {
    let home = with_recorder(&recorder());
    fs::remove_file(home.root().join("bin/hook")).expect("removes");
    let (status, said) = check(&home, "command");
    assert_eq!(status, "fail");
    assert!(said.contains("bin/hook") && said.contains("then run `hook install --trust`"), "{said}");
}

#[test]
fn what_nobody_has_trusted_or_installed_is_mended_by_install_with_trust() {
    for home in [Home::new(), installed()] {
        let report = json(&hook(&home, &["doctor", "--json"]));
        let hooks = |check: &&Value| check["name"] == "hooks";
        let checks = report["checks"].as_array().expect("a list");
        let check = checks.iter().find(hooks).expect("a check");
        assert_eq!(check["remedy"], "hook install --trust", "{check}");
    }
}

#[test]
fn consumers_are_counted_with_what_waits_for_them() {
    let home = with_recorder(&recorder());
    assert_eq!(check(&home, "consumers").1, "none -> ");
    let spool = codex_spool::Spool::open(home.path("hook-spool")).expect("opens");
    drop(spool.consumer("dashboard").expect("a name").open().expect("opens"));
    let bot = spool.consumer("bot").expect("a name").open().expect("opens");
    assert_eq!(check(&home, "consumers"), ("ok".to_owned(), "2 consumers, 0 events pending -> ".to_owned()));
    spool.record(br#"{"hook_event_name":"Stop"}"#, &codex_spool::Capture::now()).expect("records");
    let (status, said) = check(&home, "consumers");
    assert!(
        status == "warn"
            && said.starts_with("2 consumers, 2 events pending: 1 waits for dashboard, which does not run"),
        "{said}"
    );
    drop(bot);
}

#[test]
fn a_config_toml_that_is_no_toml_is_called_so() {
    let home = installed();
    home.write("config.toml", "x = 1\ny = \n");
    let (status, said) = check(&home, "files");
    let place = format!("{}:2:5", home.path("config.toml").display());
    assert!(
        status == "fail" && said.starts_with("this is not valid TOML (") && said.contains(&place),
        "{said}"
    );
}
