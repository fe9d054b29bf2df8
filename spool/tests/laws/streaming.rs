//! A consumer as a stream: it may be dropped at any moment, and is in nobody's way.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use codex_spool::EventStream;
use futures_util::{Stream, StreamExt};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Home, Outcome, ack_all};

/// Asks for the next event, of which there is none, and goes away.
async fn ask(stream: &mut EventStream) {
    poll_fn(|context| {
        assert!(Pin::new(&mut *stream).poll_next(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

fn stream(home: &Home, name: &str) -> EventStream {
    home.open(name).stream()
}

#[test]
fn streams_that_wait_take_no_thread_of_the_runtime() -> Outcome {
    let home = Home::new();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build()?;
    runtime.block_on(async {
        let mut streams = [stream(&home, "a"), stream(&home, "b")];
        for stream in &mut streams {
            ask(stream).await;
        }
        assert_eq!(tokio::task::spawn_blocking(|| 1).await?, 1);
        let id = home.record("t", 0);
        for stream in &mut streams {
            let delivery = stream.next().await.expect("nobody stops it")?;
            assert_eq!(delivery.id(), id);
            delivery.ack()?;
        }
        Ok(())
    })
}

#[test]
fn a_stream_outlives_its_runtime() -> Outcome {
    let home = Home::new();
    let mut stream = stream(&home, "a");
    let runtime = Runtime::new()?;
    runtime.block_on(ask(&mut stream));
    drop(runtime);
    home.record("t", 0);
    let next = Runtime::new()?.block_on(stream.next());
    next.expect("nobody stops it")?.ack()?;
    Ok(())
}

#[test]
fn what_nobody_has_seen_of_a_stream_stays_as_it_was() -> Outcome {
    let home = Home::new();
    for n in 0..50 {
        let name = format!("c{n}");
        let consumer = home.spool.consumer(&name)?.max_attempts(3).open()?;
        let mut stream = consumer.stream();
        let runtime = Builder::new_current_thread().build()?;
        runtime.block_on(ask(&mut stream));
        let id = home.record("t", n);
        drop(stream);
        let mut consumer = home.spool.consumer(&name)?.max_attempts(3).open()?;
        let delivery = consumer.recv()?.expect("nobody stops it");
        assert_eq!((delivery.id(), delivery.attempt()), (id, 1));
        delivery.ack()?;
        assert_eq!(ack_all(&mut consumer), []);
    }
    Ok(())
}
