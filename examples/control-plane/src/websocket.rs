//! A stream as a WebSocket, on which the client says what it wants.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;

use crate::feed::Feed;
use crate::message::Refused;
use crate::tail::Tail;
use crate::wants::{Said, Wants};

/// The protocol that is spoken.
const PROTOCOL: &str = "codex-control-plane";

/// The longest frame that a client may send.
const LONGEST: usize = 1 << 16;

/// How much is read of it at a time.
const READ: usize = 1 << 12;

pub(crate) async fn stream(
    State(feed): State<Arc<Feed>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let upgrade = upgrade.map_err(|why| Refused(StatusCode::UPGRADE_REQUIRED, why.body_text()))?;
    let place = feed.place()?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(LONGEST).max_frame_size(LONGEST);
    // Each look for a frame clears the whole buffer, and there is one before each message that is told: 128 KiB would cost
    // more than all else.
    let upgrade = upgrade.read_buffer_size(READ);
    Ok(upgrade.on_upgrade(async |mut socket| {
        if let Err(mut why) = serve(&mut socket, feed).await {
            // A reason is at most 123 bytes long.
            why.truncate(why.floor_char_boundary(120));
            let frame = CloseFrame { code: close_code::POLICY, reason: why.into() };
            let _ = socket.send(Frame::Close(Some(frame))).await;
        }
        drop(place);
    }))
}

/// Serves a client until it has gone, or has to be told why it is no longer served.
async fn serve(socket: &mut WebSocket, feed: Arc<Feed>) -> Result<(), String> {
    // Nothing is told before the client has said what it wants: it would miss what comes before.
    let Some(first) = hear(socket).await? else { return Ok(()) };
    let mut tail = Tail::new(feed, first.after, Wants::default());
    tail.change(first);
    loop {
        tokio::select! {
            said = hear(socket) => match said? {
                Some(Said { after: Some(_), .. }) => return Err("after: only the first message may have it".to_owned()),
                Some(said) => tail.change(said),
                None => return Ok(()),
            },
            message = tail.next() => {
                let message = message.map_err(|error| error.to_string())?;
                if socket.send(Frame::Text(message.json)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// What the client says next; `None` when it has gone.
async fn hear(socket: &mut WebSocket) -> Result<Option<Said>, String> {
    loop {
        return match socket.recv().await {
            Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => {
                serde_json::from_slice(&frame.into_data()).map(Some).map_err(|error| error.to_string())
            }
            // Pings are answered by the library.
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => continue,
            Some(Ok(Frame::Close(_)) | Err(_)) | None => Ok(None),
        };
    }
}
