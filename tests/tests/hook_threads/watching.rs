//! `hook threads --watch`, in a terminal.

use std::{
    fs,
    sync::{Mutex, mpsc},
};

use codex_hook_tests::{App, Config, Decision, Gate, Sandbox, Scenario, Step, Tmux, hook, hook_binary, run};
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::listing::{recording, trusting};

const SIZE: (u16, u16) = (80, 24);

/// The view in a terminal; how it ended and how the terminal is left are printed there.
fn watch<'a>(sandbox: &'a Sandbox, variables: &str, flags: &str) -> Tmux<'a> {
    let hook = hook_binary();
    let script = format!(
        "sh -c 'echo $$ >pid; {variables} exec \"{}\" threads --watch {flags}'; echo ended with $?; stty -a; cat",
        hook.display()
    );
    let tmux = Tmux::start(sandbox, SIZE, &script);
    tmux.wait_until("view", |text| text.contains("hook threads"));
    tmux
}

/// The line of the screen that has these words.
#[track_caller]
fn line_of(text: &str, words: &str) -> usize {
    let place = text.lines().position(|line| line.contains(words));
    place.unwrap_or_else(|| panic!("no {words}:\n{text}"))
}

/// Starts a thread whose turn stands still.
fn busy(app: &App, sandbox: &Sandbox, prompt: &str, gate: &Gate) {
    let scenario = Scenario::new().step(Step::new().gate(gate));
    app.start_turn(&app.start_thread(), &sandbox.model().prompt(prompt, scenario));
    gate.wait_until_reached();
}

#[test]
fn a_thread_that_starts_to_wait_moves_to_the_top() {
    let sandbox = recording(&Config::asking());
    let (answer, wait_for_it) = mpsc::channel::<()>();
    let wait_for_it = Mutex::new(wait_for_it);
    let app = sandbox
        .app_builder()
        .on_request(move |_| {
            let _ = wait_for_it.lock().expect("nobody panics while holding it").recv();
            Decision::Accept
        })
        .start();
    app.trust();
    let asks = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&asks).escalated("echo done", "May I?"));
    app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask me.", scenario));
    asks.wait_until_reached();
    let thinks = Gate::new();
    busy(&app, &sandbox, "Think.", &thinks);

    let tmux = watch(&sandbox, "", "");
    let text = tmux.wait_until("thread", |text| text.contains("> Ask me.") && text.contains("> Think."));
    // The newest first.
    assert!(line_of(&text, "> Think.") < line_of(&text, "> Ask me."), "{text}");
    asks.open();
    let text = tmux.wait_until("question", |text| text.contains("May I? Bash: echo done"));
    assert!(line_of(&text, "waiting ") < line_of(&text, "> Think."), "{text}");
    assert!(text.contains("2 threads, 1 waiting"), "{text}");
    // What was selected before still is: its details and its events are below.
    tmux.press(&["Home"]);
    let text = tmux
        .wait_until("details", |text| text.contains("because  May I?") && text.contains("PermissionRequest"));
    assert!(line_of(&text, "asks     Bash: echo done") > line_of(&text, "> Think."), "{text}");

    tmux.resize((140, 40));
    let text = tmux.wait_until("wide view", |text| text.lines().any(|line| line.chars().count() > 100));
    assert_eq!(
        line_of(&text, "waiting for "),
        line_of(&text, &sandbox.project().to_string_lossy()),
        "{text}"
    );
    tmux.resize((30, 6));
    tmux.wait_until("narrow view", |text| text.lines().count() <= 6 && text.contains("waiting"));
    tmux.resize(SIZE);

    tmux.press(&["think"]);
    let text =
        tmux.wait_until("filtered view", |text| text.contains("/think") && !text.contains("\n  waiting  "));
    assert!(text.contains("> Think."), "{text}");
    tmux.press(&["Escape"]);
    tmux.wait_until("whole view", |text| text.contains("\n  waiting  "));
    drop(answer);
    thinks.open();
    tmux.wait_until("idle threads", |text| text.matches("idle  ").count() == 2);
}

