//! An observer: what it knows at its start, and what it is told.

use std::time::{Duration, Instant, SystemTime};

use codex_spool::{Capture, Change, Observer, Spool, Start, Status, ThreadIndex};

fn home() -> (tempfile::TempDir, Spool) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("spool");
    std::fs::create_dir(&dir).expect("it can be made");
    std::fs::write(dir.join("spool.toml"), "durability = \"process\"\n").expect("it can be written");
    let spool = Spool::open(dir).expect("a spool can be made");
    (home, spool)
}

fn record(spool: &Spool, thread: &str, turn: u32, kind: &str) {
    let payload = format!(
        r#"{{"hook_event_name":"{kind}","session_id":"{thread}","turn_id":"{turn}","prompt":"Go.","cwd":"/"}}"#
    );
    spool.record(payload.as_bytes(), &Capture::now()).expect("it can be recorded");
}

fn observe(spool: &Spool) -> Observer {
    let consumer = spool.consumer("observer").and_then(|consumer| consumer.open()).expect("it can be opened");
    Observer::new(consumer).expect("it can begin")
}

/// Waits until it has been told as much as this, and sees that it is this and no more.
#[track_caller]
fn assert_told(observer: &mut Observer, expected: &[Change]) {
    let patience = Instant::now() + Duration::from_secs(60);
    let mut next =
        |until| observer.recv_until(Some(until)).expect("nothing is damaged").map(|told| told.change);
    let told: Vec<Change> = expected.iter().map_while(|_| next(patience)).collect();
    assert_eq!((&told[..], next(Instant::now())), (expected, None));
}

fn statuses(observer: &Observer) -> Vec<(String, Status)> {
    let threads = observer.index().threads().into_iter();
    threads.map(|thread| (thread.thread_id.to_string(), thread.status)).collect()
}

#[test]
fn it_begins_with_the_state_of_the_journal_and_is_told_what_changes() {
    let (_home, spool) = home();
    record(&spool, "a", 1, "UserPromptSubmit");
    record(&spool, "a", 1, "Stop");
    record(&spool, "b", 1, "UserPromptSubmit");
    let mut observer = observe(&spool);
    let state = |a, b| [("b".to_owned(), b), ("a".to_owned(), a)];
    assert_eq!(statuses(&observer), state(Status::Idle, Status::Running));
    assert_told(&mut observer, &[]);

    record(&spool, "b", 1, "Stop");
    assert_told(&mut observer, &[Change::TurnCompleted, Change::Idle]);
    assert_eq!(statuses(&observer), state(Status::Idle, Status::Idle));
}

#[test]
fn what_happened_while_it_was_away_is_told_when_it_comes_back() {
    let (_home, spool) = home();
    drop(observe(&spool));
    record(&spool, "a", 1, "UserPromptSubmit");
    record(&spool, "a", 1, "Stop");
    assert_told(&mut observe(&spool), &[Change::TurnStarted, Change::TurnCompleted, Change::Idle]);
    let mut again = observe(&spool);
    assert_told(&mut again, &[]);
    assert_eq!(statuses(&again), [("a".to_owned(), Status::Idle)]);
}

#[test]
fn an_event_is_acknowledged_once_its_last_change_was_handled() {
    let (_home, spool) = home();
    drop(observe(&spool));
    record(&spool, "a", 1, "UserPromptSubmit");
    record(&spool, "a", 1, "Stop");
    let mut observer = observe(&spool);
    let mut changes = observer.listen();
    for expected in [Change::TurnStarted, Change::TurnCompleted] {
        let transition = changes.next().expect("it goes on").expect("nothing is damaged");
        assert_eq!(transition.change, expected);
    }
    assert_eq!(changes.index().threads()[0].status, Status::Idle);
    // In the middle of what the second event changed.
    drop(observer);
    assert_told(&mut observe(&spool), &[Change::TurnCompleted, Change::Idle]);
}

#[test]
fn it_waits_for_what_comes_until_it_is_stopped() {
    let (_home, spool) = home();
    let mut observer = observe(&spool);
    let stop = observer.stop_handle();
    let changes = std::thread::scope(|scope| {
        let listener = scope.spawn(|| {
            observer
                .listen()
                .map(|change| change.expect("nothing is damaged").change)
                .inspect(|change| {
                    if *change == Change::Idle {
                        stop.stop();
                    }
                })
                .collect::<Vec<_>>()
        });
        record(&spool, "a", 1, "UserPromptSubmit");
        record(&spool, "a", 1, "Stop");
        listener.join().expect("it does not panic")
    });
    assert_eq!(changes, [Change::TurnStarted, Change::TurnCompleted, Change::Idle]);
}

