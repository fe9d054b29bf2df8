//! `codex_send`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};

use codex_hook_tests::{
    AppServers, Config, Decision, Gate, Hooks, Sandbox, Scenario, Step, codex_binary, hook,
};
use serde_json::{Value, json};

use crate::client::{self, Client};

/// A sandbox in which hooks are recorded, and each Codex has a server of its own; none outlives it.
struct Recording(Sandbox);

impl Recording {
    fn with(config: &Config) -> Self {
        let sandbox = Sandbox::with(config);
        let server = client::server().get_program().to_string_lossy().into_owned();
        let configured = format!(
            "[mcp_servers.codex-threads]\ncommand = {server:?}\nargs = [\"--allow-send\", {:?}]\nenv_vars = [\"CODEX_HOME\"]",
            sandbox.project()
        );
        sandbox.write_config(&config.clone().table(&configured));
        sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
        sandbox.app().trust();
        Self(sandbox)
    }

    /// A server that may send to threads in this folder.
    fn client(&self, allowed: &Path) -> Client {
        let codex = codex_binary().to_string_lossy().into_owned();
        client::within(&self.0, &["--allow-send", &allowed.to_string_lossy(), "--codex", &codex])
    }

    /// A thread that has had a turn in this folder, and has ended.
    fn ended_thread(&self, folder: &Path) -> String {
        let prompt = self.0.model().prompt("First.", Scenario::new());
        self.0.exec(&prompt).flag("-C").flag(folder).run().assert_success().thread_id()
    }

    /// How often the hook has seen this prompt.
    fn prompted(&self, prompt: &str) -> usize {
        let events = hook(&self.0).events();
        let is_it =
            |payload: &Value| payload["hook_event_name"] == "UserPromptSubmit" && payload["prompt"] == prompt;
        let payloads = events.iter().map(|event| serde_json::from_str(event.payload()).expect("JSON"));
        payloads.filter(is_it).count()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        AppServers::of(&self.0).kill();
    }
}

fn until_idle(client: &Client, thread: &str) -> Value {
    client.call("codex_wait", json!({"threadId": thread, "until": ["idle"], "timeoutMs": 3_600_000}))
}

fn until_ended(client: &Client, thread: &str) {
    client.call("codex_wait", json!({"threadId": thread, "until": ["ended"], "timeoutMs": 3_600_000}));
}

#[test]
fn an_idle_thread_gets_a_prompt_once_and_is_free_thereafter() {
    let codex = Recording::with(&Config::asking());
    let project = codex.0.project();
    let client = codex.client(&project);
    assert_eq!(client.tools(), ["codex_threads", "codex_events", "codex_wait", "codex_send"]);
    let thread = codex.ended_thread(&project);
    until_ended(&client, &thread);
    let gate = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&gate).answer("Second done."));
    let prompt = codex.0.model().prompt("Second.", scenario);
    let send = json!({"threadId": thread, "prompt": prompt, "key": "second"});
    let sent = client.call("codex_send", send.clone());
    let running = client.call("codex_wait", json!({"threadId": thread, "timeoutMs": 0}));
    assert_eq!((&running["reached"], &running["thread"]["turn_id"]), (&Value::Null, &sent["turn_id"]));
    gate.wait_until_reached();
    assert_eq!(client.fails("codex_send", json!({"threadId": thread, "prompt": "Third."})), "thread_busy");
    gate.open();
    let idle = until_idle(&client, &thread);
    assert_eq!(
        (&idle["thread"]["last_answer"], &idle["thread"]["turn_id"]),
        (&json!("Second done."), &sent["turn_id"])
    );
    // The server that it ran on ends: anybody can have the thread.
    until_ended(&client, &thread);
    while AppServers::of(&codex.0).is_any_there() {
        std::thread::yield_now();
    }
    codex.0.exec("By hand.").resume(&thread).run().assert_success();
    until_ended(&client, &thread);
    assert_eq!(client.call("codex_send", send)["turn_id"], sent["turn_id"], "it had been sent");
    assert_eq!(codex.prompted(&prompt), 1);
    assert!(client.close().success());
    assert!(!AppServers::of(&codex.0).is_any_there());
}

