//! `hook prune` as a process.

#![cfg(unix)]

use std::{
    fs::{self, File},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use codex_hook_tests::{Hook, Ran, Sandbox, hook, run};
use codex_spool::{Capture, Start};
use serde_json::Value;

const DAY: Duration = Duration::from_secs(86_400);

/// Noon of a UTC day, counted back from the day on which this was first asked.
fn days_ago(days: u32) -> SystemTime {
    static TODAY: OnceLock<Duration> = OnceLock::new();
    let today = TODAY.get_or_init(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Duration::from_secs(now.as_secs() / DAY.as_secs() * DAY.as_secs())
    });
    SystemTime::UNIX_EPOCH + *today + DAY / 2 - DAY * days
}

/// The UTC day of a time, as the journal names it.
fn day(time: SystemTime) -> String {
    humantime::format_rfc3339(time).to_string()[..10].to_owned()
}

/// Records an event as of so many days ago, the youngest first: writers prune too.
fn record(hook: Hook<'_>, ages: &[u32]) {
    for age in ages {
        let payload = format!(r#"{{"hook_event_name":"Interrupt","session_id":"s","age":{age}}}"#);
        hook.spool().record(payload.as_bytes(), &Capture::at(days_ago(*age))).expect("the spool takes it");
    }
}

fn prune(hook: Hook<'_>, args: &[&str]) -> Ran {
    run(hook.command(["prune"]).args(args), b"")
}

fn json(ran: &Ran) -> Value {
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).expect("it is JSON")
}

#[test]
fn it_removes_what_is_past_the_retention_time_and_first_tells_if_asked() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let mut consumer =
        hook.spool().consumer("a").expect("a name").start(Start::Earliest).open().expect("opens");
    record(hook, &[1, 10, 20]);
    let told = json(&prune(hook, &["--dry-run", "--json"]));
    assert_eq!(hook.events().len(), 3);
    let said = prune(hook, &["--dry-run"]);
    let (first, last) = (day(days_ago(20)), day(days_ago(10)));
    let expected = format!("would remove 2 events of 2 days, {first} to {last} ({} bytes)", told["bytes"]);
    assert!(said.assert_printed()[0].starts_with(&expected), "{said:?}");

    let mut pruned = json(&prune(hook, &["--json"]));
    let keys: Vec<_> = pruned.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["bytes", "consumers", "days", "dead", "dry_run", "events", "rejected"]);
    assert_eq!((&pruned["events"], &pruned["dry_run"]), (&2.into(), &false.into()));
    assert_eq!(pruned["days"], serde_json::json!([first, last]));
    pruned["dry_run"] = true.into();
    assert_eq!(pruned, told);
    assert_eq!(hook.events().len(), 1);
    assert_eq!(consumer.drain().count(), 3, "what waits in a queue waits on");
    let nothing = prune(hook, &[]);
    assert_eq!(
        nothing.assert_printed(),
        ["removed 0 events (0 bytes), 0 rejected by consumers, 0 that were no events"]
    );
}

#[test]
fn a_date_may_be_named_in_several_ways() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, &[1, 4, 8]);
    let events =
        |before: &str| json(&prune(hook, &["--before", before, "--dry-run", "--json"]))["events"].clone();
    assert_eq!(events(&day(days_ago(8))), 0, "its own day is kept");
    assert_eq!(events(&day(days_ago(7))), 1);
    assert_eq!(events(&humantime::format_rfc3339(days_ago(3)).to_string()), 2);
    assert_eq!(events("-6d"), 1);
    assert_eq!(events(&format!("-{}s", u64::MAX)), 0);
    assert_eq!(json(&prune(hook, &["--before=-6d", "--json"]))["events"], 1);
    assert_eq!(hook.events().len(), 2);
}

#[test]
fn what_is_no_date_is_a_wrong_command_line_and_removes_nothing() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, &[1, 20]);
    for date in ["yesterday", "2026-13-01", "3d"] {
        let ran = prune(hook, &["--before", date]);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        let expected = format!(
            "error: invalid value '{date}' for '--before <DATE>': no such moment: give one like 2026-11-21"
        );
        assert!(ran.stderr.starts_with(&expected), "{ran:?}");
    }
    assert_eq!(hook.events().len(), 2);
}

#[test]
fn where_there_is_no_spool_none_is_made() {
    let sandbox = Sandbox::new();
    let ran = prune(hook(&sandbox), &[]);
    assert!(ran.assert_refused().starts_with("hook: no spool: "), "{ran:?}");
    assert!(!sandbox.spool().exists());
}

#[test]
fn a_consumer_that_nobody_opens_is_warned_of_long_before_it_is_removed() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    drop(hook.spool().consumer("forgotten").expect("a name").open().expect("opens"));
    record(hook, &[1]);
    let last_open = |days| {
        let lock = File::options()
            .write(true)
            .open(sandbox.spool().join("consumers/forgotten/lock"))
            .expect("a lock");
        lock.set_modified(days_ago(days)).expect("a time can be set");
    };
    let warnings = || {
        let status = run(&mut hook.command(["status", "--offline", "--json"]), b"");
        let status: Value = serde_json::from_slice(&status.stdout).expect("it is JSON");
        serde_json::to_string(&status["warnings"]).expect("it is JSON")
    };
    last_open(44);
    assert!(!warnings().contains("forgotten"), "{}", warnings());
    last_open(46);
    let expected = format!("consumer forgotten has not been open since {}", day(days_ago(46)));
    assert!(warnings().contains(&expected), "{}", warnings());
    assert_eq!(json(&prune(hook, &["--json"]))["consumers"], serde_json::json!([]));
    last_open(91);
    let ran = prune(hook, &[]);
    let [_, line] = ran.assert_printed()[..] else { panic!("{ran:?}") };
    let expected = format!("removed the consumer forgotten, last open {}", day(days_ago(91)));
    assert!(line.starts_with(&expected) && line.ends_with("with 1 event that waited for it"), "{line}");
    assert!(!sandbox.spool().join("consumers/forgotten").exists());
}

#[test]
fn what_cannot_be_removed_is_said_and_keeps_nothing_else() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, &[1, 20]);
    let consumers = sandbox.spool().join("consumers");
    fs::remove_dir(&consumers).expect("it is empty");
    fs::write(&consumers, "a file in the way").expect("it can be written");
    let ran = prune(hook, &["--json"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(
        ran.stderr.lines().all(|line| line.starts_with("hook: ") && line.contains("consumers")),
        "{ran:?}"
    );
    assert_eq!(hook.events().len(), 1);
}
