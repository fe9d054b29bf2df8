//! Consumers: where they begin, what they want, and what is said of command lines that ask for what is not there.

use std::fs;

use codex_hook_tests::{Sandbox, hook};
use codex_spool::Capture;

use crate::support::{Following, consumer, consumers, dead, id_of, ids, left, record, records};

#[test]
fn a_consumer_gets_each_event_once_and_another_all_of_them() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..5);
    let drain = |name| hook.tail(&["--consumer", name, "--json"]);
    drop((consumer(hook, "a"), consumer(hook, "b")));
    assert_eq!(drain("a").assert_printed(), records(hook));
    assert!(drain("a").assert_printed().is_empty());
    record(hook, 5..7);
    assert_eq!(drain("a").assert_printed(), records(hook)[5..]);
    assert_eq!(drain("b").assert_printed(), records(hook));
}

#[test]
fn a_consumer_that_starts_with_the_latest_gets_what_comes_after() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    let made = hook.tail(&["--consumer", "c", "--json"]);
    assert!(made.status.success() && made.lines().is_empty(), "{made:?}");
    let said = made.assert_one_complaint();
    assert!(said.contains("consumer c is new: it begins now"), "{said}");
    record(hook, 3..5);
    // Where it starts was decided when it was made.
    let ran = hook.tail(&["--consumer", "c", "--from", "earliest", "--json"]);
    assert_eq!(
        (ran.status.code(), ran.lines()),
        (Some(0), records(hook)[3..].iter().map(|line| &**line).collect())
    );
    let said = ran.assert_one_complaint();
    assert!(said.contains("--from is ignored") && said.contains("consumer c"), "{said}");
}

