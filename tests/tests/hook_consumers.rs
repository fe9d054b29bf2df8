//! `hook consumers`: who takes events, and what waits for them.

#![cfg(unix)]

use std::fs;

use codex_hook_tests::{Hook, Ran, Sandbox, hook, run};
use codex_spool::{Capture, Consumer, EventId, Start};
use serde_json::Value;

fn consumers(hook: Hook<'_>, args: &[&str]) -> Ran {
    run(hook.command(["consumers"]).args(args), b"")
}

fn open(hook: Hook<'_>, name: &str) -> Consumer {
    let consumer = hook.spool().consumer(name).expect("a good name").start(Start::Earliest);
    consumer.open().expect("nobody has it")
}

fn record(hook: Hook<'_>, count: usize) -> Vec<EventId> {
    let record = |number| {
        let payload = format!(
            r#"{{"hook_event_name":"Stop","session_id":"{number}","cwd":"/","last_assistant_message":"Done."}}"#
        );
        hook.spool().record(payload.as_bytes(), &Capture::now()).expect("the spool takes it").id
    };
    (0..count).map(record).collect()
}

fn json_lines(ran: &Ran) -> Vec<Value> {
    let value = |line: &&str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ran.assert_printed().iter().map(value).collect()
}

/// Rejects the first of what waits for a consumer.
fn reject(hook: Hook<'_>, name: &str, reasons: &[&str]) {
    let mut consumer = open(hook, name);
    for (delivery, reason) in consumer.drain().zip(reasons) {
        delivery.expect("a good record").reject(reason).expect("it can be moved");
    }
}

#[test]
fn they_are_listed_with_what_waits_for_them() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    hook.spool();
    let refused = consumers(hook, &["list"]);
    assert_eq!(refused.assert_printed(), ["no consumers"]);
    assert_eq!(consumers(hook, &["list", "--json"]).assert_printed(), ["[]"]);

    let mut running = open(hook, "dashboard");
    drop(open(hook, "a"));
    record(hook, 2);
    reject(hook, "a", &["no"]);
    let delivery = running.recv().expect("it can be read").expect("nobody stops it");
    let ran = consumers(hook, &["list"]);
    let lines = ran.assert_printed();
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["NAME", "PENDING", "IN", "FLIGHT", "DEAD", "OLDEST", "RUNNING"]);
    let oldest = words[1][4];
    assert_eq!(words[1], ["a", "1", "-", "1", oldest, "-"]);
    let pid = std::process::id().to_string();
    assert_eq!((words[2][0], words[2][1], words[2].last()), ("dashboard", "2", Some(&&*pid)));
    assert!(
        oldest.ends_with('Z') && lines.iter().all(|line| line.starts_with(|c: char| c != ' ')),
        "{lines:?}"
    );
    drop(delivery);

    let listed = &json_lines(&consumers(hook, &["list", "--json"]))[0];
    let report = serde_json::to_value(hook.spool().report().consumers).expect("it can be written");
    assert_eq!(*listed, report);
}

#[test]
fn what_waits_is_shown_in_order_and_nothing_is_settled() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    // It may run meanwhile.
    let mut running = open(hook, "c");
    let ids = record(hook, 3);
    let records: Vec<String> =
        hook.events().iter().map(|event| event.record().trim_end().to_owned()).collect();
    assert_eq!(consumers(hook, &["peek", "c", "--json"]).assert_printed(), records);
    assert_eq!(consumers(hook, &["peek", "c", "--json", "--limit", "2"]).assert_printed(), records[..2]);
    assert_eq!(consumers(hook, &["peek", "c"]).stdout, hook.tail(&[]).stdout);
    assert_eq!(running.drain().count(), 3, "nothing is settled");

    let queue = sandbox.spool().join("consumers/c/queue");
    let mut names: Vec<_> =
        fs::read_dir(&queue).expect("it is there").map(|name| name.expect("listed").path()).collect();
    names.sort();
    fs::remove_file(&names[1]).expect("it is ours");
    fs::write(&names[1], "{}").expect("it is ours");
    let ran = consumers(hook, &["peek", "c", "--json"]);
    assert_eq!((ran.status.code(), ran.lines()), (Some(1), vec![&*records[0], &*records[2]]));
    assert!(ran.assert_one_complaint().starts_with("hook: damaged record: "), "{ran:?}");
    assert!(names[1].exists() && names[1].to_string_lossy().contains(&ids[1].to_string()));
}

