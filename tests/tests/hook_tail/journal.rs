//! What the spool holds, printed by one who is nobody's consumer.

use std::fs;

use codex_hook_tests::{Sandbox, hook};

use crate::support::{record, records};

#[test]
fn the_journal_is_printed_in_order_as_it_lies_on_disk() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..20);
    let ran = hook.tail(&["--from", "earliest", "--json"]);

    let mut printed = ran.assert_printed();
    assert_eq!(printed, records(hook));
    let mut times: Vec<&str> =
        printed.iter().map(|line| line.split_once("captured_at").expect("it has a time").1).collect();
    assert!(times.is_sorted());
    times.dedup();
    assert_eq!(times.len(), 20);
    // Nobody has subscribed, and nothing is settled by that.
    assert_eq!(hook.tail(&["--from", "earliest", "--json"]).stdout, ran.stdout);
    let mut on_disk = Vec::new();
    for day in fs::read_dir(sandbox.spool().join("journal")).expect("it is there") {
        for file in fs::read_dir(day.expect("it can be listed").path()).expect("it is there") {
            let file = file.expect("it can be listed").path();
            if file.extension().is_some_and(|extension| extension == "json") {
                on_disk.push(fs::read_to_string(file).expect("it can be read"));
            }
        }
    }
    printed.sort_unstable();
    on_disk.sort_unstable();
    let on_disk: Vec<&str> = on_disk.iter().map(|file| file.strip_suffix('\n').expect("a line")).collect();
    assert_eq!(printed, on_disk);
}

#[test]
fn without_a_place_to_begin_all_that_is_there_is_printed() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..2);
    assert_eq!(hook.tail(&["--json"]).assert_printed(), records(hook));
    let refused = hook.tail(&["--from", "latest"]);
    assert!(refused.assert_refused().contains("nothing to print"), "{refused:?}");
}

#[test]
fn from_a_moment_on_is_what_was_captured_then_or_later() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    let moment = |event: &codex_spool::Event| {
        let json: serde_json::Value = serde_json::from_str(event.record()).expect("a record is JSON");
        json["captured_at"].as_str().expect("it has a time").to_owned()
    };
    let second = moment(&hook.events()[1]);
    let records = records(hook);
    for (from, begins) in
        [("earliest", 0), (&*second, 1), ("-1h", 0), ("2020-01-01", 0), ("2100-01-01T10:00", 3)]
    {
        assert_eq!(hook.tail(&["--json", "--from", from]).assert_printed(), records[begins..], "{from}");
        // The same of a consumer that is made now, whose name is as good as any.
        let name = format!("from-{begins}-{}", from.len());
        let ran = hook.tail(&["--json", "--from", from, "--consumer", &name]);
        assert_eq!(ran.assert_printed(), records[begins..], "{from}");
    }
}
