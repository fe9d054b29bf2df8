//! A stream as server-sent events.

use std::time::Duration;

use axum::response::sse::{Event, Sse};
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::Error;
use crate::tail::Tail;

/// The `id` of an event is the cursor to go on from, so a browser that connects again misses nothing.
pub(crate) fn stream(
    tail: Tail,
    place: OwnedSemaphorePermit,
) -> Sse<impl Stream<Item = Result<Event, Error>>> {
    Sse::new(stream::try_unfold((tail, place), |(mut tail, place)| async move {
        let message = tail.next().await?;
        let event = Event::default().event(message.name).data(message.json.as_str());
        // A second after a break, where browsers wait for three.
        let event = if message.name == "at" { event.retry(Duration::from_secs(1)) } else { event };
        let event = match message.cursor {
            Some(cursor) => event.id(cursor.to_string()),
            None => event,
        };
        Ok(Some((event, (tail, place))))
    }))
}