#[test]
fn a_prompt_is_sent_once_though_the_server_is_killed_while_it_sends() {
    let codex = Recording::with(&Config::asking());
    let project = codex.0.project();
    let thread = codex.ended_thread(&project);
    // Codex asks its hooks before it writes the prompt down.
    let gate = codex.0.shell_gate();
    let once = codex.0.root().join("once");
    let slow = format!("test -e {0} || {{ touch {0}; {1}; }}", once.display(), gate.command());
    codex.0.write_hooks(&Hooks::new(hook(&codex.0).registration()).and(slow).events(&[
        "UserPromptSubmit",
        "Stop",
        "SessionEnd",
    ]));
    codex.0.app().trust();
    let prompt = codex.0.model().prompt("Second.", Scenario::new());
    let send = json!({"threadId": thread, "prompt": prompt, "key": "second"});
    let mut doomed = codex.client(&project);
    doomed.begin("codex_send", send.clone());
    gate.wait_until_reached();
    doomed.kill();
    gate.open();
    let client = codex.client(&project);
    let turn = loop {
        match client.try_call("codex_send", send.clone()) {
            Ok(sent) => break sent["turn_id"].clone(),
            Err(failure) => assert!(
                ["thread_busy", "unconfirmed"].contains(&failure["code"].as_str().unwrap_or_default()),
                "{failure}"
            ),
        }
    };
    assert!(turn.is_string());
    until_ended(&client, &thread);
    assert_eq!(client.call("codex_send", send)["turn_id"], turn);
    assert_eq!(codex.prompted(&prompt), 1);
}

#[test]
fn a_thread_elsewhere_or_without_a_sandbox_is_not_prompted() {
    let codex = Recording::with(&Config::asking());
    let (project, root) = (codex.0.project(), codex.0.root().to_owned());
    let allowed = root.join("allowed");
    std::fs::create_dir(&allowed).expect("the sandbox can be written to");
    let link = allowed.join("link");
    std::os::unix::fs::symlink(&project, &link).expect("the sandbox can be written to");
    let client = codex.client(&allowed);
    let send = |thread: &str| client.fails("codex_send", json!({"threadId": thread, "prompt": "Now."}));
    for folder in [&project, &link, &PathBuf::from("/")] {
        let thread = codex.ended_thread(folder);
        until_ended(&client, &thread);
        assert_eq!(send(&thread), "folder_not_allowed", "{}", folder.display());
    }
    assert_eq!(send("nobody"), "no_such_thread");
    let inside = codex.ended_thread(&allowed);
    until_ended(&client, &inside);
    assert_eq!(client.fails("codex_send", json!({"threadId": inside, "prompt": " "})), "bad_arguments");

    // Who asks before it leaves its sandbox has the same permission_mode as one that asks and has none.
    codex.0.write_config(&Config::asking().sandbox_mode("danger-full-access"));
    let app = codex.0.app();
    app.trust();
    let open = app.start_thread_with(json!({"cwd": allowed}));
    app.turn(&open, "First.");
    until_idle(&client, &open);
    assert_eq!(send(&open), "thread_elsewhere");
    assert!(app.close().success());
    until_ended(&client, &open);
    assert_eq!(send(&open), "unsandboxed");
    // One that may write to its folder and another one.
    let wide = format!("[sandbox_workspace_write]\nwritable_roots = [{:?}]", project);
    codex.0.write_config(&Config::asking().sandbox_mode("workspace-write").table(&wide));
    codex.0.app().trust();
    let wide = codex.ended_thread(&allowed);
    until_ended(&client, &wide);
    assert_eq!(send(&wide), "unsandboxed");
    assert_eq!(codex.prompted("Now."), 0);
    assert!(client.close().success());
}

#[test]
fn nobody_is_interrupted_and_what_a_hook_blocks_is_told() {
    let codex = Recording::with(&Config::asking());
    let project = codex.0.project();
    let client = codex.client(&project);
    let answered = Arc::new(Barrier::new(2));
    let person = Arc::clone(&answered);
    let asking = codex.0.app_builder().on_request(move |_| {
        person.wait();
        Decision::Accept
    });
    let app = asking.start();
    let thread = app.start_thread();
    let prompt = codex.0.model().prompt("Ask.", Scenario::new().escalated("true", "It is needed."));
    let turn = app.start_turn(&thread, &prompt);
    let started = json!({"threadId": thread, "kinds": ["PermissionRequest"], "waitMs": 3_600_000});
    client.call("codex_events", started);
    let send = json!({"threadId": thread, "prompt": "Never mind."});
    client.call("codex_wait", json!({"threadId": thread, "until": ["waiting"], "timeoutMs": 3_600_000}));
    assert_eq!(client.fails("codex_send", send.clone()), "thread_waiting");
    answered.wait();
    assert_eq!(app.wait_for_turn(&turn).status, "completed");
    assert!(app.close().success());
    until_ended(&client, &thread);

    let registration = hook(&codex.0).registration();
    let block = "echo 'Not today.' >&2; exit 2";
    codex.0.write_hooks(&Hooks::new(registration).and(block).events(&["UserPromptSubmit"]));
    codex.0.app().trust();
    assert_eq!(client.fails("codex_send", send), "prompt_blocked");
}
