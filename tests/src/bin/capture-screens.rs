//! Takes the pictures of `hook threads --watch` in the documentation: the real thing, on sessions of a real Codex whose
//! model is scripted. `cargo run -p codex-hook-tests --bin capture-screens`

#[cfg(unix)]
fn main() {
    screens::capture();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod screens {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use codex_hook_tests::{
        Config, Decision, Gate, Hooks, Sandbox, Scenario, Step, Tmux, hook, hook_binary, svg,
    };
    use serde_json::json;

    const SIZES: [(u16, u16); 2] = [(80, 24), (140, 40)];

    pub(super) fn capture() {
        let sandbox = Sandbox::with(&Config::asking());
        sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
        let never = Gate::new();
        let app = sandbox
            .app_builder()
            .on_request(|_| -> Decision {
                loop {
                    std::thread::park();
                }
            })
            .start();
        app.trust();
        let thread = |project: &str| {
            let cwd = sandbox.home().join(project);
            fs::create_dir_all(&cwd).expect("the sandbox can be written to");
            app.start_thread_with(json!({"cwd": cwd, "sandbox": "danger-full-access"}))
        };
        let asking = |project: &str| {
            let cwd = sandbox.home().join(project);
            app.start_thread_with(json!({"cwd": cwd}))
        };
        let prompt = |text: &str, scenario| sandbox.model().prompt(text, scenario);

        let answer =
            "The menu closes with Escape now, and gives the focus back to its button. Two tests are new.";
        app.turn(&thread("site"), &prompt("Let the menu close with Escape.", Scenario::new().answer(answer)));
        let child =
            prompt("Read the changelog of every dependency.", Scenario::new().step(Step::new().gate(&never)));
        let parent =
            Scenario::new().step(Step::new().spawn_agent(&child)).step(Step::new().wait_for_agents());
        app.start_turn(&thread("site"), &prompt("Bring the dependencies up to date.", parent));
        app.turn(&thread("infra"), &prompt("Why does the nightly build fail?", Scenario::new().fail(500)));
        let api = thread("api");
        // What it runs takes as long as the pictures need.
        install(&sandbox.home().join("api"), "run-tests", "exec sleep 600");
        let tests = Step::new().shell_with("./run-tests parser", json!({"yield_time_ms": 30_000}));
        let tests = Scenario::new().step(tests);
        app.start_turn(&api, &prompt("Make the tests of the parser pass.", tests));
        let reset = Scenario::new()
            .step(Step::new().shell("echo migrations: 41 of 42 applied"))
            .escalated("docker compose down --volumes", "May I reset the test database?");
        app.start_turn(&asking("api"), &prompt("Find out why the last migration hangs.", reset));

        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let home = sandbox.home().to_string_lossy().into_owned();
        for (columns, rows) in SIZES {
            let command = format!("'{}' threads --watch", hook_binary().display());
            let tmux = Tmux::start(&sandbox, (columns, rows), &command);
            let all = ["  waiting ", "  tool ", "└ running ", "  idle ", "  failed ", "./run-tests"];
            tmux.wait_until("all threads", |text| {
                all.iter().all(|status| text.contains(status)) && text.contains("PermissionRequest")
            });
            let picture = svg(&as_of_a_user(&tmux.painted(), &home), columns);
            let file = docs.join(format!("threads-{columns}x{rows}.svg"));
            fs::write(&file, picture).expect("the documentation can be written to");
        }
    }

    fn install(folder: &Path, name: &str, script: &str) {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("the sandbox can be written to");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    /// Without what shows that the sessions are played: by what the scripted model knows its prompts, and where the
    /// sandbox is. Blanks stand for it.
    fn as_of_a_user(painted: &str, home: &str) -> String {
        let mut text = painted.to_owned();
        for marker in (0..9).map(|number| format!(" [scenario {number}]")) {
            text = text.replace(&marker, &" ".repeat(marker.len()));
        }
        // One that was cut.
        for length in (2.." [scenario 0]".len()).rev() {
            let cut = &" [scenario 0]"[..length];
            text = text.replace(&format!("{cut}…"), &format!("…{}", " ".repeat(length)));
        }
        text.lines().map(|line| with_home(line, home) + "\n").collect()
    }

    /// What follows on the line moves to the left, and blanks take its place.
    fn with_home(line: &str, home: &str) -> String {
        const HOME: &str = "/home/me";
        let shown = line.replace(home, HOME);
        let shorter = line.matches(home).count() * (home.len() - HOME.len());
        shown + &" ".repeat(shorter)
    }
}
