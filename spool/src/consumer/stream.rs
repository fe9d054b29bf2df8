//! The events of a consumer as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::{Consumer, Delivery, StopHandle};

/// The events of a consumer, those that wait and those that come; see [`Consumer::stream`].
///
/// The next event is awaited on one of the runtime's threads for blocking work. What is dropped while it waits, the
/// future of a `next()` or the whole stream, loses no event: one that nobody has seen stays in the queue, and does not
/// count as an attempt.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EventStream {
    state: State,
    stop: StopHandle,
}

#[derive(Debug)]
enum State {
    Resting(Box<Consumer>),
    Waiting(oneshot::Receiver<Waited>),
    Done,
}

/// The consumer, and what it has waited for.
type Waited = (Box<Consumer>, Option<Result<Delivery>>);

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
    ///
    /// # Panics
    /// It does when it is polled outside of a tokio runtime.
    pub fn stream(self) -> EventStream {
        EventStream { stop: self.stop_handle(), state: State::Resting(Box::new(self)) }
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
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Waiting(waited) => {
                    let Poll::Ready(waited) = Pin::new(waited).poll(context) else { return Poll::Pending };
                    // It is not there where the thread panicked, or the runtime ends.
                    let Ok((consumer, next)) = waited else {
                        self.state = State::Done;
                        return Poll::Ready(None);
                    };
                    self.state = match &next {
                        None | Some(Err(Error::NoConsumer { .. })) => State::Done,
                        Some(_) => State::Resting(consumer),
                    };
                    return Poll::Ready(next);
                }
                State::Resting(_) => {
                    let (say, waited) = oneshot::channel();
                    let State::Resting(mut consumer) =
                        std::mem::replace(&mut self.state, State::Waiting(waited))
                    else {
                        unreachable!("it has just been looked at")
                    };
                    tokio::task::spawn_blocking(move || {
                        let next = consumer.recv().transpose();
                        if let Err(waited) = say.send((consumer, next)) {
                            take_back(waited);
                        }
                    });
                }
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        if let State::Waiting(waited) = &mut self.state {
            self.stop.stop();
            waited.close();
            if let Ok(waited) = waited.try_recv() {
                take_back(waited);
            }
        }
    }
}

fn take_back((_consumer, next): Waited) {
    if let Some(Ok(delivery)) = next {
        delivery.take_back();
    }
}
