//! Codex itself as the client.

use std::sync::{Arc, Mutex};

use codex_hook_tests::{Config, Hooks, Sandbox, Scenario, Step, hook};
use serde_json::{Value, json};

use crate::client;

const README: &str = include_str!("../../README.md");

/// What stands in the README between two pieces of it.
fn said(before: &str, after: &str) -> &'static str {
    let (_, rest) = README.split_once(before).expect("the README has it");
    rest.split_once(after).expect("the README has it").0
}

/// What the model was told by the tool that was called last.
fn told(sandbox: &Sandbox) -> String {
    let requests = sandbox.model().requests();
    let input = &requests.last().expect("there was one").body["input"];
    let mut items = input.as_array().expect("a list").iter().rev();
    let output = items.find(|item| item["type"] == "function_call_output").expect("a tool was called");
    output["output"].to_string()
}

#[test]
fn a_codex_session_sees_what_the_others_do() {
    let sandbox = Sandbox::with(&Config::asking()).with_programs();
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    // As a user has it who has installed the program.
    let program = client::server().get_program().to_owned();
    std::os::unix::fs::symlink(program, sandbox.bin().join("example-mcp-server"))
        .expect("the folder is there");
    let mut words = said(" && ", "\n").split_whitespace();
    assert_eq!(words.next(), Some("codex"));
    assert!(sandbox.codex().args(words).status().expect("it can be run").success());
    let config = sandbox.codex_home().join("config.toml");
    let text = std::fs::read_to_string(&config).expect("it is there");
    let configured = said("```toml\n", "```");
    let added = "[mcp_servers.codex-threads]\ncommand = \"example-mcp-server\"\n";
    assert!(text.contains(added) && configured.starts_with(added), "{text}");
    let configured = configured.replace("/home/me/work", &sandbox.project().to_string_lossy());
    std::fs::write(&config, text.replace(added, &configured)).expect("it can be written");

    let other = sandbox.exec("Something else.").bypass_trust().run().assert_success().thread_id();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asking = Arc::clone(&asked);
    let app = sandbox.app_builder().on_request(move |request: &Value| {
        asking.lock().expect("nobody panics with it").push(request.clone());
        json!({"action": "decline", "decision": "decline"})
    });
    let app = app.start();
    app.trust();
    let call = |tool: &str, arguments: Value| {
        let step = Step::new().call_in("mcp__codex_threads", tool, arguments);
        sandbox.model().prompt("What do the others do?", Scenario::new().step(step))
    };
    let thread = app.start_thread();
    assert_eq!(app.turn(&thread, &call("codex_threads", json!({"ended": true}))).status, "completed");
    let threads = told(&sandbox);
    assert!(threads.contains(&thread) && threads.contains(&other), "{threads}");
    assert_eq!(*asked.lock().expect("nobody panics with it"), Vec::<Value>::new(), "nobody is asked");
    app.turn(&thread, &call("codex_wait", json!({"threadId": "nobody"})));
    assert!(told(&sandbox).contains("no_such_thread"), "{}", told(&sandbox));
    app.turn(&thread, &call("codex_send", json!({"threadId": other, "prompt": "Stop that."})));
    assert!(told(&sandbox).contains("user rejected"), "{}", told(&sandbox));
    let asked = asked.lock().expect("nobody panics with it");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0]["params"]["message"].as_str().is_some_and(|text| text.contains("codex_send")),
        "{asked:?}"
    );
    assert!(app.close().success());
}
