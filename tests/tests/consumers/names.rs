//! Several processes and one name.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use codex_spool::{Capture, ConsumerName, Error, Spool};

fn spool(home: &tempfile::TempDir) -> Spool {
    Spool::open(home.path().join("spool")).expect("a spool can be made")
}

/// A process that is the consumer, from now on.
fn holder(spool: &Spool, name: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_listening-consumer"));
    command.arg(spool.dir()).args([name, "ack"]).stdout(Stdio::piped());
    let mut holder = command.spawn().expect("it can be started");
    let mut said = String::new();
    BufReader::new(holder.stdout.as_mut().expect("it is piped")).read_line(&mut said).expect("it is text");
    assert_eq!(said, "open\n");
    holder
}

#[test]
fn the_second_of_a_name_is_told_who_the_first_is_and_gets_it_once_that_is_killed() {
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let spool = spool(&home);
    let mut first = holder(&spool, "dashboard");
    let open = || spool.consumer("dashboard").expect("a good name").open();
    let busy = open().expect_err("it is taken");
    assert!(
        matches!(&busy, Error::Busy { pid, program, .. } if *pid == first.id() && program == "listening-consumer")
    );
    assert_eq!(
        busy.to_string(),
        format!(
            "consumer dashboard is in use: pid {} (listening-consumer) has it: end it, or take another name",
            first.id()
        )
    );
    first.kill().expect("it runs");
    first.wait().expect("it is ours");
    open().expect("at once");
}

/// `hook event` fails, if it fails, with exit code 1: so does recording here. Of those who open it there is never more
/// than one that has it.
#[test]
fn a_consumer_is_removed_while_writers_link_into_it_and_others_open_it() {
    const EVENTS: usize = 2_000;
    let home = tempfile::tempdir().expect("the temporary directory can be written to");
    let spool = &spool(&home);
    std::fs::write(spool.dir().join("spool.toml"), "durability = \"process\"\n").expect("it can be written");
    let name = ConsumerName::new("contested").expect("a good name");
    let writers = ["x", "y"].map(|writer| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recording-writer"));
        command.arg(spool.dir()).args([writer, "3", &EVENTS.to_string()]);
        command.spawn().expect("it can be started")
    });
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::SeqCst;
    let (opened, removed) = thread::scope(|scope| {
        let openers = [(), ()].map(|()| {
            scope.spawn(|| {
                let mut opened = 0;
                while !done.load(SeqCst) {
                    match spool.consumer("contested").expect("a good name").open() {
                        Ok(mut consumer) => {
                            assert_eq!(holders.fetch_add(1, SeqCst), 0, "two have it");
                            consumer.drain().for_each(|delivery| {
                                delivery
                                    .and_then(codex_spool::Delivery::ack)
                                    .expect("nothing is wrong with it");
                            });
                            opened += 1;
                            holders.fetch_sub(1, SeqCst);
                        }
                        Err(Error::Busy { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                opened
            })
        });
        let remover = scope.spawn(|| {
            let mut removed = 0;
            while !done.load(SeqCst) {
                match spool.remove_consumer(&name) {
                    Ok(()) => removed += 1,
                    Err(Error::Busy { .. } | Error::NoConsumer { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            removed
        });
        for mut writer in writers {
            assert!(writer.wait().expect("it is ours").success());
        }
        done.store(true, SeqCst);
        let opened: usize = openers.map(|opener| opener.join().expect("it does not panic")).iter().sum();
        (opened, remover.join().expect("it does not panic"))
    });
    println!("opened {opened} times, removed {removed} times");
    assert!(opened > 10 && removed > 10, "opened {opened} times, removed {removed} times");
    let journal = spool.journal().expect("it can be listed").map(|event| event.expect("none is damaged"));
    assert_eq!(journal.count(), 2 * EVENTS);
    spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now()).expect("an event can be recorded");
}
