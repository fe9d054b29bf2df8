//! The copies of one event: Codex runs a hook once for each place it is registered in, and all at once.

use std::{fs, io::Write, process::Stdio};

use codex_hook_tests::{Sandbox, hook};
use codex_spool::Start;

/// A payload whose thread stands at the end of `transcript`.
fn payload_at(transcript: &std::path::Path) -> String {
    let path = serde_json::Value::from(transcript.to_str().expect("a sandbox has a UTF-8 path"));
    format!(r#"{{"session_id":"s","transcript_path":{path},"cwd":"/","hook_event_name":"Stop"}}"#)
}

#[test]
fn ten_copies_are_one_file_and_a_thread_that_has_moved_is_another() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.root().join("transcript.jsonl");
    fs::write(&transcript, "{}\n").expect("the sandbox can be written to");
    for _ in 0..10 {
        hook(&sandbox).event(payload_at(&transcript)).assert_silent();
    }
    assert_eq!(hook(&sandbox).events().len(), 1);

    fs::write(&transcript, "{}\n{}\n").expect("the sandbox can be written to");
    for _ in 0..10 {
        hook(&sandbox).event(payload_at(&transcript)).assert_silent();
    }
    let events = hook(&sandbox).events();
    let positions: Vec<_> = events.iter().map(|event| event.position()).collect();
    assert_eq!(positions, [Some(3), Some(6)]);
    assert_eq!(events[0].payload(), events[1].payload());
    assert_ne!(events[0].id(), events[1].id());
}

#[test]
fn where_a_thread_stands_is_no_part_of_what_is_unique_by_itself() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.root().join("transcript.jsonl");
    let path = serde_json::Value::from(transcript.to_str().expect("a sandbox has a UTF-8 path"));
    for length in 1..4 {
        fs::write(&transcript, "\n".repeat(length)).expect("the sandbox can be written to");
        let tool = format!(
            r#"{{"hook_event_name":"PostToolUse","session_id":"s","transcript_path":{path},"tool_use_id":"1"}}"#
        );
        hook(&sandbox).event(tool).assert_silent();
        for name in ["SubagentStart", "SubagentStop", "Interrupt"] {
            let payload =
                format!(r#"{{"hook_event_name":"{name}","session_id":"s","transcript_path":{path}}}"#);
            hook(&sandbox).event(payload).assert_silent();
        }
    }
    let events = hook(&sandbox).events();
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.position().is_none()));
}

