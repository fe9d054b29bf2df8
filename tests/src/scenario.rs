//! What the scripted model says: a value that a test writes down.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::gate::Gate;

/// Where Codex keeps the tools for subagents.
const AGENTS: &str = "multi_agent_v1";

/// What the model answers, one [`Step`] for each of its requests. Past the last it says "All done."
///
/// A compaction takes no step: it is answered with [`Scenario::summary`].
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) steps: Vec<Step>,
    pub(crate) summary: Cow<'static, str>,
}

impl Scenario {
    /// A model that only says "All done."
    pub fn new() -> Self {
        Self { steps: Vec::new(), summary: "SUMMARY of the work.".into() }
    }

    /// Adds a step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a step that runs one shell command.
    pub fn shell(self, command: &str) -> Self {
        self.step(Step::new().shell(command))
    }

    /// Adds a step that runs one shell command outside the sandbox, which asks for approval.
    pub fn escalated(self, command: &str, justification: &str) -> Self {
        self.step(Step::new().escalated(command, justification))
    }

    /// Adds a step that applies one patch.
    pub fn apply_patch(self, patch: &str) -> Self {
        self.step(Step::new().apply_patch(patch))
    }

    /// Adds a step that says `text`, which ends the turn.
    pub fn answer(self, text: &str) -> Self {
        self.step(Step::new().answer(text))
    }

    /// Adds a step that fails with an HTTP status.
    pub fn fail(self, status: u16) -> Self {
        self.step(Step::new().fail(status))
    }

    /// What a compaction of the conversation answers.
    pub fn summary(mut self, text: &str) -> Self {
        self.summary = text.to_owned().into();
        self
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

/// What the model answers to one request: some output items, a failure, or nothing until a gate opens.
#[derive(Clone, Debug)]
pub struct Step {
    items: Vec<Output>,
    pub(crate) status: Option<u16>,
    pub(crate) gate: Option<Gate>,
    pub(crate) tokens: u64,
}

#[derive(Clone, Debug)]
enum Output {
    Item(Value),
    /// Which shell tool there is depends on the model and the configuration: the request tells.
    Shell {
        command: String,
        more: Value,
    },
    /// Which subagents there are, only Codex knows: their ids are in the conversation.
    WaitForAgents,
}

impl Step {
    /// A step that says "All done.", if nothing is added.
    pub fn new() -> Self {
        Self { items: Vec::new(), status: None, gate: None, tokens: 10 }
    }

    /// Runs a shell command. Several calls in one step are parallel.
    pub fn shell(self, command: &str) -> Self {
        self.shell_with(command, json!({}))
    }

    /// Runs a shell command with further arguments of the tool, such as `yield_time_ms`.
    pub fn shell_with(mut self, command: &str, more: Value) -> Self {
        self.items.push(Output::Shell { command: command.to_owned(), more });
        self
    }

    /// Runs a shell command outside the sandbox, which asks for approval.
    pub fn escalated(self, command: &str, justification: &str) -> Self {
        let more = json!({"sandbox_permissions": "require_escalated", "justification": justification});
        self.shell_with(command, more)
    }

    /// Applies a patch (`*** Begin Patch` … `*** End Patch`).
    pub fn apply_patch(self, patch: &str) -> Self {
        self.item(json!({"type": "custom_tool_call", "name": "apply_patch", "input": patch}))
    }

    /// Starts a subagent on a prompt; one made by [`Model::prompt`](crate::Model::prompt) gives it a scenario of its own.
    pub fn spawn_agent(self, prompt: &str) -> Self {
        self.call_in(AGENTS, "spawn_agent", json!({"message": prompt}))
    }

    /// Waits for a subagent that an earlier step started to end.
    pub fn wait_for_agents(mut self) -> Self {
        self.items.push(Output::WaitForAgents);
        self
    }

    /// Calls any tool.
    pub fn call(self, tool: &str, arguments: Value) -> Self {
        self.item(json!({"type": "function_call", "name": tool, "arguments": arguments.to_string()}))
    }

    /// Calls a tool of a namespace.
    pub fn call_in(self, namespace: &str, tool: &str, arguments: Value) -> Self {
        self.item(call_in(namespace, tool, &arguments))
    }

    /// Says something.
    pub fn answer(self, text: &str) -> Self {
        self.item(message(text))
    }

    /// Adds any output item of the Responses API; a missing `id` or `call_id` is filled in.
    pub fn item(mut self, item: Value) -> Self {
        self.items.push(Output::Item(item));
        self
    }

    /// Fails with an HTTP status instead.
    pub fn fail(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Holds the answer until the gate opens.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// How many input tokens the answer says were used: enough of them make Codex compact the conversation.
    pub fn tokens(mut self, tokens: u64) -> Self {
        self.tokens = tokens;
        self
    }

    /// The output items that answer the `number`th request.
    pub(crate) fn items(&self, number: usize, request: &Value) -> Vec<Value> {
        let mut items: Vec<Value> = self
            .items
            .iter()
            .map(|output| match output {
                Output::Item(item) => item.clone(),
                Output::Shell { command, more } => shell_call(command, more, request),
                Output::WaitForAgents => call_in(
                    AGENTS,
                    "wait_agent",
                    &json!({"targets": agents_in(request), "timeout_ms": 60_000}),
                ),
            })
            .collect();
        if items.is_empty() {
            items.push(message("All done."));
        }
        for (position, item) in items.iter_mut().enumerate() {
            let is_call = item["type"].as_str().is_some_and(|kind| kind.ends_with("_call"));
            let item = item.as_object_mut().expect("an output item is a JSON object");
            item.entry("id").or_insert_with(|| format!("item_{number}_{position}").into());
            if is_call {
                item.entry("call_id").or_insert_with(|| format!("call_{number}_{position}").into());
            }
        }
        items
    }
}

impl Default for Step {
    fn default() -> Self {
        Self::new()
    }
}

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

fn call_in(namespace: &str, tool: &str, arguments: &Value) -> Value {
    json!({"type": "function_call", "namespace": namespace, "name": tool, "arguments": arguments.to_string()})
}

/// The ids in what `spawn_agent` has returned so far.
fn agents_in(request: &Value) -> Vec<Value> {
    let items = request["input"].as_array().into_iter().flatten();
    items
        .filter(|item| item["type"] == "function_call_output")
        .filter_map(|item| serde_json::from_str::<Value>(item["output"].as_str()?).ok())
        .filter_map(|mut output| output.get_mut("agent_id").map(Value::take))
        .collect()
}

fn shell_call(command: &str, more: &Value, request: &Value) -> Value {
    let has = |name: &str| request["tools"].as_array().into_iter().flatten().any(|tool| tool["name"] == name);
    let (name, key, value) = if has("exec_command") {
        ("exec_command", "cmd", json!(command))
    } else if has("shell_command") {
        ("shell_command", "command", json!(command))
    } else {
        ("shell", "command", json!(["bash", "-lc", command]))
    };
    let mut arguments = more.clone();
    arguments[key] = value;
    json!({"type": "function_call", "name": name, "arguments": arguments.to_string()})
}
