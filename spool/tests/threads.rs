//! What the index of threads makes of recorded sessions, in whatever order it gets to know them.
//!
//! `sessions/` holds the events of real sessions of Codex 0.169.0, record for record: each file is what a test of
//! `codex-hook-tests` (`threads_with_codex`) has played, written with `RECORD_SESSIONS=1`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use codex_spool::{Capture, Change, Event, Spool, Status, Thread, ThreadIndex};
use proptest::prelude::*;

/// The sessions by name, each in the order in which it was captured.
static SESSIONS: LazyLock<BTreeMap<String, Vec<Event>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let files = fs::read_dir(folder).expect("the sessions are beside this file");
    let paths = files.map(|file| file.expect("a file").path());
    paths
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(&path)))
        .collect()
});

/// The events of a session, read from a journal that holds its records.
fn read(path: &Path) -> Vec<Event> {
    let home = tempfile::tempdir().expect("a temporary directory");
    let spool = Spool::open(home.path().join("spool")).expect("a spool can be made");
    for record in fs::read_to_string(path).expect("a session").lines() {
        let field = |name: &str| {
            let (_, rest) = record.split_once(&format!("\"{name}\":\"")).expect("a record has it");
            rest.split_once('"').expect("a string ends").0
        };
        let day = spool.dir().join("journal").join(&field("captured_at")[..10]);
        fs::create_dir_all(&day).expect("a day can be made");
        let file = day.join(field("id")).with_extension("json");
        fs::write(file, format!("{record}\n")).expect("a record can be written");
    }
    let journal = spool.journal().expect("it can be listed");
    journal.collect::<Result<_, _>>().expect("the records are whole")
}

fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> ThreadIndex {
    let mut index = ThreadIndex::new();
    for event in events {
        index.apply(event);
    }
    index
}

/// A session, its events shuffled, some of them several times.
fn shuffled() -> impl Strategy<Value = (String, Vec<usize>)> {
    let names: Vec<String> = SESSIONS.keys().cloned().collect();
    prop::sample::select(names).prop_flat_map(|name| {
        let events = SESSIONS[&name].len();
        let again = prop::collection::vec(0..events, 0..events);
        let order = again
            .prop_flat_map(move |again| Just((0..events).chain(again).collect::<Vec<_>>()).prop_shuffle());
        (Just(name), order)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_repetition_end_in_the_same_state((name, order) in shuffled()) {
        let session = &SESSIONS[&name];
        let plain = fold(session).threads();
        let mut index = fold(order.iter().map(|place| &session[*place]));
        prop_assert_eq!(index.threads(), plain, "{}", name);
        // By then there is nothing new in any of them.
        for event in session {
            prop_assert_eq!(index.apply(event), []);
        }
    }

    #[test]
    fn every_beginning_in_any_order_ends_in_the_same_state((name, order) in shuffled(), known in 0_usize..60) {
        let session = &SESSIONS[&name];
        let known = known.min(session.len());
        let shuffled = order.iter().filter(|place| **place < known).map(|place| &session[*place]);
        prop_assert_eq!(fold(shuffled).threads(), fold(&session[..known]).threads(), "{}", name);
    }

    #[test]
    fn sessions_that_run_at_once_do_not_touch_one_another(orders in prop::collection::vec(shuffled(), 2..5)) {
        let mut index = ThreadIndex::new();
        let mut expected = BTreeMap::new();
        let longest = orders.iter().map(|(_, order)| order.len()).max().unwrap_or_default();
        for turn in 0..longest {
            for (name, order) in &orders {
                if let Some(place) = order.get(turn) {
                    index.apply(&SESSIONS[name][*place]);
                }
            }
        }
        for (name, _) in &orders {
            let threads = fold(&SESSIONS[name]).threads();
            expected.extend(threads.into_iter().map(|thread| (thread.thread_id.clone(), thread)));
        }
        let found: BTreeMap<_, Thread> =
            index.threads().into_iter().map(|thread| (thread.thread_id.clone(), thread)).collect();
        prop_assert_eq!(found, expected);
    }
}

/// The events with these kinds left out.
fn without<'a>(session: &'a [Event], kinds: &'a [&str]) -> impl Iterator<Item = &'a Event> {
    session.iter().filter(|event| !kinds.contains(&event.kind().as_str()))
}

fn changes<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    let mut index = ThreadIndex::new();
    let words: Vec<&str> = events
        .into_iter()
        .flat_map(|event| index.apply(event))
        .map(|transition| transition.change.as_str())
        .collect();
    words.join(" ")
}

#[test]
fn what_is_missing_is_made_up_for_by_what_comes_next() {
    let session = &SESSIONS["tool_call"];
    let usual = "turn_started tool_started tool_finished turn_completed idle ended";
    for kinds in [&["SessionStart"][..], &["UserPromptSubmit"], &["PostToolUse"], &["PreModelRequest"]] {
        assert_eq!(changes(without(session, kinds)), usual, "{kinds:?}");
    }
    assert_eq!(changes(without(session, &["PreToolUse"])), "turn_started turn_completed idle ended");
    // Nobody has said how it ended.
    assert_eq!(
        changes(without(session, &["Stop"])),
        "turn_started tool_started tool_finished turn_interrupted ended"
    );
    assert_eq!(changes(without(session, &["Stop", "SessionEnd"])), "turn_started tool_started tool_finished");
}

#[test]
fn a_thread_that_is_known_by_its_end_alone_has_ended() {
    let session = &SESSIONS["tool_call"];
    let last = &session[session.len() - 1..];
    assert_eq!(changes(last), "ended");
    assert_eq!(fold(last).threads()[0].status, Status::Ended);
}

/// An event of a thread, made for a test.
fn event(spool: &Spool, at: SystemTime, pid: u32, payload: &str) -> Event {
    let capture = Capture::at(at).parent_pid(pid);
    let id = spool.record(payload.as_bytes(), &capture).expect("it can be recorded").id;
    let mut journal = spool.journal().expect("it can be listed").map(|event| event.expect("it is whole"));
    journal.find(|event| event.id() == id).expect("it was just recorded")
}

fn home() -> (tempfile::TempDir, Spool) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let spool = Spool::open(home.path().join("spool")).expect("a spool can be made");
    (home, spool)
}