/// The process that shows the view.
fn pid(sandbox: &Sandbox) -> Pid {
    let pid = fs::read_to_string(sandbox.project().join("pid")).expect("it has been written");
    Pid::from_raw(pid.trim().parse().expect("a number"))
}

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let sandbox = recording(&Config::new());
    // There is a spool as soon as something has happened.
    sandbox.exec("Begin.").bypass_trust().run().assert_success();
    for end in ["Escape", "C-c", "SIGTERM", "SIGINT", "SIGHUP"] {
        let tmux = watch(&sandbox, "", "");
        tmux.wait_until("empty list", |text| text.contains("no threads: they appear as Codex works"));
        assert!(tmux.is_taken_over());
        match end.parse::<Signal>() {
            Ok(signal) => signal::kill(pid(&sandbox), signal).expect("it runs"),
            Err(_) => tmux.press(&[end]),
        }
        let text = tmux.wait_until("end", |text| text.contains("ended with") && text.contains("iexten"));
        assert!(text.contains("ended with 0"), "{end}: {text}");
        assert!(!tmux.is_taken_over(), "{end}");
        for mode in ["-icanon", "-echo ", "-isig", "-opost"] {
            assert!(!text.contains(mode), "{end}: {mode}: {text}");
        }
        // Nothing of it is left in the spool.
        let consumers = sandbox.spool().join("consumers");
        assert_eq!(fs::read_dir(consumers).expect("it is there").count(), 0, "{end}");
    }
}

/// Whether the escape sequences of a screen set any colour.
fn has_colour(painted: &str) -> bool {
    let parameters = painted.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m'));
    parameters.flat_map(|(parameters, _)| parameters.split(';')).any(|number| {
        let number = number.parse().unwrap_or(0);
        (30..=38).contains(&number) || (40..=48).contains(&number) || (90..=107).contains(&number)
    })
}

#[test]
fn there_are_colours_unless_they_are_not_wanted() {
    let sandbox = recording(&Config::new());
    let app = trusting(&sandbox);
    let gate = Gate::new();
    busy(&app, &sandbox, "Think.", &gate);
    for (variables, expected) in [("", true), ("NO_COLOR=1", false)] {
        let tmux = watch(&sandbox, variables, "");
        tmux.wait_until("thread", |text| text.contains("> Think."));
        assert_eq!(has_colour(&tmux.painted()), expected, "{variables}");
    }
}

#[test]
fn the_bell_rings_when_a_thread_starts_to_wait_and_it_is_asked_to() {
    let sandbox = recording(&Config::asking());
    let gate = Gate::new();
    let app = trusting(&sandbox);
    let scenario = Scenario::new().step(Step::new().gate(&gate).escalated("echo done", "May I?"));
    let turn = app.start_turn(&app.start_thread(), &sandbox.model().prompt("Ask.", scenario));
    gate.wait_until_reached();
    let quiet = watch(&sandbox, "", "");
    let loud = watch(&sandbox, "", "--bell");
    for tmux in [&quiet, &loud] {
        tmux.wait_until("thread", |text| text.contains("> Ask."));
    }
    gate.open();
    app.wait_for_turn(&turn);
    for tmux in [&quiet, &loud] {
        tmux.wait_until("end of the turn", |text| text.contains("idle  "));
    }
    assert!(loud.has_rung() && !quiet.has_rung());
}

#[test]
fn without_a_terminal_there_is_no_view() {
    let sandbox = recording(&Config::new());
    hook(&sandbox).spool();
    let ran = run(&mut hook(&sandbox).command(["threads", "--watch"]), b"");
    assert!(ran.assert_refused().starts_with("hook: --watch needs a terminal: "), "{ran:?}");
}
