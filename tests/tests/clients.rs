//! The programs of `docs/clients.md`, as they stand there: they handle what the real Codex does, whatever is killed.

#![cfg(unix)]

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use codex_hook_tests::{Gate, Hook, Hooks, Sandbox, Scenario, Step, hook, strip_types};
use codex_spool::{Capture, ConsumerName, ConsumerReport};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const DOCUMENT: &str = include_str!("../../docs/clients.md");

/// The consumer that they are.
const NAME: &str = "client-under-test";

/// A program of the document.
struct Program {
    language: &'static str,
    /// How many events it has in hand at a time.
    at_once: usize,
    /// The line that is all that `handle` does.
    handle: &'static str,
}

const PYTHON: Program = Program {
    language: "python",
    at_once: 1,
    handle: r#"    print(record["event"], record["thread_id"], record["id"], flush=True)"#,
};

const TYPESCRIPT: Program = Program {
    language: "typescript",
    at_once: 8,
    handle: "  await print(`${event.event} ${event.thread_id} ${event.id}`);",
};

impl Program {
    fn text(&self) -> String {
        let (_, block) = DOCUMENT.split_once(&format!("```{}\n", self.language)).expect("it is there");
        block.split_once("```").expect("a block has an end").0.to_owned()
    }

    /// Writes the program into the sandbox, with more in front of what `handle` does.
    fn write(&self, sandbox: &Sandbox, more: &str) {
        let text = self.text();
        assert_eq!(text.matches(self.handle).count(), 1, "{text}");
        let text = text.replace(self.handle, &format!("{more}{}", self.handle));
        match self.language {
            "python" => fs::write(sandbox.root().join("consumer.py"), text).expect("it can be written"),
            _ => strip_types(&text, &sandbox.root().join("consumer.mjs")),
        }
    }

    fn start(&self, sandbox: &Sandbox) -> Running {
        let (interpreter, file) = match self.language {
            "python" => ("python3", "consumer.py"),
            _ => ("node", "consumer.mjs"),
        };
        let log = File::options().create(true).append(true).open(sandbox.root().join("log"));
        let mut command: Command = sandbox.command(interpreter);
        command.arg(sandbox.root().join(file)).arg(NAME).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(log.expect("the sandbox can be written to"));
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{interpreter} can't be run: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Running { child, lines }
    }
}

