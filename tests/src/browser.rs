//! A real browser: Chromium without a window, told what to do over the protocol of its developer tools.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::process::{Group, PATIENCE};

/// As they are called in `PATH`; macOS has it elsewhere.
const PROGRAMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// A Chromium of the test's own, with a profile of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Browser {
    wire: Mutex<Wire>,
    _group: Group,
    _profile: TempDir,
}

#[derive(Debug)]
struct Wire {
    socket: WebSocket<TcpStream>,
    calls: u64,
    /// What pages have complained of, and which.
    complaints: Vec<(String, String)>,
}

/// A page in a [`Browser`].
#[derive(Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    session: String,
}

impl Browser {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("the temporary directory can be written to");
        let mut command = Command::new(program());
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // A page that is not in front is no slower.
            .args(["--disable-renderer-backgrounding", "--disable-background-timer-throttling"])
            .args(["--hide-scrollbars", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let group = Group::spawn(&mut command).expect("Chromium can be started");
        let (port, path) = address(&profile.path().join("DevToolsActivePort"), &group);
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Chromium listens there");
        stream.set_read_timeout(Some(3 * PATIENCE)).expect("a socket has timeouts");
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).expect("Chromium speaks its protocol");
        let wire = Mutex::new(Wire { socket, calls: 0, complaints: Vec::new() });
        Self { wire, _group: group, _profile: profile }
    }

    /// Opens a page.
    #[track_caller]
    pub fn open(&self, url: &str) -> Page<'_> {
        let target = self.call(None, "Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session =
            self.call(None, "Target.attachToTarget", attach)["sessionId"].as_str().map(str::to_owned);
        let page = Page { browser: self, session: session.expect("a session has an id") };
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            page.call(domain, json!({}));
        }
        page.call("Page.navigate", json!({"url": url}));
        page.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'");
        page
    }

    #[track_caller]
    fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        wire.calls += 1;
        let id = wire.calls;
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            request["sessionId"] = session.into();
        }
        wire.socket.send(Message::text(request.to_string())).expect("Chromium lives");
        loop {
            let message = wire.socket.read().unwrap_or_else(|error| panic!("{method}: no answer: {error}"));
            let Message::Text(text) = message else { continue };
            let mut said: Value = serde_json::from_str(&text).expect("Chromium speaks JSON");
            if said["id"] == id {
                assert!(said["error"].is_null(), "{method}: {}", said["error"]);
                return said["result"].take();
            }
            let params = &said["params"];
            let complaint = match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => &params["exceptionDetails"],
                Some("Log.entryAdded") if params["entry"]["level"] == "error" => &params["entry"],
                _ => continue,
            };
            let complaint =
                (said["sessionId"].as_str().unwrap_or_default().to_owned(), complaint.to_string());
            wire.complaints.push(complaint);
        }
    }
}

impl Page<'_> {
    #[track_caller]
    fn call(&self, method: &str, params: Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }

    /// The value of an expression in the page; a promise is awaited, three minutes at most.
    #[track_caller]
    pub fn value(&self, expression: &str) -> Value {
        let how = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut done = self.call("Runtime.evaluate", how);
        assert!(done["exceptionDetails"].is_null(), "{expression}: {}", done["exceptionDetails"]);
        done["result"]["value"].take()
    }

    /// Waits until an expression is true in the page, two minutes at most.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        let patience = (2 * PATIENCE).as_millis();
        let became = self.value(&format!(
            "new Promise((resolve) => {{
                const until = Date.now() + {patience};
                const look = () => {{
                    if ({expression}) resolve(true);
                    else if (Date.now() > until) resolve(false);
                    else setTimeout(look, 10);
                }};
                look();
            }})"
        ));
        if became != true {
            let text = self.value("document.body.innerText");
            panic!(
                "did not come true: {expression}\n{}\n{:?}",
                text.as_str().unwrap_or_default(),
                self.complaints()
            );
        }
    }

    /// What went wrong in the page, as its console says: exceptions, what could not be loaded, what was forbidden.
    pub fn complaints(&self) -> Vec<String> {
        let wire = self.browser.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = wire.complaints.iter().filter(|(session, _)| *session == self.session);
        ours.map(|(_, complaint)| complaint.clone()).collect()
    }

    /// A picture of the page, as PNG.
    #[track_caller]
    pub fn picture(&self, width: u32, height: u32, dark: bool) -> Vec<u8> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media);
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = shot["data"].as_str().expect("a picture has data");
        BASE64_STANDARD.decode(data).expect("it is base64")
    }
}

/// Where Chromium listens: it writes that down once it does.
#[track_caller]
fn address(file: &Path, group: &Group) -> (u16, String) {
    let patience = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n')
            && let Ok(port) = port.parse()
            && !path.is_empty()
        {
            return (port, path.trim_end().to_owned());
        }
        assert!(Instant::now() < patience, "Chromium did not come up within {PATIENCE:?}");
        let ended = group.wait(std::time::Duration::from_millis(10)).expect("a child can be waited for");
        assert!(ended.is_none(), "Chromium has ended: {ended:?}");
    }
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = || std::env::split_paths(&path);
    let found =
        PROGRAMS.iter().find_map(|name| all().map(|folder| folder.join(name)).find(|path| path.is_file()));
    found.expect("Chromium is not installed: get it from your system's packages (Debian: apt install chromium; macOS: brew install --cask google-chrome)")
}