#[test]
fn the_dead_are_shown_with_their_reasons_and_put_back() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    drop(open(hook, "c"));
    let ids = record(hook, 3);
    assert!(consumers(hook, &["peek", "c", "--dead"]).assert_printed().is_empty());
    reject(hook, "c", &["the chat\u{1b}[31m refused it", "twice", "again"]);

    let shown = consumers(hook, &["peek", "c", "--dead"]);
    let lines = shown.assert_printed();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].contains("Stop") && lines[0].ends_with("Done."), "{lines:?}");
    assert_eq!(lines[1], format!("    {}: attempt 1: the chat [31m refused it", ids[0]));
    assert_eq!(consumers(hook, &["peek", "c", "--dead", "--limit", "1"]).lines(), lines[..2]);
    let dead = json_lines(&consumers(hook, &["peek", "c", "--dead", "--json"]));
    let events = hook.events();
    for ((dead, event), reason) in
        dead.iter().zip(&events).zip(["the chat\u{1b}[31m refused it", "twice", "again"])
    {
        let record: Value = serde_json::from_str(event.record()).expect("a record is JSON");
        assert_eq!((&dead["id"], &dead["captured_at"]), (&record["id"], &record["captured_at"]));
        assert_eq!((&dead["reason"], &dead["attempt"]), (&reason.into(), &1.into()));
        assert!(dead["rejected_at"].as_str() > dead["captured_at"].as_str());
        let path = dead["path"].as_str().expect("it has one");
        assert_eq!(fs::read_to_string(path).expect("it is there"), event.record());
    }

    let (first, unknown) = (ids[0].to_string(), "0".repeat(32));
    let ran = consumers(hook, &["requeue", "c", &first, &unknown]);
    assert_eq!((ran.status.code(), ran.lines()), (Some(1), vec!["1 event back in the queue of c"]));
    assert!(ran.assert_one_complaint().contains(&format!("no such dead event: {unknown}")), "{ran:?}");
    // One that waits gets the others.
    let mut running = open(hook, "c");
    running.recv().expect("it can be read").expect("nobody stops it").ack().expect("it can be removed");
    assert_eq!(consumers(hook, &["requeue", "c"]).assert_printed(), ["2 events back in the queue of c"]);
    let mut next = || running.recv().expect("it can be read").expect("nobody stops it");
    assert_eq!((next().id(), next().id()), (ids[1], ids[2]));
    assert_eq!(consumers(hook, &["requeue", "c"]).assert_printed(), ["0 events back in the queue of c"]);
}

#[test]
fn one_is_removed_when_that_is_said_and_it_does_not_run() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let running = open(hook, "c");
    record(hook, 3);
    let pid = format!("pid {} ", std::process::id());
    for args in [&["remove", "c"][..], &["remove", "c", "--yes"]] {
        let ran = consumers(hook, args);
        let said = ran.assert_refused();
        assert!(said.contains("in use") && said.contains(&pid), "{said}");
    }
    drop(running);
    reject(hook, "c", &["no"]);
    // There is nobody to ask.
    let ran = consumers(hook, &["remove", "c"]);
    let said = ran.assert_refused();
    assert!(said.contains("2 events that wait for it and 1 dead") && said.ends_with("say --yes"), "{said}");
    assert!(sandbox.spool().join("consumers/c").exists());
    let removed = consumers(hook, &["remove", "c", "--yes"]);
    assert_eq!(removed.assert_printed(), ["removed c with 2 events that wait for it and 1 dead"]);
    assert_eq!(fs::read_dir(sandbox.spool().join("consumers")).expect("it is there").count(), 0);
    assert_eq!(hook.events().len(), 3, "the journal is nobody's");
}

#[test]
fn one_that_is_not_there_and_a_spool_that_is_not_there_are_said() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    let commands = [
        &["list"][..],
        &["list", "--json"],
        &["peek", "c"],
        &["peek", "c", "--dead"],
        &["requeue", "c"],
        &["remove", "c", "--yes"],
    ];
    for args in commands {
        assert!(consumers(hook, args).assert_refused().contains("nothing has been recorded yet"), "{args:?}");
    }
    assert!(!sandbox.spool().exists(), "it is not made");
    hook.spool();
    for args in &commands[2..] {
        let ran = consumers(hook, args);
        assert!(ran.assert_refused().starts_with("hook: no consumer c: "), "{args:?} {ran:?}");
    }
    for args in [&["peek"][..], &["peek", "../c"], &["requeue", "c", "short"], &["remove"], &[]] {
        assert_eq!(consumers(hook, args).status.code(), Some(2), "{args:?}");
    }
}