#[test]
fn everybody_sees_each_event_and_damage_is_told_once() {
    let (_home, spool) = home();
    record(&spool, "a", 1, "UserPromptSubmit");
    record(&spool, "a", 1, "Stop");
    let event =
        spool.journal().and_then(|mut journal| journal.next().expect("there are two")).expect("it is whole");
    let captured = humantime::format_rfc3339_nanos(event.captured_at()).to_string();
    let damaged = spool.dir().join("journal").join(&captured[..10]).join(format!("{}.json", event.id()));
    std::fs::write(&damaged, "torn").expect("it can be written");

    let (see, seen) = std::sync::mpsc::channel();
    let consumer = spool.ephemeral_consumer().start(Start::Latest).open().expect("it can be opened");
    let each = move |event: &codex_spool::Event| see.send(event.kind().to_string()).expect("it is received");
    let mut observer = Observer::with(consumer, ThreadIndex::new(), each).expect("it can begin");
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["Stop"]);
    let error = observer.recv_until(Some(Instant::now())).expect_err("one is damaged");
    assert!(error.to_string().contains(&*event.id().to_string()), "{error}");
    assert_eq!(observer.recv_until(Some(Instant::now())).expect("no more").map(|change| change.change), None);
    record(&spool, "a", 2, "UserPromptSubmit");
    assert_told(&mut observer, &[Change::TurnStarted]);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["UserPromptSubmit"]);
}

#[cfg(unix)]
#[test]
fn a_codex_that_is_gone_when_it_begins_has_ended() {
    let (_home, spool) = home();
    let mut child = std::process::Command::new("true").spawn().expect("it can be run");
    let pid = child.id();
    child.wait().expect("it can be waited for");
    for (number, kind) in ["UserPromptSubmit", "PreModelRequest"].into_iter().enumerate() {
        let payload =
            format!(r#"{{"hook_event_name":"{kind}","session_id":"a","turn_id":"1","n":{number}}}"#);
        let at = SystemTime::now() - Duration::from_secs(60);
        spool.record(payload.as_bytes(), &Capture::at(at).parent_pid(pid)).expect("it can be recorded");
    }
    assert_eq!(statuses(&observe(&spool)), [("a".to_owned(), Status::Ended)]);
}

/// The number of a process that has ended.
#[cfg(unix)]
fn gone() -> u32 {
    let mut child = std::process::Command::new("true").spawn().expect("it can be run");
    let pid = child.id();
    child.wait().expect("it can be waited for");
    pid
}

/// Records an event of a turn of the thread `a` and its only process.
#[cfg(unix)]
fn record_of(spool: &Spool, pid: u32, at: SystemTime, kind: &str) {
    let payload = format!(r#"{{"hook_event_name":"{kind}","session_id":"a","turn_id":"1"}}"#);
    spool.record(payload.as_bytes(), &Capture::at(at).parent_pid(pid)).expect("it can be recorded");
}

#[cfg(unix)]
#[test]
fn what_ended_while_it_was_away_is_told_though_its_codex_is_gone() {
    let (_home, spool) = home();
    let (pid, long_ago) = (gone(), SystemTime::now() - Duration::from_secs(60));
    let mut observer = observe(&spool);
    record_of(&spool, pid, long_ago, "UserPromptSubmit");
    record_of(&spool, pid, long_ago + Duration::from_secs(1), "PreModelRequest");
    assert_told(&mut observer, &[Change::TurnStarted]);
    drop(observer);
    record_of(&spool, pid, long_ago + Duration::from_secs(2), "Stop");
    record_of(&spool, pid, long_ago + Duration::from_secs(3), "SessionEnd");
    assert_told(&mut observe(&spool), &[Change::TurnCompleted, Change::Idle, Change::Ended]);
}

#[cfg(unix)]
#[test]
fn a_codex_that_is_gone_is_noticed_though_the_clock_was_set_back() {
    let (_home, spool) = home();
    let (pid, ahead) = (gone(), SystemTime::now() + Duration::from_secs(3600));
    record_of(&spool, pid, ahead, "UserPromptSubmit");
    record_of(&spool, pid, ahead + Duration::from_secs(1), "PreModelRequest");
    assert_eq!(statuses(&observe(&spool)), [("a".to_owned(), Status::Ended)]);
}

#[cfg(unix)]
#[test]
fn a_transcript_that_is_no_file_holds_nobody_up() {
    let (home, spool) = home();
    let fifo = home.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo can be run");
    assert!(made.success());
    let payload = serde_json::json!({"hook_event_name": "UserPromptSubmit", "session_id": "a", "turn_id": "1",
        "transcript_path": fifo});
    let long_ago = SystemTime::now() - Duration::from_secs(60);
    spool.record(payload.to_string().as_bytes(), &Capture::at(long_ago)).expect("it can be recorded");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(statuses(&observe(&spool))));
    let statuses = told.recv_timeout(Duration::from_secs(60)).expect("it does not wait for a writer");
    assert_eq!(statuses, [("a".to_owned(), Status::Running)]);
}