/// A program that runs.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Waits until an event is handled; gives its id. `None`: it has ended.
    fn handled(&mut self) -> Option<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a pipe can be read");
        line.split_whitespace().last().map(str::to_owned)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is ours");
    }

    /// Kills it, and gives what it had handled and nobody had read of.
    fn kill(mut self) -> Vec<String> {
        self.signal(Signal::SIGKILL);
        let rest = std::iter::from_fn(|| self.handled()).collect();
        self.child.wait().expect("it can be waited for");
        rest
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    fn end(mut self) {
        self.signal(Signal::SIGTERM);
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("a pipe can be read");
        assert_eq!((self.child.wait().expect("it can be waited for").code(), &*rest), (Some(0), ""));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was handled by all runs of a program.
#[derive(Default)]
struct Handled {
    in_order: Vec<String>,
    seen: HashSet<String>,
}

impl Handled {
    fn add(&mut self, id: String) {
        if self.seen.insert(id.clone()) {
            self.in_order.push(id);
        }
    }

    /// Reads on until everything that is in the journal now was handled. Gives how much was handled that had been before.
    fn until_all(&mut self, running: &mut Running, hook: Hook<'_>) -> usize {
        let mut again = 0;
        let all = ids(hook);
        while all.iter().any(|id| !self.seen.contains(id)) {
            let id = running.handled().expect("it goes on");
            again += usize::from(self.seen.contains(&id));
            self.add(id);
        }
        again
    }
}

fn ids(hook: Hook<'_>) -> Vec<String> {
    hook.events().iter().map(|event| event.id().to_string()).collect()
}

fn sandbox_with_consumer() -> Sandbox {
    let sandbox = Sandbox::new().with_programs();
    // What is tried is the death of programs, not the loss of power.
    fs::create_dir_all(sandbox.spool()).expect("the sandbox can be written to");
    fs::write(sandbox.spool().join("spool.toml"), "durability = \"process\"\n").expect("it can be written");
    drop(hook(&sandbox).spool().consumer(NAME).expect("a good name").open().expect("nobody has it"));
    sandbox
}

fn report(hook: Hook<'_>) -> ConsumerReport {
    let name: ConsumerName = NAME.parse().expect("a good name");
    hook.spool().consumer_report(&name).expect("it can be read").expect("it is there")
}

/// Kills the `hook tail` of a program.
fn kill_tail(hook: Hook<'_>) {
    // It says who it is as soon as it has the consumer.
    let pid = loop {
        match report(hook) {
            ConsumerReport { running: true, pid: Some(pid), .. } => break pid,
            _ => std::thread::yield_now(),
        }
    };
    kill(Pid::from_raw(i32::try_from(pid).expect("it is a pid")), Signal::SIGKILL).expect("it is ours");
}

/// Nothing is left to do, and nobody has the consumer.
#[track_caller]
fn assert_all_settled(hook: Hook<'_>) {
    let mut consumer = hook.spool().consumer(NAME).expect("a good name").open().expect("nobody has it");
    let statistics = consumer.statistics();
    assert_eq!((consumer.drain().count(), statistics.dead), (0, 0));
}

fn handles_a_session_and_goes_on(program: &Program) {
    let sandbox = sandbox_with_consumer();
    let hook = hook(&sandbox);
    sandbox.write_hooks(&Hooks::new(hook.registration()));
    program.write(&sandbox, "");
    let mut handled = Handled::default();
    let mut again = 0;

    // The program is killed in the middle of a turn, and what follows happens while it is down.
    let mut running = program.start(&sandbox);
    let gate = Gate::new();
    let steps = Scenario::new().shell("echo one").step(Step::new().gate(&gate).shell("echo two"));
    let codex = sandbox.exec(&sandbox.model().prompt("Work.", steps)).bypass_trust().spawn();
    gate.wait_until_reached();
    let before = ids(hook);
    assert!(before.len() > 4, "{before:?}");
    again += handled.until_all(&mut running, hook);
    assert_eq!(running.kill(), [""; 0]);
    gate.open();
    codex.wait().assert_success();
    assert!(ids(hook).len() > before.len() + 4);

    let mut running = program.start(&sandbox);
    again += handled.until_all(&mut running, hook);
    assert_eq!(handled.in_order, ids(hook), "it is one thread, and in its order");

    // What it talks with is killed; it finds another.
    kill_tail(hook);
    let prompt = sandbox.model().prompt("Work again.", Scenario::new().shell("echo three"));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();
    again += handled.until_all(&mut running, hook);
    assert_eq!(handled.in_order, ids(hook));
    assert!(again <= 2 * program.at_once, "{again} were handled again");
    running.end();
    assert_all_settled(hook);
}

fn loses_nothing_of_a_backlog(program: &Program) {
    const THREADS: usize = 20;
    let sandbox = sandbox_with_consumer();
    let hook = hook(&sandbox);
    program.write(&sandbox, "");
    let spool = hook.spool();
    for number in 0..600 {
        let thread = number % THREADS;
        let payload =
            format!(r#"{{"hook_event_name":"Stop","session_id":"{thread}","cwd":"/","turn_id":"{number}"}}"#);
        spool.record(payload.as_bytes(), &Capture::now()).expect("the spool takes it");
    }
    let mut handled = Handled::default();
    let mut again = 0;
    for _ in 0..2 {
        let mut running = program.start(&sandbox);
        for _ in 0..50 {
            let id = running.handled().expect("it goes on");
            again += usize::from(handled.seen.contains(&id));
            handled.add(id);
        }
        running.kill().into_iter().for_each(|id| handled.add(id));
    }
    let mut running = program.start(&sandbox);
    for _ in 0..50 {
        let id = running.handled().expect("it goes on");
        again += usize::from(handled.seen.contains(&id));
        handled.add(id);
    }
    kill_tail(hook);
    again += handled.until_all(&mut running, hook);
    running.end();
    assert_all_settled(hook);

    assert!(again <= 3 * program.at_once, "{again} were handled again");
    let events = hook.events();
    for thread in 0..THREADS {
        let thread = thread.to_string();
        let of_thread =
            events.iter().filter(|event| event.thread_id().is_some_and(|id| id.as_str() == thread));
        let in_order: Vec<String> = of_thread.map(|event| event.id().to_string()).collect();
        let of_thread: HashSet<&String> = in_order.iter().collect();
        let handled: Vec<&String> = handled.in_order.iter().filter(|id| of_thread.contains(id)).collect();
        assert_eq!(handled, in_order.iter().collect::<Vec<_>>(), "thread {thread}");
    }
}

fn retries_and_rejects(program: &Program, handle: &str) {
    let sandbox = sandbox_with_consumer();
    let hook = hook(&sandbox);
    program.write(&sandbox, handle);
    let spool = hook.spool();
    for (thread, prompt) in [("a", "reject"), ("b", "fail once"), ("b", "after it"), ("c", "é")] {
        let payload = format!(
            r#"{{"hook_event_name":"UserPromptSubmit","session_id":"{thread}","cwd":"/","prompt":"{prompt}"}}"#
        );
        spool.record(payload.as_bytes(), &Capture::now()).expect("the spool takes it");
    }
    let mut running = program.start(&sandbox);
    let mut handled: Vec<String> = (0..3).map(|_| running.handled().expect("it goes on")).collect();
    running.end();
    let ids = ids(hook);
    // The one that failed comes last, and what follows it in its thread after it.
    assert_eq!(handled.remove(0), ids[3]);
    assert_eq!(handled, ids[1..3]);
    let dead = spool.dead(&NAME.parse().expect("a good name")).expect("it can be read");
    let dead: Vec<_> = dead.iter().map(|dead| (dead.id().to_string(), dead.reason())).collect();
    assert_eq!(dead, [(ids[0].clone(), "it is „never“")]);
    let log = fs::read_to_string(sandbox.root().join("log")).expect("it is there");
    assert!(log.contains(&ids[1]) && log.contains("not now"), "{log}");
}

#[test]
fn the_python_program_handles_a_session_and_goes_on_when_killed() {
    handles_a_session_and_goes_on(&PYTHON);
}

#[test]
fn the_typescript_program_handles_a_session_and_goes_on_when_killed() {
    handles_a_session_and_goes_on(&TYPESCRIPT);
}

#[test]
fn the_python_program_loses_nothing_of_a_backlog() {
    loses_nothing_of_a_backlog(&PYTHON);
}

#[test]
fn the_typescript_program_loses_nothing_of_a_backlog() {
    loses_nothing_of_a_backlog(&TYPESCRIPT);
}

#[test]
fn the_python_program_retries_and_rejects() {
    retries_and_rejects(
        &PYTHON,
        r#"    if record["payload"]["prompt"] == "reject":
        raise Reject("it is „never“")
    if record["payload"]["prompt"] == "fail once" and not hasattr(handle, "failed"):
        handle.failed = True
        raise ValueError("not now")
"#,
    );
}

#[test]
fn the_typescript_program_retries_and_rejects() {
    retries_and_rejects(
        &TYPESCRIPT,
        r#"  if (event.payload["prompt"] === "reject") throw new Reject("it is „never“");
  const failed = globalThis as { failed?: boolean };
  if (event.payload["prompt"] === "fail once" && !failed.failed) {
    failed.failed = true;
    throw new Error("not now");
  }
"#,
    );
}

#[test]
fn the_python_program_is_one_of_python_3_8() {
    let check = "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 8))";
    let ran = codex_hook_tests::run(Command::new("python3").args(["-c", check]), PYTHON.text().as_bytes());
    assert!(ran.status.success(), "{ran:?}");
}
