//! A connection to a `codex app-server`: JSON-RPC, each message a text of a WebSocket over a Unix socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::error::{Error, Result};
use crate::sys::{self, Stream};

/// How long Codex may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocket<Stream>,
    path: PathBuf,
    calls: u64,
}

impl Connection {
    /// Connects to the server that listens at the path, and greets it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let no_server =
            |reason: &dyn ToString| Error::NoServer { socket: path.to_owned(), reason: reason.to_string() };
        let stream = sys::connect(path).map_err(|error| no_server(&error))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| no_server(&error))?;
        let (socket, _) =
            tungstenite::client("ws://localhost/", stream).map_err(|error| no_server(&error))?;
        let mut connection = Self { socket, path: path.to_owned(), calls: 0 };
        let client =
            json!({"name": env!("CARGO_PKG_NAME"), "title": null, "version": env!("CARGO_PKG_VERSION")});
        let hello = json!({"clientInfo": client, "capabilities": {"experimentalApi": true}});
        connection.call("initialize", hello)?;
        connection.send(&json!({"method": "initialized"}))?;
        Ok(connection)
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.calls += 1;
        let id = self.calls;
        self.send(&json!({"id": id, "method": method, "params": params}))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(mut message) = self.receive(deadline)? else {
                return Err(self.gone(format!("no answer to {method} in {} s", PATIENCE.as_secs())));
            };
            // What it tells its clients is not needed. What it asks them, an approval, is left to people.
            if message["method"].is_null() && message["id"] == id {
                if let Some(error) = message.get("error") {
                    let said = error["message"].as_str().unwrap_or("no reason given");
                    return Err(Error::Refused { method: method.to_owned(), message: said.to_owned() });
                }
                return Ok(message["result"].take());
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        self.socket.send(Message::text(message.to_string())).map_err(|error| self.gone(error.to_string()))
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<Value>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket
                .get_ref()
                .set_read_timeout(Some(left))
                .map_err(|error| self.gone(error.to_string()))?;
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    if let Ok(message) = serde_json::from_str(&text) {
                        return Ok(Some(message));
                    }
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(self.gone(error.to_string())),
            }
        }
    }

    fn gone(&self, reason: String) -> Error {
        Error::NoServer { socket: self.path.clone(), reason }
    }
}
