//! The model behind Codex, scripted: the Responses API on loopback, as server-sent events.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{Method, Response, StatusCode, Uri, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    process::PATIENCE,
    scenario::{Scenario, Step},
};

/// Marks a prompt that has a scenario; the scenario's number follows.
const MARK: &str = "[scenario ";

/// A server on a free port of loopback that plays [`Scenario`]s; it ends when it is dropped.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    script: Arc<Script>,
    server: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// A request that Codex sent to the model.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// Which scenario it belongs to: the prompt that [`Model::prompt`] made for it ends in this.
    pub scenario: Option<usize>,
    /// Whether it asks for a summary of the conversation.
    pub is_compaction: bool,
    /// The request as it came.
    pub body: Value,
}

#[derive(Debug, Default)]
struct Script {
    state: Mutex<ScriptState>,
    received: Condvar,
}

#[derive(Debug, Default)]
struct ScriptState {
    scenarios: Vec<Scenario>,
    played: Vec<usize>,
    requests: Vec<ModelRequest>,
}

impl Model {
    pub(crate) fn start() -> Self {
        let script = Arc::new(Script::default());
        let app = Router::new()
            .fallback(respond)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&script));
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .expect("a runtime on this thread needs nothing that could be missing");
            // Dropping the runtime ends the connections that are still held at a gate.
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the runtime has its I/O enabled");
                tokio::select! {
                    served = axum::serve(listener, app) => served.expect("serving goes on until it is stopped"),
                    _ = stopped => {}
                }
            });
        });
        Self { address, script, server: Some((stop, thread)) }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// A prompt that makes the model play `scenario`, once. Its text is `text` and a mark that names the scenario.
    pub fn prompt(&self, text: &str, scenario: Scenario) -> String {
        let mut state = self.script.lock();
        state.scenarios.push(scenario);
        state.played.push(0);
        format!("{text} {MARK}{}]", state.scenarios.len() - 1)
    }

    /// Every request so far, in the order received.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.script.lock().requests.clone()
    }

    /// Waits until there were as many requests.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        let few = |state: &mut ScriptState| state.requests.len() < count;
        let (state, waited) = self
            .script
            .received
            .wait_timeout_while(self.script.lock(), PATIENCE, few)
            .expect("nobody panics while holding this lock");
        assert!(
            !waited.timed_out(),
            "the model got {} of {count} requests within {PATIENCE:?}",
            state.requests.len()
        );
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.server.take() {
            let _ = stop.send(());
            // A panic of the server has been printed by its own thread.
            let _ = thread.join();
        }
    }
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, ScriptState> {
        self.state.lock().expect("nobody panics while holding this lock")
    }

    /// Notes a request, and tells its number and the step that answers it.
    fn next(&self, request: &ModelRequest) -> (usize, Step) {
        let mut state = self.lock();
        state.requests.push(request.clone());
        let number = state.requests.len();
        self.received.notify_all();
        let Some(index) = request.scenario.filter(|index| *index < state.scenarios.len()) else {
            return (number, Step::new());
        };
        if request.is_compaction {
            let summary = state.scenarios[index].summary.clone();
            return (number, Step::new().answer(&summary));
        }
        let step = state.scenarios[index].steps.get(state.played[index]).cloned().unwrap_or_default();
        state.played[index] += 1;
        (number, step)
    }
}

async fn respond(State(script): State<Arc<Script>>, method: Method, uri: Uri, body: Bytes) -> Response<Body> {
    if method != Method::POST {
        return json_response(StatusCode::OK, &json!({"data": [], "models": []}));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return json_response(StatusCode::BAD_REQUEST, &json!({"error": {"message": "not JSON"}}));
    };
    let is_compact_call = uri.path().ends_with("/compact");
    let request = ModelRequest {
        scenario: scenario_of(&body),
        is_compaction: is_compact_call || asks_for_summary(&body),
        body,
    };
    let (number, step) = script.next(&request);
    if let Some(gate) = &step.gate {
        gate.pass().await;
    }
    if let Some(status) = step.status {
        let status = StatusCode::from_u16(status).expect("the test names a valid HTTP status");
        return json_response(status, &json!({"error": {"message": "scripted failure", "type": "scripted"}}));
    }
    let items = step.items(number, &request.body);
    if is_compact_call {
        return json_response(StatusCode::OK, &json!({"output": items}));
    }
    Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .body(Body::from(event_stream(number, &items, step.tokens)))
        .expect("the header is valid")
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("the header is valid")
}

fn event_stream(number: usize, items: &[Value], tokens: u64) -> String {
    let id = format!("response_{number}");
    let created = json!({"type": "response.created", "response": {"id": id}});
    let done = items.iter().enumerate().map(|(position, item)| {
        json!({"type": "response.output_item.done", "output_index": position, "item": item})
    });
    let completed = json!({"type": "response.completed", "response": {"id": id, "usage": {
        "input_tokens": tokens, "input_tokens_details": null, "output_tokens": 1,
        "output_tokens_details": null, "total_tokens": tokens + 1}}});
    std::iter::once(created)
        .chain(done)
        .chain([completed])
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
        .collect()
}

/// The scenario named last in what users said.
fn scenario_of(body: &Value) -> Option<usize> {
    let said = body["input"].as_array()?.iter().rev().filter_map(|item| match item["type"].as_str() {
        // The task of a subagent comes as a message of its parent's.
        Some("agent_message") => Some(item.to_string()),
        None | Some("message") if item["role"] == "user" => Some(text_of(&item["content"])),
        _ => None,
    });
    said.filter_map(|text| {
        let (_, rest) = text.rsplit_once(MARK)?;
        rest.split_once(']')?.0.parse().ok()
    })
    .next()
}

fn asks_for_summary(body: &Value) -> bool {
    body["input"]
        .as_array()
        .and_then(|input| input.last())
        .is_some_and(|item| item.to_string().contains("CHECKPOINT COMPACTION"))
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}