#[test]
fn sixty_four_copies_at_once_are_one_file_and_all_succeed() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.root().join("transcript.jsonl");
    fs::write(&transcript, "{}\n").expect("the sandbox can be written to");
    let payload = payload_at(&transcript);
    // Not even the spool is there yet. All have started before the first gets its input.
    let mut copies: Vec<_> = (0..64)
        .map(|_| {
            let mut command = hook(&sandbox).command(["event"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the program can be started")
        })
        .collect();
    let mut inputs: Vec<_> = copies.iter_mut().map(|copy| copy.stdin.take().expect("a pipe")).collect();
    for input in &mut inputs {
        input.write_all(payload.as_bytes()).expect("it reads its input");
    }
    drop(inputs);
    for copy in copies {
        let output = copy.wait_with_output().expect("a child can be waited for");
        assert!(
            output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
    }

    assert_eq!(hook(&sandbox).events().len(), 1);
    let consumer = hook(&sandbox).spool().consumer("c").expect("a good name").start(Start::Earliest);
    assert_eq!(consumer.open().expect("nobody has it").drain().count(), 1);
    assert_eq!(fs::read_dir(sandbox.spool().join("tmp")).expect("it is there").count(), 0);
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod in_slow_motion {
    use super::*;
    use codex_hook_tests::trace::{Call, Tracee};
    use codex_spool::Spool;

    fn is_claim(call: &Call) -> bool {
        call.name == "linkat"
            && call.paths.iter().any(|path| path.components().any(|part| part.as_os_str() == "journal"))
    }

    fn syncs_tmp(call: &Call, sandbox: &Sandbox) -> bool {
        call.name == "fsync" && call.paths == [sandbox.spool().join("tmp")]
    }

    fn ids(spool: &Spool, consumer: &str) -> Vec<String> {
        let consumer = spool.consumer(consumer).expect("a good name").start(Start::Earliest);
        let mut consumer = consumer.open().expect("nobody has it");
        let deliveries = consumer.drain().map(|delivery| {
            let delivery = delivery.expect("no record is damaged");
            let id = delivery.id().to_string();
            delivery.ack().expect("the queue can be written to");
            id
        });
        deliveries.collect()
    }

    #[test]
    fn an_event_is_claimed_only_when_its_intent_is_durable_so_a_copy_may_say_that_it_is_recorded() {
        let sandbox = Sandbox::new();
        let spool = hook(&sandbox).spool();
        assert_eq!(ids(&spool, "earlier").len(), 0);
        let transcript = sandbox.root().join("transcript.jsonl");
        fs::write(&transcript, "{}\n").expect("the sandbox can be written to");
        let payload = payload_at(&transcript);
        let start = || Tracee::start(&mut hook(&sandbox).command(["event"]), payload.as_bytes());

        // The first is held right after its claim: no queue has it.
        let mut first = start();
        let mut before_claim = Vec::new();
        while let Some(call) = first.next_call() {
            if is_claim(&call) {
                break;
            }
            before_claim.push(call);
        }
        // The day is not there yet, so the first attempt to claim may fail.
        while first.finish_call() != 0 {
            assert!(first.step_until(is_claim).is_some());
        }
        let tmp = sandbox.spool().join("tmp");
        let wrote = |name: &str| {
            let of_intent = |call: &Call| {
                call.name == name && call.paths.iter().any(|p| p.starts_with(&tmp) && *p != tmp)
            };
            before_claim.iter().position(of_intent)
        };
        let synced_tmp = before_claim.iter().position(|call| syncs_tmp(call, &sandbox));
        let (wrote, synced) = (wrote("write").expect("it writes"), wrote("fdatasync").expect("and syncs"));
        assert!(wrote < synced && synced < synced_tmp.expect("the name that recovery finds is durable"));

        // What the second says is true by what the first has left.
        let second = start().run_to_end();
        assert!(
            second.status.success() && second.stdout.is_empty() && second.stderr.is_empty(),
            "{second:?}"
        );

        // Whatever becomes of the first, every consumer gets the event, once.
        first.kill();
        assert_eq!(fs::read_dir(&tmp).expect("it is there").count(), 1);
        let delivered = ids(&spool, "earlier");
        assert_eq!(delivered.len(), 1);
        assert_eq!(ids(&spool, "later"), delivered);
        assert_eq!(ids(&spool, "earlier").len(), 0);
        assert_eq!(fs::read_dir(&tmp).expect("it is there").count(), 0);
    }

    #[test]
    fn a_copy_that_loses_the_race_to_the_claim_may_say_so_too() {
        let sandbox = Sandbox::new();
        let spool = hook(&sandbox).spool();
        let transcript = sandbox.root().join("transcript.jsonl");
        fs::write(&transcript, "{}\n").expect("the sandbox can be written to");
        let payload = payload_at(&transcript);
        let start = || Tracee::start(&mut hook(&sandbox).command(["event"]), payload.as_bytes());

        // Both have looked for the event, not found it and written their intents, when one claims it and is held.
        let (mut first, mut second) = (start(), start());
        assert!(first.step_until(is_claim).is_some() && second.step_until(is_claim).is_some());
        while first.finish_call() != 0 {
            assert!(first.step_until(is_claim).is_some());
        }
        assert!(second.run_to_end().status.success());

        first.kill();
        assert_eq!(ids(&spool, "later").len(), 1);
        assert_eq!(hook(&sandbox).events().len(), 1);
    }

    #[test]
    fn a_copy_that_finds_the_spool_half_made_makes_its_name_durable_too() {
        let sandbox = Sandbox::new();
        let transcript = sandbox.root().join("transcript.jsonl");
        fs::write(&transcript, "{}\n").expect("the sandbox can be written to");
        let payload = payload_at(&transcript);
        let start = || Tracee::start(&mut hook(&sandbox).command(["event"]), payload.as_bytes());

        // The first has made the spool's folder and not synced the folder that it lies in.
        let mut first = start();
        let spool = sandbox.spool();
        let made = first.step_until(|call| call.name.starts_with("mkdir") && call.paths.contains(&spool));
        assert!(made.is_some());
        assert_eq!(first.finish_call(), 0);

        let mut second = start();
        let mut synced = false;
        while let Some(call) = second.next_call() {
            if call.name == "fsync" && call.paths == [sandbox.codex_home()] {
                synced |= second.finish_call() == 0;
            }
        }
        assert!(synced, "nothing makes the spool durable, and it ends nevertheless");
        assert!(second.run_to_end().status.success());
        first.kill();
        assert_eq!(hook(&sandbox).events().len(), 1);
    }
}
