//! The page, in Chromium, while the real Codex works.

use std::path::Path;
use std::sync::mpsc;
use std::{env, fs};

use codex_hook_tests::{Browser, Config, Decision, Gate, Hooks, Sandbox, Scenario, Step, hook};

use crate::support::Plane;

/// What a page must not take for more than text.
const NASTY: &str =
    "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script>";

// Prompts as people write them: longer than what is shown of them.
const REVIEW: &str = "Read the README as somebody who sees the project for the first time. Say which of its promises have a \
    test, and which of its sentences are too long to be understood at once. Change nothing, only give me the list.";
const MEASURE: &str = "Find out why the build has become slow since last week. Measure before you change anything, and tell \
    me what you measured: the time of a clean build, of an incremental one, and which crates take the most of it.";
const PUBLISH: &str = "Publish the next version of the library. See that the tests pass and that the changelog says what has \
    changed, set the date in it, and then upload the package. Ask before you do what cannot be taken back.";

#[test]
fn a_session_starts_waits_and_ends_before_the_eyes_of_whoever_looks() {
    let sandbox = Sandbox::with(&Config::asking());
    sandbox.write_hooks(&Hooks::new(hook(&sandbox).registration()));
    let plane = Plane::start(&sandbox);
    let browser = Browser::start();
    let page = browser.open(&plane.url());
    page.wait_for("document.documentElement.dataset.connection === 'live'");
    assert_eq!(page.value("location.hash"), "", "the token is not shown");
    page.wait_for("document.querySelector('#none').checkVisibility()");

    // One that is done, one that works, and one that is to wait.
    let (asked, is_asked) = mpsc::channel();
    let (decide, decided) = mpsc::channel::<()>();
    let decided = std::sync::Mutex::new(decided);
    let builder = sandbox.app_builder().on_request(move |_| {
        let _ = asked.send(());
        let _ = decided.lock().expect("nobody panics with it").recv();
        Decision::Accept
    });
    let app = builder.start();
    app.trust();
    let model = sandbox.model();
    let reviewed =
        Scenario::new().answer("Eight promises, each with its test. Two sentences could be shorter.");
    app.turn(&app.start_thread(), &model.prompt(REVIEW, reviewed));
    let gate = Gate::new();
    let works = app.start_thread();
    let held = Scenario::new().shell("cargo build --timings").step(Step::new().gate(&gate));
    let works_turn = app.start_turn(&works, &model.prompt(MEASURE, held));
    gate.wait_until_reached();
    page.wait_for(&format!("document.querySelector('[data-thread=\"{works}\"].is-running')"));

    let waits = app.start_thread();
    let scenario = Scenario::new().escalated("cargo publish -p codex-spool", "May I upload it to crates.io?");
    let turn = app.start_turn(&waits, &model.prompt(PUBLISH, scenario));
    is_asked.recv().expect("it asks");
    let button = format!("document.querySelector('[data-thread=\"{waits}\"]')");
    page.wait_for(&format!("{button}?.classList.contains('is-waiting')"));
    assert_eq!(
        page.value(&format!("{button}.querySelector('.doing').textContent")),
        "cargo publish -p codex-spool"
    );
    assert_eq!(page.value("document.querySelector('#threads h2').textContent"), "Waits for you");
    assert_eq!(page.value("document.title"), "(1) Codex threads");

    // Its events, and no others.
    page.value(&format!("{button}.click()"));
    page.wait_for("document.querySelector('#events .PermissionRequest')");
    page.wait_for(
        "document.querySelector('#facts .ask code')?.textContent === 'cargo publish -p codex-spool'",
    );
    let names =
        "[...document.querySelectorAll('#events .name')].map((name) => name.textContent).reverse().join(' ')";
    let begun = "SessionStart UserPromptSubmit PreModelRequest PostModelRequest PreToolUse PermissionRequest";
    page.wait_for(&format!("{names} === '{begun}'"));
    page.value("document.querySelector('#events summary').click()");
    page.wait_for(&format!("document.querySelector('#events pre')?.textContent.includes('{waits}')"));
    page.value("document.querySelector('#events summary').click()");
    for dark in [false, true] {
        keep(&page.picture(1280, 640, dark), if dark { "page-dark.png" } else { "page-light.png" });
    }

    // What is said is text, whatever it looks like.
    let nasty = app.start_thread();
    app.turn(&nasty, &model.prompt(NASTY, Scenario::new().answer(NASTY)));
    page.wait_for(&format!("document.querySelector('[data-thread=\"{nasty}\"].is-idle')"));
    page.value(&format!("document.querySelector('[data-thread=\"{nasty}\"]').click()"));
    page.wait_for("document.querySelector('#facts .answer')?.textContent.includes('<img src=x')");
    page.wait_for("document.querySelector('#events .Stop')");
    page.value("document.querySelectorAll('#events summary').forEach((row) => row.click())");
    page.wait_for(
        "document.querySelectorAll('#events pre').length === document.querySelectorAll('#events li').length",
    );
    assert_eq!(page.value("document.querySelectorAll('main img, main script').length"), 0);
    assert_eq!(page.value("document.title"), "(1) Codex threads");
    assert_eq!(page.complaints(), [""; 0]);
    page.value(&format!("{button}.click()"));
    page.wait_for(&format!("{names} === '{begun}'"));

    // Whoever is killed here, Codex goes on, and the page comes back by itself.
    page.value(
        "window.wasKilled = new Promise((done) => new MutationObserver(() => done(true)).observe(
        document.documentElement, {attributeFilter: ['data-connection']})); 1",
    );
    let plane = plane.kill_and_start(&sandbox);
    page.value("window.wasKilled");
    decide.send(()).expect("it waits for that");
    app.wait_for_turn(&turn);
    gate.open();
    app.wait_for_turn(&works_turn);
    page.wait_for("document.documentElement.dataset.connection === 'live'");
    page.wait_for(&format!("{button}.classList.contains('is-idle')"));
    page.wait_for(&format!("{names}.startsWith('{begun}') && {names}.endsWith(' Stop')"));
    assert!(app.close().success());
    page.wait_for(&format!("{button}.classList.contains('is-ended')"));
    page.wait_for("document.querySelector('#events .name').textContent === 'SessionEnd'");
    let health = plane.get("/api/health");
    assert_eq!((&health["ok"], &health["streams"]), (&true.into(), &1.into()), "{health}");
    let threads = plane.get("/api/threads");
    let ended =
        threads["threads"].as_array().expect("a list").iter().all(|thread| thread["status"] == "ended");
    assert!(ended && threads["threads"].as_array().map(Vec::len) == Some(4), "{threads}");
}

/// Keeps a picture where the README has it, if that is asked for.
fn keep(picture: &[u8], name: &str) {
    assert!(picture.starts_with(b"\x89PNG"));
    if env::var_os("RECORD_PICTURES").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), picture)
            .expect("the sources can be written to");
    }
}
