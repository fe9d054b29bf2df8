//! The `config.toml` of a sandbox.

use std::path::Path;

/// How Codex is set up in a [`Sandbox`](crate::Sandbox).
#[derive(Clone, Debug)]
pub struct Config {
    approval_policy: String,
    sandbox_mode: String,
    top: String,
    tables: String,
    trusts_project: bool,
}

impl Config {
    /// Approvals are never asked for, commands run unconfined, the project is trusted.
    pub fn new() -> Self {
        Self {
            approval_policy: "never".to_owned(),
            sandbox_mode: "danger-full-access".to_owned(),
            top: String::new(),
            tables: String::new(),
            trusts_project: true,
        }
    }

    /// Approvals are asked for when the model wants to leave its read-only sandbox: what a
    /// [`Step::escalated`](crate::Step::escalated) does.
    pub fn asking() -> Self {
        Self::new().approval_policy("on-request").sandbox_mode("read-only")
    }

    /// `untrusted`, `on-request` or `never`.
    pub fn approval_policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.approval_policy);
        self
    }

    /// `read-only`, `workspace-write` or `danger-full-access`.
    pub fn sandbox_mode(mut self, mode: &str) -> Self {
        mode.clone_into(&mut self.sandbox_mode);
        self
    }

    /// Adds a line of TOML above all tables, such as `model_context_window = 20000`.
    pub fn top(mut self, line: &str) -> Self {
        self.top.push_str(line);
        self.top.push('\n');
        self
    }

    /// Adds TOML below all tables.
    pub fn table(mut self, toml: &str) -> Self {
        self.tables.push_str(toml);
        self.tables.push('\n');
        self
    }

    /// Leaves the project untrusted, so that Codex does not read its `.codex` folder.
    pub fn distrust_project(mut self) -> Self {
        self.trusts_project = false;
        self
    }

    pub(crate) fn to_toml(&self, base_url: &str, project: &Path) -> String {
        let Self { approval_policy, sandbox_mode, top, tables, trusts_project } = self;
        let project = toml_string(&project.to_string_lossy());
        let trust = if *trusts_project { "trusted" } else { "untrusted" };
        format!(
            r#"model = "gpt-5.5"
model_provider = "scripted"
approval_policy = "{approval_policy}"
sandbox_mode = "{sandbox_mode}"
{top}
[model_providers.scripted]
name = "scripted"
base_url = "{base_url}"
wire_api = "responses"
env_key = "SCRIPTED_MODEL_KEY"
supports_websockets = false
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[projects.{project}]
trust_level = "{trust}"

{tables}"#
        )
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// A TOML basic string; it knows all escapes that JSON has, but for `\/`, which is never written.
pub(crate) fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
