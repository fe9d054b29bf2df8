//! Publishing events, each exactly once in the stream.
//!
//! JetStream leaves out a message whose `Nats-Msg-Id` it has seen within the stream's duplicate window, which is minutes.
//! What may have been on its way when a relay or a connection ended, longer ago than that, is looked up instead. Since
//! the events of a thread are published one after the other, each acknowledged before the next, the last message of the
//! thread tells: an event that was captured after it is not in the stream, and one that is it is. Only an event that
//! was captured before it has to be searched for; that comes late, which is rare.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{ErrorCode, stream};
use codex_spool::Event;

use crate::error::Error;
use crate::message::{CAPTURED_AT, LATE, Message, Policy, Unfit};
use crate::say::Trouble;
use crate::server::{Connection, PATIENCE, pause};
use crate::stream::full;
use crate::subject::Host;

/// So many threads are remembered; one that is forgotten is looked up again.
const REMEMBERED: usize = 1 << 16;

/// Publishes the events of a host.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Connection,
    stream: stream::Stream<()>,
    name: String,
    host: Host,
    policy: Policy,
    /// How large a message the stream takes.
    limit: AtomicUsize,
    /// The last message of each thread, by its subjects.
    last: Mutex<HashMap<String, Option<Last>>>,
    trouble: Trouble,
    /// How many events are kept from being published by it.
    troubled: AtomicUsize,
}

/// A message of the stream: which event it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    id: String,
    captured_at: String,
}

impl Publisher {
    /// For events of this host and a stream that is there.
    ///
    /// # Errors
    /// When the stream is not there any more, or the server does not answer.
    pub(crate) async fn new(
        connection: Connection,
        name: &str,
        host: Host,
        policy: Policy,
    ) -> Result<Self, Error> {
        let stream = connection.jetstream.get_stream_no_info(name).await;
        let stream = stream.map_err(|error| connection.refused(format!("use stream {name}"), &error))?;
        let (name, limit) = (name.to_owned(), AtomicUsize::new(usize::MAX));
        let (last, trouble, troubled) = Default::default();
        let publisher = Self { connection, stream, name, host, policy, limit, last, trouble, troubled };
        publisher.ask_for_limit().await?;
        Ok(publisher)
    }

    /// The message of an event, as large as the server takes it.
    pub(crate) fn message(&self, event: &Event) -> Result<Message, Unfit> {
        let limit = self.limit.load(Ordering::Relaxed).min(self.connection.max_payload());
        let limit = limit.saturating_sub("Nats-Expected-Stream: \r\n".len() + self.name.len());
        Message::of(event, &self.host, self.policy, limit)
    }

    /// Publishes an event, however long it takes. The events of a thread must come one after the other. `first` is its
    /// message, where that is made already.
    ///
    /// Who drops it while it is under way has to end: what has become of the event nobody knows then.
    ///
    /// # Errors
    /// When it has no message.
    pub(crate) async fn publish(&self, event: &Event, first: Result<Message, Unfit>) -> Result<(), Unfit> {
        let mut first = first.ok();
        for attempt in 0.. {
            if attempt > 0 {
                tokio::time::sleep(pause(attempt - 1)).await;
            }
            self.connection.connected().await;
            let message = first.take().map_or_else(|| self.message(event), Ok)?;
            let thread = message.thread.clone();
            match self.publish_once(message).await {
                Ok(()) => {
                    // Others may be refused still.
                    if attempt > 0 && self.troubled.fetch_sub(1, Ordering::Relaxed) == 1 {
                        self.trouble.is_over("events are published again");
                    }
                    return Ok(());
                }
                Err(trouble) => {
                    // What has become of it nobody knows.
                    self.remembered().remove(&thread);
                    self.troubled.fetch_add(usize::from(attempt == 0), Ordering::Relaxed);
                    self.trouble
                        .is(format!("{trouble}; the events wait in the spool, and it is tried again"));
                }
            }
        }
        unreachable!("there is always another attempt")
    }

    async fn publish_once(&self, message: Message) -> Result<(), String> {
        let thread = message.thread.clone();
        let this = Last::of(&message.headers);
        let known = self.remembered().get(&thread).cloned();
        let last = match known {
            Some(last) => last,
            None => self.look_up(&thread).await?,
        };
        let late = last.as_ref().is_some_and(|last| last.captured_at >= this.captured_at);
        let is_there = last.as_ref().is_some_and(|last| last.id == this.id)
            || late && self.is_among(&message.subject, &this.id).await?;
        if !is_there {
            self.send(message, late).await?;
        }
        let newest = if late { last } else { Some(this) };
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(thread, newest);
        Ok(())
    }

