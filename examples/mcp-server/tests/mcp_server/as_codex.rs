//! Codex itself as the client.

use codex_hook_tests::{Config, Hooks, Sandbox, Scenario, Step, hook};
use serde_json::{Value, json};

use crate::client;

#[test]
fn a_codex_session_sees_what_the_others_do() {
    let sandbox = Sandbox::with(&Config::new()).with_programs();
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    // As a user has it who has installed the program.
    let program = client::server().get_program().to_owned();
    std::os::unix::fs::symlink(program, sandbox.bin().join("example-mcp-server"))
        .expect("the folder is there");
    let home = format!("CODEX_HOME={}", sandbox.codex_home().display());
    let added = sandbox
        .codex()
        .args(["mcp", "add", "codex-threads", "--env", &home, "--", "example-mcp-server"])
        .status();
    assert!(added.expect("it can be run").success());

    let other = sandbox.exec("Something else.").bypass_trust().run().assert_success().thread_id();
    let step = Step::new().call_in("mcp__codex_threads", "codex_threads", json!({"ended": true}));
    let prompt = sandbox.model().prompt("What do the others do?", Scenario::new().step(step));
    sandbox.exec(&prompt).bypass_trust().run().assert_success();
    for r in sandbox.model().requests() {
        eprintln!("{}", r.body["tools"].to_string().chars().take(6000).collect::<String>());
    }
    let requests = sandbox.model().requests();
    let told = &requests.last().expect("there were some").body["input"];
    let told =
        told.as_array().expect("a list").iter().rev().find(|item| item["type"] == "function_call_output");
    let told = told.expect("the model was told").to_string();
    panic!("{told} {other}");
}
