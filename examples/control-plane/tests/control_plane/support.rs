//! The program in a sandbox, and clients of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use codex_hook_tests::Sandbox;
use codex_spool::testing::payload;
use codex_spool::{Capture, Spool};
use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(60);

/// The program, running. Dropping it kills it.
pub(crate) struct Plane {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
}

/// An answer over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Plane {
    #[track_caller]
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::start_at(sandbox, 0)
    }

    #[track_caller]
    pub(crate) fn start_at(sandbox: &Sandbox, port: u16) -> Self {
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_control-plane"));
        command.args(["--port", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("it says where it is");
        let told = line.trim().strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split_once("/#token="));
        let (port, token) = told.unwrap_or_else(|| panic!("it did not start: {line:?}"));
        Self { child, port: port.parse().expect("a port"), token: token.to_owned() }
    }

    /// SIGKILL, and a new one at the same place.
    #[track_caller]
    pub(crate) fn kill_and_start(self, sandbox: &Sandbox) -> Self {
        let (port, token) = (self.port, self.token.clone());
        drop(self);
        let started = Self::start_at(sandbox, port);
        assert_eq!(started.token, token, "pages that are open stay open");
        started
    }

    /// Waits for its end, and gives the exit code.
    #[track_caller]
    pub(crate) fn exit(&mut self) -> Option<i32> {
        self.child.wait().expect("it is a child").code()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/#token={}", self.port, self.token)
    }

    /// What is answered to these lines, which are to be a whole head.
    #[track_caller]
    pub(crate) fn answer(&self, request: &str, headers: &[String]) -> Answer {
        let mut stream = self.connect();
        let head = headers.iter().fold(format!("{request}\r\n"), |head, line| head + line + "\r\n");
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).expect("it takes requests");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// What the API answers, in JSON.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.answer(&format!("GET {path} HTTP/1.1"), &[self.host(), self.bearer()]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("it answers in JSON")
    }

    /// Waits until the log has so many events.
    #[track_caller]
    pub(crate) fn wait_until(&self, number: u64) {
        let mut stream = self.stream(r#"{"subscribe":[{"thread":null}]}"#);
        let mut seen = 0;
        while seen < number {
            seen = stream.hear()["cursor"].as_str().map_or(seen, number_of);
        }
    }

    /// A WebSocket on which this has been said.
    #[track_caller]
    pub(crate) fn stream(&self, said: &str) -> Stream {
        let mut request =
            format!("ws://127.0.0.1:{}/api/stream", self.port).into_client_request().expect("a URL");
        let bearer = format!("Bearer {}", self.token).parse().expect("a header");
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = tungstenite::client(request, self.connect()).expect("it speaks WebSocket");
        let mut stream = Stream(socket);
        stream.say(said);
        stream
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        stream
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Stream(WebSocket<TcpStream>);

impl Stream {
    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("it listens");
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> Value {
        loop {
            match self.0.read().expect("it goes on") {
                Message::Text(text) => return serde_json::from_str(&text).expect("it speaks JSON"),
                Message::Close(why) => panic!("it has closed: {why:?}"),
                _ => {}
            }
        }
    }

    /// The reason for which it is closed.
    #[track_caller]
    pub(crate) fn refusal(&mut self) -> String {
        loop {
            if let Message::Close(why) = self.0.read().expect("it says why") {
                return why.expect("a reason").reason.to_string();
            }
        }
    }

    /// The next event: its number, its name and its thread.
    #[track_caller]
    pub(crate) fn event(&mut self) -> (u64, String, String) {
        loop {
            let message = self.hear();
            assert_ne!(message["type"], "reset", "{message}");
            if message["type"] == "event" {
                return told(&message);
            }
        }
    }
}

/// The number of an event, its name and its thread.
pub(crate) fn told(event: &Value) -> (u64, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = number_of(event["cursor"].as_str().expect("a cursor"));
    (number, text(&event["record"]["event"]), text(&event["record"]["thread_id"]))
}

pub(crate) fn number_of(cursor: &str) -> u64 {
    cursor.split_once('-').and_then(|(_, number)| number.parse().ok()).expect("a cursor")
}

/// The spool of a sandbox. It syncs nothing: power is not lost here.
#[track_caller]
pub(crate) fn spool(sandbox: &Sandbox) -> Spool {
    let dir = sandbox.spool();
    if !dir.exists() {
        fs::create_dir(&dir).expect("the sandbox can be written to");
        fs::write(dir.join("spool.toml"), "durability = \"process\"\n")
            .expect("the sandbox can be written to");
    }
    Spool::open(dir).expect("it can be made")
}

/// Records the `n`th event of a thread.
#[track_caller]
pub(crate) fn fire(spool: &Spool, thread: &str, n: usize) {
    let payload = payload::pre_tool_use(thread).tool_use_id(n.to_string());
    record(spool, &Vec::from(payload));
}

#[track_caller]
pub(crate) fn record(spool: &Spool, payload: &[u8]) {
    spool.record(payload, &Capture::now()).expect("it can be recorded");
}
