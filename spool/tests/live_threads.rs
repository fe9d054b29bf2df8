//! Live threads: many ask at once, and each is told everything.
#![cfg(feature = "tokio")]

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use codex_spool::testing::TestSpool;
use codex_spool::{
    Capture, Change, Error, LiveThreads, Spool, Status, ThreadId, ThreadUpdate, ThreadUpdates, Updates,
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn record(spool: &Spool, thread: &str, turn: usize, kind: &str) {
    let payload = format!(
        r#"{{"hook_event_name":"{kind}","session_id":"{thread}","turn_id":"{turn}","prompt":"Go.","cwd":"/"}}"#
    );
    spool.record(payload.as_bytes(), &Capture::now()).expect("it can be recorded");
}

fn id(thread: &str) -> ThreadId {
    thread.parse().expect("a thread")
}

fn start(spool: &Spool) -> LiveThreads {
    let consumer = spool.ephemeral_consumer().open().expect("it can be opened");
    LiveThreads::start(consumer, |problem| panic!("{problem}")).expect("it can be started")
}

fn run(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let test = async {
        tokio::time::timeout(PATIENCE, test).await.expect("it does not hang").map_err(|e| e.to_string())
    };
    // Spawned, since programs spawn what asks.
    Ok(runtime.block_on(runtime.spawn(test))??)
}

/// Waits for so many updates.
async fn updates(told: &mut ThreadUpdates, count: usize) -> Outcome<Vec<ThreadUpdate>> {
    let mut all = Vec::new();
    while all.len() < count {
        match told.recv().await? {
            Updates::Since(updates) => all.extend(updates),
            Updates::All(_) => panic!("nothing was missed"),
        }
    }
    Ok(all)
}

fn changes(updates: &[ThreadUpdate]) -> Vec<Change> {
    updates.iter().flat_map(|update| &update.transitions).map(|transition| transition.change).collect()
}

#[test]
fn it_begins_with_the_journal_and_tells_each_subscriber_every_update() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        record(&spool, "a", 1, "UserPromptSubmit");
        record(&spool, "b", 1, "Stop");
        let live = start(&spool);
        let statuses =
            live.threads().await?.iter().map(|it| (it.thread_id.to_string(), it.status)).collect::<Vec<_>>();
        assert_eq!(statuses, [("b".to_owned(), Status::Idle), ("a".to_owned(), Status::Running)]);
        assert!(live.get(&id("c")).await?.is_none());

        let mut subscribers = [live.subscribe(), live.clone().subscribe()];
        for told in &mut subscribers {
            assert!(matches!(told.recv().await?, Updates::All(threads) if threads.len() == 2));
        }
        record(&spool, "a", 1, "Stop");
        record(&spool, "a", 1, "PreModelRequest");
        record(&spool, "c", 1, "UserPromptSubmit");
        for told in &mut subscribers {
            let updates = updates(told, 3).await?;
            let expected = [Change::TurnCompleted, Change::Idle, Change::TurnStarted, Change::TurnStarted];
            assert_eq!(changes(&updates), expected);
            let threads: Vec<_> = updates.iter().map(|update| update.thread.thread_id.as_str()).collect();
            assert_eq!(threads, ["a", "a", "c"]);
        }
        Ok(())
    })
}

#[test]
fn who_waits_sees_a_state_however_short_it_is() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        let live = start(&spool);
        live.threads().await?;
        let a = id("a");
        let mut waiting = pin!(live.wait_for(&a, |update| update.thread.status == Status::Idle));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        for turn in 1..100 {
            record(&spool, "a", turn, "UserPromptSubmit");
            record(&spool, "a", turn, "Stop");
            record(&spool, "a", turn + 1, "UserPromptSubmit");
        }
        let update = waiting.await?;
        assert_eq!(update.thread.status, Status::Idle);
        live.wait_for(&id("a"), |update| update.thread.turn_id.as_deref() == Some("100")).await?;
        let here = live.wait_for(&id("a"), |_| true).await?;
        assert_eq!((here.thread.status, here.transitions.len()), (Status::Running, 0), "as it is now");
        Ok(())
    })
}

#[test]
fn who_has_missed_more_than_is_remembered_is_given_all() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        let live = start(&spool);
        let mut told = live.subscribe();
        assert!(matches!(told.recv().await?, Updates::All(threads) if threads.is_empty()));
        for n in 0..1_100 {
            record(&spool, &n.to_string(), 1, "UserPromptSubmit");
        }
        live.wait_for(&id("1099"), |_| true).await?;
        assert!(matches!(told.recv().await?, Updates::All(threads) if threads.len() == 1_100));
        record(&spool, "7", 1, "Stop");
        assert_eq!(updates(&mut told, 1).await?[0].thread.status, Status::Idle);
        Ok(())
    })
}

#[test]
fn every_event_is_heard_of_and_waits_for_all_who_have_a_name() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        let live = start(&spool);
        let mut told = live.subscribe();
        told.recv().await?;
        let names: Vec<String> = (0..100).map(|n| format!("named-{n}")).collect();
        let mut consumers = Vec::new();
        for name in &names {
            consumers.push(spool.consumer(name)?.open()?);
        }
        let payload = |turn: usize| format!(r#"{{"hook_event_name":"Stop","turn_id":"{turn}"}}"#);
        for turn in 0..20 {
            let writer = (*spool).clone();
            let recorded =
                std::thread::spawn(move || writer.record(payload(turn).as_bytes(), &Capture::now()));
            let news = told.recv().await?;
            assert!(matches!(news, Updates::Since(updates) if updates.is_empty()), "it is of no thread");
            for consumer in &mut consumers {
                consumer.drain().next().expect("it waits there too")?.ack()?;
            }
            recorded.join().expect("it does not panic")?;
        }
        Ok(())
    })
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        let live = start(&spool);
        let mut told = live.subscribe();
        told.recv().await?;
        for turn in 0..10 {
            let given_up = tokio::time::timeout(Duration::ZERO, told.recv()).await;
            assert!(given_up.is_err(), "there is nothing to be told");
            record(&spool, "a", turn, "UserPromptSubmit");
            assert_eq!(updates(&mut told, 1).await?[0].thread.turn_id, Some(turn.to_string()));
        }
        Ok(())
    })
}

#[test]
fn the_last_one_closes_the_consumer() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        let live = start(&spool);
        let told = live.subscribe();
        let consumers = || spool.report().consumers.len();
        drop(live);
        assert_eq!(consumers(), 1, "somebody listens yet");
        drop(told);
        assert_eq!(consumers(), 0);
        Ok(())
    })
}

#[test]
fn what_is_out_of_date_is_not_given() -> Outcome {
    run(async {
        let spool = TestSpool::new();
        record(&spool, "a", 1, "Stop");
        let consumer = spool.consumer("a")?.open()?;
        let problems = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&problems);
        let live =
            LiveThreads::start(consumer, move |problem| heard.lock().expect("nobody panics").push(problem))?;
        let mut told = live.subscribe();
        told.recv().await?;
        // As `hook consumers remove` cannot, by hand.
        std::fs::remove_dir_all(spool.dir().join("consumers/a"))?;
        let ended = told.recv().await.expect_err("it is removed");
        assert!(matches!(ended, Error::NotFollowed(_)), "{ended}");
        assert!(live.threads().await.is_err() && live.get(&id("a")).await.is_err());
        assert!(live.subscribe().recv().await.is_err() && live.wait_for(&id("a"), |_| true).await.is_err());
        assert!(matches!(problems.lock().expect("nobody panics")[..], [Error::NoConsumer { .. }]));
        Ok(())
    })
}
