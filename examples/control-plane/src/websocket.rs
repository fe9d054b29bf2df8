//! A stream as a WebSocket, on which the client says what it wants.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use codex_spool::{Cursor, ThreadId};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};

use crate::feed::Feed;
use crate::message::{Message, problem};
use crate::tail::Tail;
use crate::wants::Wants;

/// The protocol that is spoken, and how a browser gives the token: as the name of another.
pub(crate) const PROTOCOL: &str = "codex-control-plane";
pub(crate) const TOKEN_PREFIX: &str = "token.";

/// The longest frame that a client may send.
const LONGEST: usize = 1 << 16;

/// How long a client may leave unread what it is sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Counts in the first message: from where on.
    after: Option<Cursor>,
    #[serde(default)]
    subscribe: Vec<Subscription>,
    #[serde(default)]
    unsubscribe: Vec<Option<ThreadId>>,
    /// Whether it wants to be told what threads are doing.
    states: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    /// `null`: all threads.
    thread: Option<ThreadId>,
    /// How the names of events begin; none: any name.
    #[serde(default)]
    names: Vec<String>,
}

/// Makes a WebSocket of the connection, and serves it.
pub(crate) fn upgrade(mut request: Request, feed: Arc<Feed>, place: OwnedSemaphorePermit) -> Response {
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let is_websocket = has_word(headers, header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let speaks_ours = has_word(headers, header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(key), true, Some(on_upgrade)) = (key, is_websocket, on_upgrade) else {
        return (StatusCode::UPGRADE_REQUIRED, problem("this is a WebSocket: connect to it as to one"))
            .into_response();
    };
    tokio::spawn(async move {
        // Who went away before it began has missed nothing.
        let Ok(upgraded) = on_upgrade.await else { return };
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        serve(socket, &feed).await;
        drop(place);
    });
    let switch = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "websocket")];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, switch).into_response();
    let key = key.parse().expect("base64 is fit for a header");
    response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, key);
    if speaks_ours {
        let protocol = header::HeaderValue::from_static(PROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn has_word(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|given| given.trim().eq_ignore_ascii_case(word))
}

async fn serve(mut socket: WebSocketStream<TokioIo<Upgraded>>, feed: &Arc<Feed>) {
    // Nothing is told before the client has said what it wants: it would miss what comes before.
    let mut tail: Option<Tail> = None;
    let why = loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Frame::Text(text))) => {
                    if let Err(why) = hear(&text, feed, &mut tail) {
                        break why;
                    }
                }
                Some(Ok(Frame::Binary(_))) => break "say it in text".to_owned(),
                // Pings are answered by the library.
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
            },
            message = next(&mut tail) => match message {
                Ok((message, more)) => {
                    let frame = Frame::Text(message.json);
                    let sent = async { if more { socket.feed(frame).await } else { socket.send(frame).await } };
                    if !matches!(timeout(PATIENCE, sent).await, Ok(Ok(()))) {
                        return;
                    }
                }
                Err(error) => break error.to_string(),
            },
        }
    };
    // A reason is at most 123 bytes long.
    let reason = Utf8Bytes::from(
        why.chars()
            .scan(0, |length, c| {
                *length += c.len_utf8();
                (*length <= 120).then_some(c)
            })
            .collect::<String>(),
    );
    let _ = timeout(PATIENCE, socket.close(Some(CloseFrame { code: CloseCode::Policy, reason }))).await;
}

/// The next message, and whether there is another at once.
async fn next(tail: &mut Option<Tail>) -> crate::Result<(Message, bool)> {
    match tail {
        Some(tail) => tail.next().await.map(|message| (message, tail.is_ready())),
        None => std::future::pending().await,
    }
}

fn hear(text: &str, feed: &Arc<Feed>, tail: &mut Option<Tail>) -> Result<(), String> {
    let said: Said = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if said.after.is_some() && tail.is_some() {
        return Err("after: only the first message may have it".to_owned());
    }
    let tail = tail.get_or_insert_with(|| Tail::new(feed, said.after, Wants::default()));
    said.unsubscribe.iter().for_each(|thread| tail.wants.remove(thread));
    for Subscription { thread, names } in said.subscribe {
        tail.wants.add(thread, names)?;
    }
    tail.wants.states = said.states.unwrap_or(tail.wants.states);
    tail.say(Message::subscribed(tail.place()));
    Ok(())
}
