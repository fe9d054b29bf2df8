//! Sessions that are recorded, and folded into threads.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use codex_hook_tests::{App, AppBuilder, Config, EVENTS, Hooks, Sandbox, hook};
use codex_spool::{Event, Status, Thread, ThreadIndex, Transition, Witness};

/// A sandbox in which every event goes to `hook event`.
pub(crate) fn recording(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    sandbox
}

/// A sandbox with the hooks that `hook install` registers: none at requests to the model.
pub(crate) fn recording_by_default(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    let events = EVENTS.into_iter().filter(|event| !event.ends_with("ModelRequest")).collect::<Vec<_>>();
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()).events(&events));
    sandbox
}

/// An app-server that runs the hooks.
pub(crate) fn trusting(app: AppBuilder<'_>) -> App {
    let app = app.start();
    app.trust();
    app
}

/// What the index makes of the events of a sandbox.
pub(crate) struct Folded {
    pub(crate) index: ThreadIndex,
    pub(crate) transitions: Vec<Transition>,
}

/// Applies every event of the sandbox, in order. With `RECORD_SESSIONS` set they are kept under that name, for the
/// tests of the library.
#[track_caller]
pub(crate) fn fold(sandbox: &Sandbox, name: &str) -> Folded {
    let events = hook(sandbox).events();
    if std::env::var_os("RECORD_SESSIONS").is_some() {
        keep(&events, name);
    }
    let mut index = ThreadIndex::new().silent_for(Duration::ZERO).stalled_after(Duration::from_secs(60));
    let transitions = events.iter().flat_map(|event| index.apply(event)).collect();
    Folded { index, transitions }
}

fn keep(events: &[Event], name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spool/tests/sessions");
    fs::create_dir_all(&folder).expect("the sources can be written to");
    let records: String = events.iter().map(Event::record).collect();
    fs::write(folder.join(name).with_extension("jsonl"), records).expect("the sources can be written to");
}

impl Folded {
    /// Looks at transcripts and processes now; gives what changed by it.
    pub(crate) fn reconcile(&mut self) -> Vec<Transition> {
        self.index.reconcile(SystemTime::now())
    }

    /// The only thread there is.
    #[track_caller]
    pub(crate) fn thread(&self) -> Thread {
        let [thread] = &self.index.threads()[..] else {
            panic!("one is expected: {:?}", self.index.threads())
        };
        thread.clone()
    }

    /// A thread by its id.
    #[track_caller]
    pub(crate) fn of(&self, id: &str) -> Thread {
        self.index.get(id).expect("it is known")
    }

    /// The changes of all threads, in order.
    pub(crate) fn changes(&self) -> String {
        changes(&self.transitions)
    }

    /// The changes of one thread, in order.
    pub(crate) fn changes_of(&self, id: &str) -> String {
        let of = self.transitions.iter().filter(|transition| transition.thread_id.as_str() == id);
        changes(of)
    }
}

/// The words of transitions.
pub(crate) fn changes<'a>(transitions: impl IntoIterator<Item = &'a Transition>) -> String {
    let words: Vec<&str> = transitions.into_iter().map(|transition| transition.change.as_str()).collect();
    words.join(" ")
}

/// The words of transitions that no event told, each with who did.
pub(crate) fn told(transitions: &[Transition]) -> String {
    let words: Vec<String> = transitions
        .iter()
        .map(|transition| {
            assert_eq!(transition.event_id, None);
            let by = match transition.by {
                Witness::Transcript => "transcript",
                Witness::Process => "process",
                _ => "an event",
            };
            format!("{} by {by}", transition.change)
        })
        .collect();
    words.join(", ")
}

/// What a thread that is at rest looks like.
#[track_caller]
pub(crate) fn assert_at_rest(thread: &Thread, status: Status) {
    assert_eq!(thread.status, status, "{thread:#?}");
    assert!(thread.tools.is_empty() && thread.waiting_for.is_none(), "{thread:#?}");
}
