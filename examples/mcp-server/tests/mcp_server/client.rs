//! The server, as a client of the MCP SDK sees it.

use std::process::{Command, Stdio};

use codex_hook_tests::Sandbox;
use codex_spool::Spool;
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::Value;
use tokio::process::Child;
use tokio::runtime::{Builder, Runtime};

/// A client with a server of its own. Dropping it kills that server.
pub(crate) struct Client {
    runtime: Runtime,
    service: RunningService<RoleClient, ()>,
    server: Child,
}

/// The server on this spool.
pub(crate) fn on(spool: &Spool) -> Client {
    let mut command = server();
    command.arg("--spool-dir").arg(spool.dir());
    Client::start(command)
}

/// The server in this sandbox, with arguments.
pub(crate) fn within(sandbox: &Sandbox, args: &[&str]) -> Client {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_example-mcp-server"));
    command.args(args);
    Client::start(command)
}

pub(crate) fn server() -> Command {
    Command::new(env!("CARGO_BIN_EXE_example-mcp-server"))
}

impl Client {
    pub(crate) fn start(mut command: Command) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (service, server) = runtime.block_on(async {
            let mut command = tokio::process::Command::from(command);
            let mut server = command.kill_on_drop(true).spawn().expect("the server can be started");
            let pipes = (server.stdout.take().expect("a pipe"), server.stdin.take().expect("a pipe"));
            (().serve(pipes).await.expect("they shake hands"), server)
        });
        Self { runtime, service, server }
    }

    /// The names of the tools.
    pub(crate) fn tools(&self) -> Vec<String> {
        let tools = self.runtime.block_on(self.service.list_all_tools()).expect("they are listed");
        tools.into_iter().map(|tool| tool.name.into_owned()).collect()
    }

    /// What a tool gives.
    #[track_caller]
    pub(crate) fn call(&self, tool: &'static str, arguments: Value) -> Value {
        self.try_call(tool, arguments).unwrap_or_else(|failure| panic!("{tool} failed: {failure}"))
    }

    /// The code with which a tool fails.
    #[track_caller]
    pub(crate) fn fails(&self, tool: &'static str, arguments: Value) -> String {
        let failure = self.try_call(tool, arguments).expect_err("it fails");
        let message = failure["message"].as_str().expect("it has a message");
        assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
        failure["code"].as_str().expect("it has a code").to_owned()
    }

    #[track_caller]
    pub(crate) fn try_call(&self, tool: &'static str, arguments: Value) -> Result<Value, Value> {
        let call = self.service.call_tool(call(tool, arguments));
        let result: CallToolResult = self.runtime.block_on(call).expect("the server answers");
        let told = result.structured_content.expect("every result is structured");
        let text = result.content[0].as_text().expect("and said in words");
        assert_eq!(text.text, told.to_string());
        if result.is_error == Some(true) { Err(told) } else { Ok(told) }
    }

    /// Calls a tool, and does not wait for what it gives.
    pub(crate) fn begin(&self, tool: &'static str, arguments: Value) {
        let (peer, call) = (self.service.peer().clone(), call(tool, arguments));
        self.runtime.spawn(async move { peer.call_tool(call).await });
    }

    /// Kills the server: SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.runtime.block_on(self.server.kill()).expect("it can be killed");
    }

    /// Closes its standard input, and waits for its end.
    pub(crate) fn close(self) -> std::process::ExitStatus {
        let Self { runtime, service, mut server } = self;
        runtime.block_on(async {
            service.cancel().await.expect("it is there");
            server.wait().await.expect("a child can be waited for")
        })
    }
}

#[track_caller]
fn call(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    CallToolRequestParams::new(tool).with_arguments(arguments)
}
