//! The events of a consumer as a stream.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use futures_core::Stream;
use tokio::sync::oneshot;

use crate::error::{At, Error, Result};
use crate::{Consumer, Delivery, StopHandle};

/// The events of a consumer, those that wait and those that come; see [`Consumer::stream`].
///
/// The next event is awaited on a thread of the stream's own: neither the number of a runtime's threads nor its end
/// counts. What is dropped while it waits, the future of a `next()` or the whole stream, loses no event: one that nobody
/// has seen stays in the queue, and does not count as an attempt.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EventStream {
    state: State,
    stop: StopHandle,
}

#[derive(Debug)]
enum State {
    /// Nobody has asked yet.
    New(Box<Consumer>),
    Resting(Waiter),
    Waiting(Waiter, oneshot::Receiver<Waited>),
    Done,
}

/// What there was to wait for; the end where it is `None`.
type Waited = Option<Result<Delivery>>;

/// The thread that has the consumer, until it is asked no more.
#[derive(Debug)]
struct Waiter {
    ask: mpsc::Sender<oneshot::Sender<Waited>>,
    thread: JoinHandle<()>,
}

impl Waiter {
    fn new(mut consumer: Consumer) -> Result<Self> {
        let folder = consumer.queue.folder().to_owned();
        let (ask, asked) = mpsc::channel::<oneshot::Sender<Waited>>();
        let work = move || {
            for say in asked {
                if let Err(Some(Ok(delivery))) = say.send(consumer.recv().transpose()) {
                    delivery.take_back();
                }
            }
        };
        let thread = thread::Builder::new().name("codex-spool".to_owned()).spawn(work);
        Ok(Self { ask, thread: thread.at("start a thread for", &folder)? })
    }

    /// Begins to wait.
    fn ask(self) -> State {
        let (say, waited) = oneshot::channel();
        // Where the thread is gone, nothing will be said.
        let _ = self.ask.send(say);
        State::Waiting(self, waited)
    }

    /// Nobody asks any more: the consumer is closed when this returns.
    fn end(self) {
        drop(self.ask);
        let _ = self.thread.join();
    }
}

impl Consumer {
    /// The events that wait and those that come, until a [`StopHandle`] is used or the consumer is removed.
    ///
    /// ```
    /// # use codex_spool::{Capture, Spool, Start};
    /// use futures_util::StreamExt;
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let dir = tempfile::tempdir()?;
    /// # let spool = Spool::open(dir.path().join("spool"))?;
    /// # spool.record(br#"{"hook_event_name":"Stop"}"#, &Capture::now())?;
    /// let mut events = spool.consumer("dashboard")?.start(Start::Earliest).open()?.stream();
    /// while let Some(delivery) = events.next().await {
    ///     delivery?.ack()?;
    /// #   break;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stream(self) -> EventStream {
        EventStream { stop: self.stop_handle(), state: State::New(Box::new(self)) }
    }
}

impl EventStream {
    /// What ends the stream, from wherever it is used.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }
}

impl Stream for EventStream {
    type Item = Result<Delivery>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::New(consumer) => match Waiter::new(*consumer) {
                    Ok(waiter) => self.state = waiter.ask(),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                State::Resting(waiter) => self.state = waiter.ask(),
                State::Waiting(waiter, mut waited) => {
                    let Poll::Ready(next) = Pin::new(&mut waited).poll(context) else {
                        self.state = State::Waiting(waiter, waited);
                        return Poll::Pending;
                    };
                    // Nothing is said where the thread panicked.
                    let next = next.unwrap_or_default();
                    match &next {
                        None | Some(Err(Error::NoConsumer { .. })) => waiter.end(),
                        Some(_) => self.state = State::Resting(waiter),
                    }
                    return Poll::Ready(next);
                }
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::New(_) | State::Done => {}
            State::Resting(waiter) => waiter.end(),
            State::Waiting(_, mut waited) => {
                self.stop.stop();
                waited.close();
                if let Ok(Some(Ok(delivery))) = waited.try_recv() {
                    delivery.take_back();
                }
            }
        }
    }
}
