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
        let programs = sandbox.root().join("programs");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let sandbox = sandbox.env("PATH", path);
        sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
        // What the sessions run takes as long as the pictures need.
        install(&programs, "cargo", "exec sleep 600");
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
        let tests = Scenario::new().shell("cargo test --workspace --locked");
        app.start_turn(&thread("api"), &prompt("Make the tests of the parser pass.", tests));
        let reset = Scenario::new()
            .step(Step::new().shell("echo migrations: 41 of 42 applied"))
            .escalated("docker compose down --volumes", "May I reset the test database?");
        app.start_turn(&asking("api"), &prompt("Find out why the last migration hangs.", reset));

        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        for (columns, rows) in SIZES {
            let command = format!("'{}' threads --watch", hook_binary().display());
            let tmux = Tmux::start(&sandbox, (columns, rows), &command);
            let all = ["waiting ", "tool ", "running ", "idle ", "failed "];
            tmux.wait_until("all threads", |text| {
                all.iter().all(|status| text.contains(status)) && text.contains("PermissionRequest")
            });
            let picture = svg(&without_markers(&tmux.painted()), columns);
            let file = docs.join(format!("threads-{columns}x{rows}.svg"));
            fs::write(&file, picture).expect("the documentation can be written to");
        }
    }

    fn install(programs: &Path, name: &str, script: &str) {
        fs::create_dir_all(programs).expect("the sandbox can be written to");
        let program = programs.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("the sandbox can be written to");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    /// Without what the scripted model knows its prompts by; blanks stand for it.
    fn without_markers(painted: &str) -> String {
        let mut text = painted.to_owned();
        while let Some(start) = text.find(" [scenario ") {
            let Some(length) = text[start..].find(']') else { break };
            text.replace_range(start..=start + length, &" ".repeat(length + 1));
        }
        text
    }
}
