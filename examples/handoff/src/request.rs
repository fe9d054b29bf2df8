//! A request, and what has happened to it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What it does where a turn runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Urgency {
    /// It waits for the end of the turn.
    AtIdle,
    /// It goes into the turn.
    Steer,
    /// It ends the turn.
    Interrupt,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: String,
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What has happened. What is final is said so.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum What {
    Queued(Order),
    /// The thread that it goes to: the first that was found in the folder.
    Addressed {
        thread: String,
    },
    /// From here on Codex may have it.
    Sending,
    /// From here on the turn may have it.
    Steering {
        turn_id: String,
    },
    Interrupting {
        turn_id: String,
    },
    /// Codex has it in its own queue of the thread.
    HandedOver,
    /// Final.
    Delivered {
        turn_id: String,
    },
    /// Final: it is in no turn, and will be in none.
    Failed {
        why: String,
    },
    /// Final.
    Cancelled {
        by: String,
    },
}

/// What was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) thread: Option<String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) text: String,
    pub(crate) from: String,
    pub(crate) reason: Option<String>,
    pub(crate) urgency: Urgency,
}

/// A request, folded from its lines.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Request {
    pub(crate) key: String,
    pub(crate) queued_at: String,
    #[serde(flatten)]
    pub(crate) order: Order,
    /// Whether Codex may have it.
    pub(crate) is_sent: bool,
    pub(crate) is_handed_over: bool,
    /// The turn that it was steered into.
    pub(crate) steered: Option<String>,
    /// The turn that it has interrupted.
    pub(crate) interrupted: Option<String>,
    /// How it ended, and when.
    pub(crate) end: Option<What>,
    pub(crate) ended_at: Option<String>,
}

impl Request {
    fn new(key: String, queued_at: String, order: Order) -> Self {
        let (is_sent, is_handed_over) = (false, false);
        let (steered, interrupted, end, ended_at) = (None, None, None, None);
        Self { key, queued_at, order, is_sent, is_handed_over, steered, interrupted, end, ended_at }
    }

    /// The id that Codex writes into the transcript.
    pub(crate) fn codex_key(&self) -> String {
        format!("handoff:{}", self.key)
    }

    /// In a word.
    pub(crate) fn state(&self) -> &'static str {
        match &self.end {
            Some(What::Delivered { .. }) => "delivered",
            Some(What::Failed { .. }) => "failed",
            Some(What::Cancelled { .. }) => "cancelled",
            _ if self.is_handed_over => "handed over",
            _ if self.steered.is_some() => "steered",
            _ => "waiting",
        }
    }

    fn apply(&mut self, line: Line) {
        match line.what {
            What::Addressed { thread } => self.order.thread = Some(thread),
            What::Sending => self.is_sent = true,
            What::Steering { turn_id } => self.steered = Some(turn_id),
            What::Interrupting { turn_id } => self.interrupted = Some(turn_id),
            What::HandedOver => self.is_handed_over = true,
            // The first counts.
            What::Queued(_) => {}
            end => (self.end, self.ended_at) = (Some(end), Some(line.at)),
        }
    }
}

/// Folds lines into requests, in the order in which they were queued.
pub(crate) fn fold(lines: impl IntoIterator<Item = Line>) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for line in lines {
        if let Some(request) = requests.iter_mut().find(|request| request.key == line.key) {
            request.apply(line);
        } else if let What::Queued(order) = line.what {
            requests.push(Request::new(line.key, line.at, order));
        }
    }
    requests
}