    async fn send(&self, message: Message, late: bool) -> Result<(), String> {
        let Message { subject, mut headers, body, .. } = message;
        if late {
            headers.insert(LATE, "true");
        }
        let publish =
            PublishMessage::build().headers(headers).payload(body.into()).expected_stream(&self.name);
        let sent = async { self.connection.jetstream.send_publish(subject, publish).await?.await };
        let Err(error) = sent.await else { return Ok(()) };
        let name = &self.name;
        let refused = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>());
        Err(match (error.kind(), refused.map(|refused| refused.error_code())) {
            (PublishErrorKind::StreamNotFound, _) => {
                format!("no stream takes the events any more: stream {name}: create it again")
            }
            (PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe, _) => {
                format!("the server does not acknowledge: {}", self.connection.address)
            }
            (PublishErrorKind::MaxPayloadExceeded, _)
            | (_, Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM)) => {
                self.ask_for_limit().await.map_err(|error| error.to_string())?;
                format!("stream {name} takes smaller messages than it did: they are cut")
            }
            (_, Some(ErrorCode::STREAM_STORE_FAILED)) => {
                let why = refused.map(ToString::to_string).unwrap_or_default();
                let why = why.rsplit(": ").next().unwrap_or_default().to_owned();
                format!("stream {name} is full: {why}: raise its limits, or let it discard old events")
            }
            (_, Some(ErrorCode::STREAM_NOT_MATCH)) => {
                format!("another stream than {name} takes these subjects: name that one with --stream")
            }
            _ => format!("stream {name} refuses: {}", full(&error)),
        })
    }

    /// The last event of a thread that is in the stream, by the time of its capture.
    async fn look_up(&self, thread: &str) -> Result<Option<Last>, String> {
        let Some(last) = self.found(self.stream.get_last_raw_message_by_subject(thread).await)? else {
            return Ok(None);
        };
        if last.headers.get(LATE).is_none() {
            return Ok(Some(Last::of(&last.headers)));
        }
        // An earlier message is the later event.
        let mut latest: Option<Last> = None;
        self.search(thread, |message| {
            if latest.as_ref().is_none_or(|latest| latest.captured_at <= message.captured_at) {
                latest = Some(message);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(latest)
    }

    async fn is_among(&self, subject: &str, id: &str) -> Result<bool, String> {
        let mut is_among = false;
        self.search(subject, |message| {
            is_among = message.id == id;
            if is_among { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        Ok(is_among)
    }

    /// Shows the messages of a subject, the first of the stream first, until it has been enough.
    async fn search(
        &self,
        subject: &str,
        mut see: impl FnMut(Last) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let mut sequence = 1;
        while let Some(message) =
            self.found(self.stream.get_first_raw_message_by_subject(subject, sequence).await)?
        {
            sequence = message.sequence + 1;
            if see(Last::of(&message.headers)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn found(
        &self,
        answer: Result<StreamMessage, stream::RawMessageError>,
    ) -> Result<Option<StreamMessage>, String> {
        match answer {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(format!("stream {} cannot be looked into: {}", self.name, full(&error))),
        }
    }

    /// Asks the stream how large its messages may be.
    async fn ask_for_limit(&self) -> Result<(), Error> {
        let info = self.stream.get_info().await.map_err(|error| {
            self.connection.refused(format!("look at stream {}", self.name), &full(&error))
        })?;
        let limit = usize::try_from(info.config.max_message_size).ok().filter(|limit| *limit > 0);
        self.limit.store(limit.unwrap_or(usize::MAX), Ordering::Relaxed);
        Ok(())
    }

    /// Waits until all that was published has left, for as long as the server has to answer.
    pub(crate) async fn flush(&self) {
        // Whoever ends has no use for the answer.
        let _ = tokio::time::timeout(PATIENCE, self.connection.client.flush()).await;
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<Last>>> {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Last {
    fn of(headers: &HeaderMap) -> Self {
        let text = |value: Option<&async_nats::HeaderValue>| {
            value.map(|value| value.as_str().to_owned()).unwrap_or_default()
        };
        Self { id: text(headers.get(NATS_MESSAGE_ID)), captured_at: text(headers.get(CAPTURED_AT)) }
    }
}
