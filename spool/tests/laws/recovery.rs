//! What dead writers and dead consumers leave is finished or removed by the next consumer that is opened.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use codex_spool::EventId;

use crate::support::{Home, Outcome, ack_all};

/// A spool in which a writer has died before its last step: the event is everywhere, and its intent is there still.
fn with_dead_writer() -> (Home, EventId, String) {
    let home = Home::new();
    for name in ["a", "b"] {
        drop(home.open(name));
    }
    let id = home.record("t", 0);
    let day = home.list("journal").remove(0);
    let journal = format!("journal/{day}/{id}.json");
    fs::hard_link(home.path(&journal), home.path("tmp/0123456789abcdef")).expect("a link can be made");
    (home, id, journal)
}

#[test]
fn an_event_of_a_dead_writer_is_finished_from_any_step() -> Outcome {
    // Which of its names it had made by then: in the journal, in either queue. And whether it had made the day.
    for state in 0..16 {
        let (home, id, journal) = with_dead_writer();
        let queued = home.list("consumers/a/queue").remove(0);
        let names =
            [journal.clone(), format!("consumers/a/queue/{queued}"), format!("consumers/b/queue/{queued}")];
        for (bit, name) in names.iter().enumerate() {
            if state & (1 << bit) != 0 {
                fs::remove_file(home.path(name))?;
            }
        }
        if state & 8 != 0 {
            fs::remove_dir_all(home.path(&journal).parent().ok_or("it is in a folder")?)?;
        }
        assert_eq!(ack_all(&mut home.open("a")), [id], "state {state}");
        assert_eq!(ack_all(&mut home.open("b")), [id], "state {state}");
        assert_eq!(home.journal(), [id], "state {state}");
        assert_eq!(home.list("tmp"), [""; 0], "state {state}");
    }
    Ok(())
}

#[test]
fn an_event_of_a_dead_writer_that_another_has_recorded_since_is_not_recorded_twice() -> Outcome {
    let (home, id, journal) = with_dead_writer();
    let copy = fs::read(home.path(&journal))?;
    fs::remove_file(home.path("tmp/0123456789abcdef"))?;
    fs::write(home.path("tmp/0123456789abcdef"), copy)?;
    assert_eq!(ack_all(&mut home.open("a")), [id]);
    assert_eq!(home.journal(), [id]);
    assert_eq!(home.list("tmp"), [""; 0]);
    Ok(())
}

#[test]
fn an_unfinished_record_is_removed_at_any_length() -> Outcome {
    let (home, id, journal) = with_dead_writer();
    let whole = fs::read(home.path(&journal))?;
    fs::remove_file(home.path("tmp/0123456789abcdef"))?;
    for length in 0..whole.len() {
        fs::write(home.path(&format!("tmp/{length:016x}")), &whole[..length])?;
    }
    assert_eq!(ack_all(&mut home.open("a")), [id]);
    assert_eq!(home.list("tmp"), [""; 0]);
    Ok(())
}

#[test]
fn a_writer_that_lives_is_left_alone() -> Outcome {
    let (home, id, _) = with_dead_writer();
    fs::write(home.path("tmp/fedcba9876543210"), "half a rec")?;
    let writers =
        [File::open(home.path("tmp/0123456789abcdef"))?, File::open(home.path("tmp/fedcba9876543210"))?];
    for writer in &writers {
        writer.lock()?;
    }
    // One that lives is waited for only by those who begin with the earliest event, which `b` has done already.
    assert_eq!(ack_all(&mut home.open("b")), [id]);
    assert_eq!(home.list("tmp").len(), 2);
    drop(writers);
    // What was settled while its writer was thought to live may come again.
    assert_eq!(ack_all(&mut home.open("b")), [id]);
    assert_eq!(home.list("tmp"), [""; 0]);
    Ok(())
}

#[test]
fn what_dead_programs_left_among_the_consumers_is_removed_and_what_is_held_is_kept() -> Outcome {
    let home = Home::new();
    let names = [".new-0011223344556677", ".gone-0011223344556677", "~0011223344556677"];
    for held in [true, false] {
        let mut locks = Vec::new();
        for name in names {
            let folder = home.path(&format!("consumers/{name}"));
            fs::create_dir_all(folder.join("queue"))?;
            fs::create_dir_all(folder.join("dead"))?;
            fs::write(folder.join("queue/left over"), "")?;
            let lock = File::create(folder.join("lock"))?;
            if held {
                lock.lock()?;
                locks.push(lock);
            }
        }
        drop(home.open("a"));
        let left = home.list("consumers");
        if held {
            assert_eq!(left.len(), 4, "{left:?}");
        } else {
            assert_eq!(left, ["a"]);
        }
    }
    // Without a lock: one just begun, and one nearly gone.
    fs::create_dir(home.path("consumers/.new-0011223344556677"))?;
    fs::create_dir_all(home.path("consumers/.gone-0011223344556677/queue/more"))?;
    drop(home.open("a"));
    assert_eq!(home.list("consumers"), ["a"]);
    Ok(())
}

/// Names that are none of a writer's are nobody to wait for, and keep nobody from the events.
#[test]
fn what_no_writer_made_in_tmp_holds_nobody_up() -> Outcome {
    let home = Home::new();
    let id = home.record("t", 0);
    fs::write(home.path("tmp/.DS_Store"), "")?;
    fs::create_dir(home.path("tmp/folder"))?;
    fs::write(home.path("tmp/0123456789abcdef"), of_another_format())?;
    let begun = Instant::now();
    let mut consumer = home.open("a");
    assert!(begun.elapsed() < Duration::from_secs(4), "it waited for a writer");
    let (events, problems): (Vec<_>, Vec<_>) = consumer.drain().partition(Result::is_ok);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].as_ref().map(|delivery| delivery.id()).ok(), Some(id));
    let problems: Vec<_> =
        problems.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("its format is 2")), "{problems:?}");
    assert_eq!(home.list("tmp"), [".DS_Store", "0123456789abcdef", "folder"]);
    Ok(())
}

/// A whole record, by its check, of a version to come.
fn of_another_format() -> String {
    let body = concat!(
        r#"{"format":2,"id":"00000000000000000000000000000000","event":"Stop","#,
        r#""captured_at":"2026-11-21T03:47:36.397361031Z","parent_pid":0,"payload":{}"#,
    );
    let check = &blake3::hash(body.as_bytes()).to_hex()[..32];
    format!("{body},\"check\":\"{check}\"}}\n")
}
