//! The view, drawn into memory.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::{Thread, Transition};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use serde_json::{Value, json};

use super::feed::News;
use super::model::Model;
use super::{Selection, Wish, apply_input, view};

/// The moment at which it is looked at.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

/// A thread that was first seen so many seconds ago, and has been in its status since then.
fn thread(id: &str, status: &str, cwd: &str, age: u64, more: Value) -> Thread {
    let at = humantime::format_rfc3339(now() - Duration::from_secs(age)).to_string();
    let mut thread = json!({
        "thread_id": id, "parent_id": null, "session_id": id, "tag": null, "status": status, "since": at,
        "turn_id": "t", "turn_started_at": at, "tools": [], "waiting_for": null, "cwd": cwd, "model": "gpt-5.5",
        "permission_mode": "default", "transcript_path": null, "source": "startup", "last_prompt": "Fix it.",
        "last_answer": null, "turns": 1, "tool_calls": 0, "approvals": 0, "compactions": 0, "first_seen": at,
        "last_seen": at,
    });
    let more = more.as_object().expect("an object").clone();
    thread.as_object_mut().expect("an object").extend(more);
    serde_json::from_value(thread).expect("it is a thread")
}

fn model(threads: Vec<Thread>) -> Model {
    let mut model = Model::new(Selection::default(), Some("/home/me".into()));
    model.learn(News::Threads(threads, Vec::new()));
    model
}

fn drawn(model: &mut Model, width: u16, height: u16, color: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("it is memory");
    terminal.draw(|frame| view::draw(frame, model, now(), color)).expect("it is memory");
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
    buffer.content.chunks(width).map(|cells| line(cells).trim_end().to_owned()).collect()
}

fn list(model: &mut Model) -> Vec<String> {
    // Too low for details.
    let lines = lines(&drawn(model, 60, 13, false));
    lines[1..12].iter().filter(|line| !line.is_empty()).cloned().collect()
}

