//! `codex_threads` and `codex_wait`, on the sessions of a real Codex.

use std::sync::{Arc, Barrier};

use codex_hook_tests::{App, Config, Decision, Gate, Hooks, Sandbox, Scenario, Step, hook};
use codex_spool::testing::{TestSpool, payload};
use serde_json::{Value, json};

use crate::client::{self, Client};

fn recording(config: &Config) -> Sandbox {
    let sandbox = Sandbox::with(config);
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    sandbox
}

fn started(app: &App, client: &Client, prompt: &str) -> String {
    let thread = app.start_thread();
    app.start_turn(&thread, prompt);
    // The server knows a thread by its first event.
    let args = json!({"threadId": thread, "kinds": ["UserPromptSubmit"], "waitMs": 3_600_000});
    client.call("codex_events", args);
    thread
}

fn wait(client: &Client, thread: &str, until: &[&str]) -> Value {
    client.call("codex_wait", json!({"threadId": thread, "until": until, "timeoutMs": 3_600_000}))
}

#[test]
fn a_turn_is_followed_to_its_end() {
    let sandbox = recording(&Config::new());
    let client = client::within(&sandbox, &[]);
    let app = sandbox.app();
    app.trust();
    let gate = Gate::new();
    let scenario = Scenario::new().step(Step::new().gate(&gate).answer("Nothing to do."));
    let prompt = sandbox.model().prompt("Look around.", scenario);
    let thread = started(&app, &client, &prompt);
    gate.wait_until_reached();
    let listed = client.call("codex_threads", json!({"cwd": sandbox.project()}));
    assert_eq!((&listed["threads"][0]["thread_id"], &listed["omitted"]), (&json!(thread), &json!(0)));
    assert_eq!(listed["threads"][0]["last_prompt"], *prompt);
    assert_eq!(client.call("codex_threads", json!({"cwd": sandbox.home()}))["threads"], json!([]));
    let late = client.call("codex_wait", json!({"threadId": thread, "timeoutMs": 1}));
    assert_eq!((&late["reached"], &late["thread"]["status"]), (&Value::Null, &json!("running")));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&client, &thread, &["idle"]));
        gate.open();
        let idle = waiting.join().expect("it does not panic");
        assert_eq!(
            (&idle["reached"], &idle["thread"]["last_answer"]),
            (&json!("idle"), &json!("Nothing to do."))
        );
    });
    assert_eq!(wait(&client, &thread, &["idle"])["transition"], Value::Null, "it is so already");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&client, &thread, &["ended"]));
        assert!(app.close().success());
        assert_eq!(waiting.join().expect("it does not panic")["reached"], "ended");
    });
    assert_eq!(client.call("codex_threads", json!({}))["threads"], json!([]));
    assert_eq!(client.call("codex_threads", json!({"ended": true}))["threads"][0]["thread_id"], *thread);
    let never = json!({"threadId": thread, "until": ["waiting"]});
    assert_eq!(client.fails("codex_wait", never), "thread_ended");
}

#[test]
fn an_approval_is_told_and_not_answered() {
    let sandbox = recording(&Config::asking());
    let client = client::within(&sandbox, &[]);
    let answered = Arc::new(Barrier::new(2));
    let person = Arc::clone(&answered);
    let app = sandbox
        .app_builder()
        .on_request(move |_| {
            person.wait();
            Decision::Accept
        })
        .start();
    app.trust();
    let prompt = sandbox.model().prompt("Ask.", Scenario::new().escalated("echo hi", "It is needed."));
    let thread = started(&app, &client, &prompt);
    let waiting = wait(&client, &thread, &["waiting", "idle"]);
    assert_eq!(waiting["reached"], "waiting");
    assert_eq!(waiting["thread"]["waiting_for"]["command"], "echo hi");
    let listed = client.call("codex_threads", json!({"status": ["waiting"]}));
    assert_eq!(listed["threads"][0]["waiting_for"]["reason"], "It is needed.");
    answered.wait();
    assert_eq!(wait(&client, &thread, &["idle"])["reached"], "idle");
}

#[test]
fn what_a_page_has_told_is_known_of_the_threads_too() {
    let spool = TestSpool::new();
    let client = client::on(&spool);
    let mut cursor = client.call("codex_events", json!({"newest": 0}))["nextCursor"].clone();
    let mut read_on = || {
        let page = client.call("codex_events", json!({"cursor": cursor, "waitMs": 3_600_000}));
        cursor = page["nextCursor"].clone();
    };
    for turn in 0..100 {
        let new = format!("new-{turn}");
        for thread in ["old", &new] {
            spool.fire(payload::user_prompt_submit(thread).turn_id(format!("turn-{turn}")).prompt("Begin."));
            read_on();
            let running = client.call("codex_wait", json!({"threadId": thread, "timeoutMs": 0}));
            assert_eq!(
                (&running["reached"], &running["thread"]["status"]),
                (&Value::Null, &json!("running"))
            );
        }
        spool.fire(payload::stop("old").turn_id(format!("turn-{turn}")));
        read_on();
        let idle = client.call("codex_wait", json!({"threadId": "old", "timeoutMs": 0}));
        assert_eq!(idle["reached"], "idle");
    }
}

#[test]
fn what_cannot_be_done_is_a_result_with_a_code() {
    let spool = TestSpool::new();
    spool.fire(payload::user_prompt_submit("thread").prompt("Begin."));
    let client = client::on(&spool);
    assert_eq!(client.tools(), ["codex_threads", "codex_events", "codex_wait"]);
    assert_eq!(client.fails("codex_wait", json!({"threadId": "nobody"})), "no_such_thread");
    assert_eq!(client.fails("codex_wait", json!({"threadId": "thread", "until": ["done"]})), "bad_arguments");
    assert_eq!(client.fails("codex_threads", json!({"status": ["asleep"]})), "bad_arguments");
    let listed = client.call("codex_threads", json!({"maxThreads": 1}));
    assert_eq!(listed["threads"][0]["thread_id"], "thread");
}

#[test]
fn a_server_leaves_nothing_behind_when_its_client_is_done() {
    let spool = TestSpool::new();
    spool.fire(payload::user_prompt_submit("thread").prompt("Begin."));
    let client = client::on(&spool);
    client.call("codex_threads", json!({}));
    let consumers = || std::fs::read_dir(spool.dir().join("consumers")).expect("it is there").count();
    assert_eq!(consumers(), 1);
    assert!(client.close().success());
    assert_eq!(consumers(), 0);
}
