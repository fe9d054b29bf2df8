//! What went wrong with a call, in a form that a program can tell apart and a model can read.

use std::fmt::{self, Display, Formatter};

use rmcp::model::CallToolResult;
use serde_json::json;

/// Why a tool has not done what it was asked: an `isError` result, `{"code","message"}`.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

/// What clients tell failures apart by; the README has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    BadArguments,
    NoSuchThread,
    ThreadEnded,
    ThreadBusy,
    ThreadWaiting,
    ThreadElsewhere,
    FolderNotAllowed,
    Unsandboxed,
    PromptBlocked,
    Unconfirmed,
    Codex,
    Spool,
}

impl Code {
    pub(crate) fn because(self, message: impl Display) -> Failure {
        Failure { code: self, message: message.to_string() }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Failure> for CallToolResult {
    fn from(failure: Failure) -> Self {
        Self::structured_error(json!({"code": failure.code, "message": failure.message}))
    }
}

impl From<codex_spool::Error> for Failure {
    fn from(error: codex_spool::Error) -> Self {
        Code::Spool.because(error)
    }
}

impl From<codex_driver::Error> for Failure {
    fn from(error: codex_driver::Error) -> Self {
        Code::Codex.because(error)
    }
}