#[test]
fn a_session_closed_by_the_codex_that_had_it_before_goes_on_in_the_one_that_has_it_now() {
    let (_home, spool) = home();
    let start = SystemTime::now();
    let mut second = 0;
    let mut next = |pid, kind: &str, rest: &str| {
        second += 1;
        let payload = format!(r#"{{"hook_event_name":"{kind}","session_id":"s","n":{second}{rest}}}"#);
        event(&spool, start + Duration::from_secs(second), pid, &payload)
    };
    let turn = |id: &str| format!(r#","turn_id":"{id}""#);
    let mut index = fold(&[
        next(1, "SessionStart", r#","source":"startup""#),
        next(1, "UserPromptSubmit", &turn("a")),
        next(1, "Stop", &turn("a")),
        next(2, "SessionStart", r#","source":"resume""#),
        next(2, "UserPromptSubmit", &turn("b")),
        // Codex closes what was left in it after a minute.
        next(1, "SessionEnd", ""),
    ]);
    assert_eq!(index.threads()[0].status, Status::Running);
    index.apply(&next(2, "Stop", &turn("b")));
    assert_eq!(index.threads()[0].status, Status::Idle);
    index.apply(&next(2, "SessionEnd", ""));
    assert_eq!(index.threads()[0].status, Status::Ended);
}

#[test]
fn a_shell_that_runs_each_hook_is_no_codex_that_has_ended() {
    let (_home, spool) = home();
    let start = SystemTime::now() - Duration::from_secs(60);
    let hook = |number: u32, kind: &str| {
        let payload = format!(r#"{{"hook_event_name":"{kind}","session_id":"s","turn_id":"t"}}"#);
        // No process has such a number.
        event(&spool, start + Duration::from_secs(number.into()), u32::MAX - number, &payload)
    };
    let mut index = fold(&[hook(1, "UserPromptSubmit"), hook(2, "PreModelRequest")]);
    assert_eq!(index.reconcile(SystemTime::now()), []);
    index.apply(&hook(3, "Stop"));
    let ended = index.apply(&hook(4, "SessionEnd"));
    assert_eq!(ended.iter().map(|transition| transition.change).collect::<Vec<_>>(), [Change::Ended]);
}

#[test]
fn a_long_line_of_a_transcript_is_read_once_it_is_whole() {
    let (home, spool) = home();
    let path = home.path().join("transcript.jsonl");
    let line = |kind: &str, answer: &str| {
        format!(
            r#"{{"type":"event_msg","payload":{{"type":"{kind}","turn_id":"t","last_agent_message":"{answer}"}}}}"#
        ) + "\n"
    };
    let text = line("task_started", "") + &line("task_complete", &"x".repeat(200_000));
    let start = SystemTime::now() - Duration::from_secs(60);
    let payload = format!(
        r#"{{"hook_event_name":"UserPromptSubmit","session_id":"s","turn_id":"t","transcript_path":{path:?}}}"#
    );
    let mut index = fold(&[event(&spool, start, 0, &payload)]);
    // Codex is writing the line.
    fs::write(&path, &text[..text.len() - 1_000]).expect("it can be written");
    assert_eq!(index.reconcile(SystemTime::now()), []);
    fs::write(&path, &text).expect("it can be written");
    let changes: Vec<Change> =
        index.reconcile(SystemTime::now()).iter().map(|transition| transition.change).collect();
    assert_eq!(changes, [Change::TurnCompleted, Change::Idle]);
}

#[test]
fn the_end_of_a_session_is_the_end_of_its_subagents() {
    let session = &SESSIONS["subagent"];
    let events: Vec<&Event> = without(session, &["SubagentStop"]).collect();
    let before = fold(events[..events.len() - 1].iter().copied());
    let subagent = |index: &ThreadIndex| {
        let threads = index.threads().into_iter();
        threads.filter(|thread| thread.parent_id.is_some()).map(|thread| thread.status).collect::<Vec<_>>()
    };
    assert_eq!(subagent(&before), [Status::Running]);
    let index = fold(events.iter().copied());
    assert_eq!(subagent(&index), [Status::Ended]);
    let changes = changes(events.iter().copied());
    assert!(changes.ends_with("ended turn_interrupted subagent_stopped"), "{changes}");
}

#[test]
fn threads_that_ended_long_ago_are_dropped_and_stay_so() {
    let (_home, spool) = home();
    fs::write(spool.dir().join("spool.toml"), "durability = \"process\"\nretention_days = 1000\n")
        .expect("it can be written");
    let spool = Spool::open(spool.dir()).expect("it is one");
    let start = SystemTime::now() - Duration::from_secs(90 * 24 * 60 * 60);
    let at = |number: u64| start + Duration::from_secs(number * 60);
    for number in 0..3000 {
        let kind = if number == 0 { "UserPromptSubmit" } else { "SessionEnd" };
        let payload = format!(r#"{{"hook_event_name":"{kind}","session_id":"{number}","turn_id":"t"}}"#);
        spool.record(payload.as_bytes(), &Capture::at(at(number))).expect("it can be recorded");
    }
    let journal = spool.journal().expect("it can be listed");
    let events: Vec<Event> = journal.collect::<Result<_, _>>().expect("the records are whole");
    let mut index = ThreadIndex::new().keep_ended(Duration::from_secs(600 * 60));
    events.iter().for_each(|event| drop(index.apply(event)));
    // It is looked for every thousand events or so.
    assert!(index.len() < 600 + 2 * 1024, "{}", index.len());
    let known = |index: &ThreadIndex, id: &str| index.get(id).is_some();
    assert!(known(&index, "0"), "it has not ended");
    assert!(!known(&index, "1") && known(&index, "2999"));
    assert_eq!(index.apply(&events[1]), [], "what is late does not bring it back");
    assert!(!known(&index, "1"));

    let mut few = ThreadIndex::new().max_threads(10);
    events.iter().for_each(|event| drop(few.apply(event)));
    assert!(few.len() <= 10 + 1024 && known(&few, "0") && known(&few, "2999"), "{}", few.len());
}

#[test]
fn a_thread_and_a_transition_are_the_json_that_is_documented() {
    let session = &SESSIONS["approval_accepted"];
    let asked = session.iter().position(|event| event.kind().as_str() == "PermissionRequest").expect("one");
    let mut index = fold(&session[..asked]);
    let [transition] = &index.apply(&session[asked])[..] else { panic!("one is expected") };
    let json = serde_json::to_value(transition).expect("it becomes JSON");
    let keys = |json: &serde_json::Value| -> Vec<String> {
        json.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys(&json), ["at", "by", "event_id", "thread_id", "transition", "turn_id"]);
    assert_eq!((&json["transition"], &json["by"]), (&"approval_requested".into(), &"hook".into()));
    assert_eq!(serde_json::from_value::<codex_spool::Transition>(json).expect("and back"), *transition);

    let thread = &index.threads()[0];
    let json = serde_json::to_value(thread).expect("it becomes JSON");
    let mut expected: Vec<&str> = "thread_id parent_id session_id tag status since turn_id turn_started_at tools \
        waiting_for cwd model permission_mode transcript_path source last_prompt last_answer turns tool_calls approvals \
        compactions first_seen last_seen"
        .split(' ')
        .filter(|key| !key.is_empty())
        .collect();
    expected.sort_unstable();
    assert_eq!(keys(&json), expected);
    assert_eq!(keys(&json["tools"][0]), ["gist", "name", "since", "tool_use_id"]);
    assert_eq!(keys(&json["waiting_for"]), ["command", "reason", "since", "tool"]);
    assert_eq!(serde_json::from_value::<Thread>(json).expect("and back"), *thread);
}
