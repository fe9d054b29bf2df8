//! A flood of files costs whoever lists them time, and `hook event` none.
//!
//! `CODEX_HOOK_FILES=10000000 cargo test --release -p codex-hook-tests --test attacks flood -- --nocapture` tries ten
//! million; that takes some 700 MB of disk for the names alone.

use std::fs;
use std::path::Path;

use codex_hook_tests::{Sandbox, hook, run};
use codex_spool::Error;

/// ext4 lets a file have no more names than that.
const NAMES_OF_A_FILE: usize = 60_000;

const PAYLOAD: &str = r#"{"hook_event_name":"Stop","session_id":"s","cwd":"/"}"#;

/// Fills a folder with `count` names that look like those of events.
fn fill(folder: &Path, count: usize, name: impl Fn(usize) -> String) {
    let mut content = folder.join("0");
    for n in 0..count {
        if n % NAMES_OF_A_FILE == 0 {
            content = folder.join(name(n));
            fs::write(&content, "flood\n").expect("there is room");
        } else {
            fs::hard_link(&content, folder.join(name(n))).expect("there is room");
        }
    }
}

#[test]
fn a_flood_of_files_holds_up_neither_hook_event_nor_whoever_consumes() {
    let count =
        std::env::var("CODEX_HOOK_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let sandbox = Sandbox::new();
    let spool = hook(&sandbox).spool();
    drop(spool.consumer("c").expect("a good name").open().expect("nobody has it"));
    hook(&sandbox).event(PAYLOAD).assert_silent();
    let days = fs::read_dir(sandbox.spool().join("journal")).expect("it is there");
    let day = days.map(|day| day.expect("it can be listed").path()).next().expect("one day");
    // The third part each: in the day, in the queue, and where nobody should have put anything.
    fill(&day, count / 3, |n| format!("{n:032x}.json"));
    fill(&sandbox.spool().join("consumers/c/queue"), count / 3, |n| format!("18{n:018}-{n:032x}.json"));
    fill(&sandbox.spool().join("rejected"), count / 3, |n| format!("flood {n}"));

    let started = std::time::Instant::now();
    hook(&sandbox).event(PAYLOAD.replace("Stop", "SessionEnd")).assert_silent();
    let took = started.elapsed();
    // The same process with an address space that would not hold the names.
    let script = r#"ulimit -v 65536; exec "$0" event"#;
    let mut command = sandbox.command("/bin/sh");
    command.args(["-c", script]).arg(codex_hook_tests::hook_binary());
    run(&mut command, PAYLOAD.replace("Stop", "PreCompact").as_bytes()).assert_silent();

    let mut consumer = spool.consumer("c").expect("a good name").open().expect("nobody has it");
    let mut delivered = 0;
    let mut damaged = 0;
    for delivery in consumer.drain().take(1_000) {
        match delivery {
            Ok(delivery) => {
                delivered += 1;
                delivery.ack().expect("it can be acknowledged");
            }
            Err(Error::Damaged { .. }) => damaged += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((delivered, damaged), (3, 997), "{count} files, hook event took {took:?}");
}