#[test]
fn only_what_is_wanted_is_printed_and_a_consumer_settles_the_rest() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    fs::create_dir_all(sandbox.project().join("sub")).expect("the sandbox can be written to");
    let project = sandbox.project().canonicalize().expect("it is there");
    let project = project.to_str().expect("its path is UTF-8");
    let spool = hook.spool();
    for (kind, thread, tag, cwd) in [
        ("Stop", "one", None, "/elsewhere"),
        ("Stop", "two", Some("nightly"), project),
        ("SessionEnd", "two", None, &*format!("{project}/sub")),
        ("Teleport", "three", Some("daily"), &*format!("{project}-not")),
    ] {
        let payload = format!(r#"{{"hook_event_name":"{kind}","session_id":"{thread}","cwd":"{cwd}"}}"#);
        let capture = tag.map_or_else(Capture::now, |tag| Capture::now().tag(tag));
        spool.record(payload.as_bytes(), &capture).expect("the spool takes it");
    }
    let all = ids(hook);
    for (number, (args, wanted)) in [
        (&[][..], &[0, 1, 2, 3][..]),
        (&["--kind", "Stop"], &[0, 1]),
        (&["--kind", "stop", "--kind", "SessionEnd"], &[0, 1, 2]),
        (&["--thread", "two"], &[1, 2]),
        (&["--thread", "one", "--thread", "three"], &[0, 3]),
        (&["--thread", "two", "--kind", "Stop"], &[1]),
        (&["--tag", "nightly"], &[1]),
        (&["--tag", "nightly", "--tag", "daily"], &[1, 3]),
        // The program runs in the project's folder.
        (&["--cwd", "."], &[1, 2]),
        (&["--cwd", "sub/../sub"], &[2]),
        (&["--cwd", "/elsewhere", "--cwd", "sub"], &[0, 2]),
        (&["--cwd", "/else"], &[]),
        (&["--kind", "Stop", "--tag", "daily"], &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let wanted: Vec<&str> = wanted.iter().map(|&event: &usize| &*all[event]).collect();
        let name = format!("c{number}");
        for more in [&["--json"][..], &["--json", "--from", "earliest", "--consumer", &name]] {
            let ran = hook.tail(&[args, more].concat());
            assert_eq!(
                ran.assert_printed().into_iter().map(id_of).collect::<Vec<_>>(),
                wanted,
                "{args:?} {more:?}"
            );
        }
        assert_eq!(left(hook, &name), []);
    }
    // What a newer Codex fires can be waited for; what is misspelt is not waited for in silence.
    let ran = hook.tail(&["--kind", "Teleport", "--json"]);
    assert_eq!(ran.lines().into_iter().map(id_of).collect::<Vec<_>>(), all[3..]);
    assert!(ran.assert_one_complaint().contains(r#"--kind "Teleport""#), "{ran:?}");
}

#[test]
fn what_was_printed_too_often_and_not_settled_is_given_up() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let args = ["--json", "--from", "earliest", "--consumer", "c", "--ack", "manual", "--max-attempts", "2"];
    for attempt in 1..=2 {
        let mut tail = Following::start(hook, &args);
        assert_eq!(tail.ids(1), ids(hook), "{attempt}");
        // The second time it is killed: an event that kills its reader must not come for ever.
        if attempt == 1 { drop(tail.end()) } else { drop(tail.kill()) }
    }
    let ran = hook.tail(&["--json", "--consumer", "c", "--max-attempts", "2"]);
    assert!(ran.assert_printed().is_empty());
    let [(id, reason)] = &dead(hook, "c")[..] else { panic!("one is dead") };
    assert_eq!((&**id, reason.contains("max_attempts is 2")), (&*ids(hook)[0], true));
}

#[test]
fn without_a_spool_newcomers_are_told_what_to_do() {
    let sandbox = Sandbox::new();
    let spool = sandbox.spool();
    for args in [&[][..], &["--from", "earliest"], &["--consumer", "c"]] {
        let ran = hook(&sandbox).tail(args);
        let said = ran.assert_refused();
        assert!(said.starts_with(&format!("hook: no spool: {}: ", spool.display())), "{said}");
        assert!(
            said.contains("nothing has been recorded yet") && said.contains("run `hook install`"),
            "{said}"
        );
        assert!(!spool.exists(), "it is not made");
    }
    fs::create_dir_all(&spool).expect("the sandbox can be written to");
    assert!(hook(&sandbox).tail(&[]).assert_refused().contains("no spool"));
    assert_eq!(fs::read_dir(&spool).expect("it is there").count(), 0, "nor made into one");

    fs::write(spool.join("letter.txt"), "").expect("the sandbox can be written to");
    let ran = hook(&sandbox).tail(&[]);
    assert!(ran.assert_refused().starts_with("hook: not a spool: "), "{ran:?}");
    fs::remove_dir_all(&spool).expect("it is ours");
    fs::write(&spool, "").expect("the sandbox can be written to");
    assert!(hook(&sandbox).tail(&[]).assert_refused().contains("not a directory"));
    fs::remove_file(&spool).expect("it is ours");

    record(hook(&sandbox), 0..1);
    fs::write(spool.join("format"), "2\n").expect("the spool can be written to");
    assert!(hook(&sandbox).tail(&[]).assert_refused().contains("unknown spool format"));
    assert!(hook(&sandbox).tail(&["--spool-dir", "spool"]).assert_refused().contains("relative path"));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let sandbox = Sandbox::new();
    record(hook(&sandbox), 0..1);
    for args in [
        &["--foo"][..],
        &["extra"],
        &["--from"],
        &["--from", "now"],
        &["--from", "2026-11-31"],
        &["--consumer"],
        &["--consumer", ""],
        &["--consumer", "Upper"],
        &["--consumer", "../escape"],
        &["--consumer", "~0123456789abcdef"],
        &["--consumer", ".new-1"],
        &["--consumer", "a b"],
        &["--thread", ""],
        &["--color", "blue"],
        &["--ack", "never"],
        // Without its id nobody can settle an event.
        &["--ack", "manual"],
        &["--ack", "manual", "--json", "--max-in-flight", "0"],
        &["--max-attempts", "0"],
    ] {
        let ran = hook(&sandbox).tail(args);
        assert_eq!((ran.status.code(), ran.stdout.is_empty()), (Some(2), true), "{args:?} {ran:?}");
    }
    assert_eq!(consumers(hook(&sandbox)), [""; 0]);
}

#[test]
fn a_damaged_record_is_said_and_the_others_printed() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..3);
    drop(consumer(hook, "c"));
    let records = records(hook);
    let id = hook.events()[1].id();
    let days = fs::read_dir(sandbox.spool().join("journal")).expect("it is there");
    // Every link of an event is one file, so this damages the consumer's too.
    let file = days
        .map(|day| day.expect("it can be listed").path().join(format!("{id}.json")))
        .find(|file| file.exists())
        .expect("the event is in one day");
    let mut bytes = fs::read(&file).expect("it can be read");
    bytes[20] ^= 1;
    fs::write(&file, bytes).expect("it can be written to");

    for from in [&["--from", "earliest", "--json"][..], &["--consumer", "c", "--json"]] {
        let ran = hook.tail(from);
        assert_eq!(ran.status.code(), Some(1));
        assert_eq!(ran.lines(), [&*records[0], &*records[2]]);
        let said = ran.assert_one_complaint();
        assert!(said.starts_with("hook: damaged record: ") && said.contains(&id.to_string()), "{said}");
    }
    assert_eq!(fs::read_dir(sandbox.spool().join("consumers/c/dead")).expect("it is there").count(), 2);
    assert!(hook.tail(&["--consumer", "c"]).assert_printed().is_empty());
}
#[test]
fn a_consumer_in_use_names_who_has_it() {
    let sandbox = Sandbox::new();
    let hook = hook(&sandbox);
    record(hook, 0..1);
    let mut consumer = consumer(hook, "c");
    let said = hook.tail(&["--consumer", "c"]);
    let said = said.assert_refused();
    assert!(said.contains("in use") && said.contains(&format!("pid {} ", std::process::id())), "{said}");
    // Another consumer is nobody's business, and this one has lost nothing.
    assert_eq!(hook.tail(&["--consumer", "d", "--from", "earliest"]).assert_printed().len(), 1);
    assert_eq!(consumer.drain().count(), 1);
}