fn press(model: &mut Model, code: KeyCode) -> Wish {
    apply_input(model, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn type_in(model: &mut Model, text: &str) {
    text.chars().for_each(|c| assert_eq!(press(model, KeyCode::Char(c)), Wish::Nothing));
}

fn asks(question: &str) -> Value {
    let since = humantime::format_rfc3339(now()).to_string();
    json!({"waiting_for": {"tool": "Bash", "command": question, "reason": "May I?", "since": since}})
}

fn several() -> Vec<Thread> {
    vec![
        thread("a", "idle", "/work/api", 500, json!({"last_answer": "Done."})),
        thread("b", "waiting", "/work/api", 90, asks("rm -rf build")),
        thread("c", "running", "/work/site", 20, json!({})),
        thread(
            "c1",
            "tool",
            "/work/site",
            10,
            json!({
                "parent_id": "c",
                "tools": [{"tool_use_id": "1", "name": "Bash", "gist": "make", "since": "2026-11-21T00:00:00Z"}],
            }),
        ),
        thread("d", "idle", "/work/site", 5, json!({})),
    ]
}

#[test]
fn threads_stand_by_project_with_those_that_wait_on_top_and_subagents_under_their_session() {
    assert_eq!(
        list(&mut model(several())),
        [
            "/work/api",
            "  waiting     1m   May I? Bash: rm -rf build",
            "  idle        8m   Done.",
            "/work/site",
            "  idle        5s   > Fix it.",
            "  running     20s  > Fix it.",
            "  └ tool        10s  Bash: make",
        ]
    );
    // A subagent that waits takes its session to the top.
    let mut threads = several();
    threads[1] = thread("b", "running", "/work/api", 90, json!({}));
    let mut child = asks("make clean");
    child["parent_id"] = "c".into();
    threads[3] = thread("c1", "waiting", "/work/site", 10, child);
    let list = list(&mut model(threads));
    assert_eq!(list[0], "/work/site");
    assert!(list[1].starts_with("  running") && list[2].starts_with("  └ waiting"), "{list:?}");
}

#[test]
fn no_thread_is_left_out_whatever_it_says_of_its_session() {
    let child = |id: &str, parent: &str, age| thread(id, "tool", "/work", age, json!({"parent_id": parent}));
    let threads = vec![
        thread("a", "running", "/work", 1, json!({})),
        child("of_a", "a", 2),
        child("of_a_subagent", "of_a", 3),
        child("of_itself", "of_itself", 4),
        child("of_another", "of_one", 5),
        child("of_one", "of_another", 6),
        child("of_nobody", "nobody", 7),
    ];
    let number = threads.len();
    let list = list(&mut model(threads));
    assert_eq!(list.len(), 1 + number, "{list:#?}");
    assert_eq!(list.iter().filter(|line| line.starts_with("  └ ")).count(), 2, "{list:#?}");
}

#[test]
fn the_home_of_the_user_has_a_short_name() {
    let at = |cwd: &str| list(&mut model(vec![thread("a", "idle", cwd, 1, json!({}))]))[0].clone();
    assert_eq!([at("/home/me/api"), at("/home/me"), at("/home/men")], ["~/api", "~", "/home/men"]);
}

#[test]
fn it_can_be_drawn_at_any_size() {
    let mut threads = several();
    threads.extend((0..60).map(|n| thread(&format!("t{n}"), "idle", "/work/漢字", n, json!({}))));
    let mut model = model(threads);
    for (width, height) in (0..30).flat_map(|n| [(n, 10), (100, n), (n * 7, n * 2), (n, n)]) {
        drawn(&mut model, width, height, true);
        press(&mut model, KeyCode::Down);
    }
    for code in [KeyCode::End, KeyCode::PageUp, KeyCode::Home, KeyCode::PageDown] {
        press(&mut model, code);
        let selected = model.selected().expect("there are some").thread_id.to_string();
        let buffer = drawn(&mut model, 80, 24, false);
        let is_marked =
            |cell: &ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED);
        let marked = buffer.content.chunks(80).skip(1).filter(|line| line.iter().all(is_marked)).count();
        assert_eq!(marked, 1, "{selected} is out of sight");
    }
}

#[test]
fn wide_terminals_have_the_details_beside_the_list_and_others_below() {
    let mut model = model(several());
    let beside = lines(&drawn(&mut model, 140, 20, false));
    assert!(beside[1].contains("/work/api") && beside[1].contains("waiting for 1m  b"), "{beside:#?}");
    let below = lines(&drawn(&mut model, 80, 24, false));
    let place = below.iter().position(|line| line.contains("waiting for 1m  b")).expect("there are details");
    assert!(place > 8, "{below:#?}");
    for fact in [
        "asks     Bash: rm -rf build",
        "because  May I?",
        "prompt   Fix it.",
        "model    gpt-5.5, default, startup",
    ] {
        assert!(below.iter().any(|line| line.contains(fact)), "{fact}: {below:#?}");
    }
}

#[test]
fn what_is_typed_filters_and_what_is_selected_stays_so() {
    let mut model = model(several());
    press(&mut model, KeyCode::Down);
    assert_eq!(model.selected().map(|thread| thread.thread_id.as_str()), Some("a"));
    type_in(&mut model, "API done");
    assert_eq!(list(&mut model)[..2], ["/work/api", "  idle        8m   Done."]);
    assert!(lines(&drawn(&mut model, 60, 10, false))[0].ends_with("/API done"));
    press(&mut model, KeyCode::Backspace);
    type_in(&mut model, "x");
    assert_eq!(list(&mut model), [" no thread matches"]);
    assert_eq!(press(&mut model, KeyCode::Esc), Wish::Nothing);
    assert_eq!(list(&mut model).len(), 7);
    assert_eq!(model.selected().map(|thread| thread.thread_id.as_str()), Some("a"));
    assert_eq!(press(&mut model, KeyCode::Esc), Wish::Quit);
    let interrupt = Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert_eq!(apply_input(&mut model, &interrupt), Wish::Quit);
}

#[test]
fn nothing_that_is_said_reaches_the_terminal_as_a_command() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r\n\t";
    let mut asked = asks(evil);
    asked["waiting_for"]["tool"] = evil.into();
    asked["waiting_for"]["reason"] = evil.into();
    for field in ["model", "permission_mode", "source", "last_prompt", "last_answer", "tag"] {
        asked[field] = evil.into();
    }
    let mut evil_thread = thread("e", "waiting", evil, 1, asked);
    evil_thread.tools = serde_json::from_value(json!([
        {"tool_use_id": evil, "name": evil, "gist": evil, "since": "2026-11-21T00:00:00Z"}
    ]))
    .expect("it is a tool");
    let mut model = model(vec![evil_thread]);
    let id = model.wants_log().expect("one is selected");
    model.learn(News::Problem(evil.to_owned()));
    model.learn(News::Event(id, super::feed::LogLine { at: now(), text: evil.to_owned() }));
    for (width, height) in [(80, 24), (140, 40), (30, 8)] {
        for cell in &drawn(&mut model, width, height, true).content {
            let steers = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
            assert!(!cell.symbol().chars().any(steers), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn there_are_colours_only_where_they_are_wanted() {
    let colours = |color| {
        let buffer = drawn(&mut model(several()), 140, 40, color);
        buffer.content.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert!(colours(true) > 0);
    assert_eq!(colours(false), 0);
}

#[test]
fn the_bell_rings_when_a_thread_that_is_shown_starts_to_wait() {
    let told = |thread: &str, what: &str| -> Vec<Transition> {
        let transition = json!({"transition": what, "thread_id": thread, "turn_id": "t",
            "at": "2026-11-21T00:00:00Z", "event_id": null, "by": "hook"});
        vec![serde_json::from_value(transition).expect("it is one")]
    };
    let mut model = Model::new(Selection::default().with(None, Some("mine")), None);
    let mine = || {
        vec![
            thread("a", "waiting", "/", 1, json!({"tag": "mine"})),
            thread("b", "waiting", "/", 1, json!({})),
        ]
    };
    assert!(model.learn(News::Threads(mine(), told("a", "approval_requested"))));
    assert!(!model.learn(News::Threads(mine(), told("a", "approval_resolved"))));
    assert!(!model.learn(News::Threads(mine(), told("b", "approval_requested"))));
}
