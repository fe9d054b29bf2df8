//! What a report says of a spool is what is in it.

use std::fs;
use std::time::SystemTime;

use codex_spool::{Spool, SpoolReport};
use serde_json::json;

use crate::support::{Home, Outcome, ack_all, list};

#[test]
fn it_counts_what_there_is() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("dashboard");
    let before = SystemTime::now();
    for n in 0..3 {
        home.record("a", n);
    }
    home.spool.record(b"no payload", &codex_spool::Capture::now()).expect_err("it is none");
    fs::write(home.path("journal/.DS_Store"), "x")?;
    fs::write(home.path("consumers/dashboard/queue/.DS_Store"), "x")?;

    let report = home.spool.report();
    assert!(report.exists && report.problems.is_empty(), "{report:?}");
    assert_eq!((report.events, report.rejected, report.recovering), (3, 1, 0));
    let [event, ..] = &home.spool.journal()?.collect::<Result<Vec<_>, _>>()?[..] else { panic!("events") };
    assert_eq!(report.bytes, 3 * event.record().len() as u64);
    assert!(report.last_event_at.is_some_and(|at| at >= before));
    let [dashboard] = &report.consumers[..] else { panic!("one consumer is expected: {report:?}") };
    assert_eq!((dashboard.name.as_str(), dashboard.pending, dashboard.dead), ("dashboard", 3, 0));
    assert!(dashboard.running && dashboard.pid == Some(std::process::id()));
    assert!(dashboard.bytes == report.bytes && dashboard.oldest_pending_at.is_some_and(|at| at >= before));

    consumer.drain().next().expect("an event")?.reject("tried it")?;
    ack_all(&mut consumer);
    drop(consumer);
    let report = home.spool.report();
    let dashboard = &report.consumers[0];
    assert_eq!((report.events, dashboard.pending, dashboard.dead), (3, 0, 1));
    assert!(!dashboard.running && dashboard.oldest_pending_at.is_none());
    Ok(())
}

#[test]
fn an_ephemeral_consumer_is_in_it_while_it_lives() {
    let home = Home::new();
    let consumer = home.spool.ephemeral_consumer().open().expect("it can be opened");
    assert_eq!(home.spool.report().consumers.len(), 1);
    drop(consumer);
    assert_eq!(home.spool.report().consumers.len(), 0);
}

#[test]
fn to_serde_it_is_what_counts() -> Outcome {
    let home = Home::with_settings("consumer_expiry_days = 0\n");
    drop(home.open("dashboard"));
    let report = home.spool.report();
    let expected = json!({"dir": home.path("").components().collect::<std::path::PathBuf>(), "events": 0, "bytes": 0,
        "last_event_at": null, "rejected": 0, "recovering": 0});
    assert_eq!(serde_json::to_value(&report)?, expected);
    let expected = json!({"name": "dashboard", "pending": 0, "in_flight": null, "dead": 0, "oldest_pending_at": null,
        "bytes": 0, "running": false, "pid": std::process::id(), "wake": null, "expires_at": null});
    assert_eq!(serde_json::to_value(&report.consumers)?, json!([expected]));
    home.record("a", 1);
    let at = serde_json::to_value(home.spool.report())?["last_event_at"].take();
    assert_eq!(at.as_str().map(str::len), Some("2026-11-21T03:47:36.397361031Z".len()));
    Ok(())
}

#[test]
fn what_cannot_be_used_says_why_and_looking_makes_nothing() -> Outcome {
    let dir = tempfile::tempdir()?;
    let report = SpoolReport::of(&dir.path().join("none"));
    assert!(!report.exists && report.problems.is_empty() && report.events == 0);
    assert!(list(dir.path()).is_empty());

    let home = Home::with_settings("");
    home.record("a", 1);
    fs::write(home.path("spool.toml"), "colour = 1\n")?;
    assert_eq!(home.spool.report().settings.problems.len(), 1);
    assert!(home.spool.report().problems.is_empty(), "a default was taken");
    fs::write(home.path("format"), "2\n")?;
    let report = home.spool.report();
    let [problem] = &report.problems[..] else { panic!("{report:?}") };
    assert_eq!(*problem, Spool::open(home.path("")).expect_err("it is unknown").to_string());
    assert_eq!(report.events, 1, "what can be counted is");
    Ok(())
}

#[test]
fn a_place_where_no_spool_can_be_made_says_why_before_the_first_event() -> Outcome {
    let dir = tempfile::tempdir()?;
    let place = dir.path().join("spool");
    fs::create_dir(&place)?;
    assert!(SpoolReport::of(&place).problems.is_empty(), "an empty folder will do");
    for (name, text, of_settings) in
        [("mine", "x", false), ("spool.toml", "[redact]\npresets = [\"azure\"]\n", true)]
    {
        fs::write(place.join(name), text)?;
        let report = SpoolReport::of(&place);
        assert_eq!(report.problems, [Spool::open(&place).expect_err(name).to_string()]);
        assert_eq!(report.settings_refused, of_settings);
        assert_eq!(list(&place), [name], "looking makes nothing");
        fs::remove_file(place.join(name))?;
    }
    Ok(())
}
