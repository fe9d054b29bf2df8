//! A request, and what has happened to it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

/// What is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, clap::Args)]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub(crate) struct Order {
    /// To this thread
    #[arg(long, value_name = "ID", group = "where")]
    pub(crate) thread: Option<String>,
    /// To the thread that was last at work in this folder
    #[arg(long, value_name = "DIR", group = "where")]
    pub(crate) cwd: Option<PathBuf>,
    /// Who sends it
    #[arg(long, value_name = "NAME", default_value_t = user())]
    pub(crate) from: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Put it into the turn, where one runs
    #[arg(long, conflicts_with = "interrupt")]
    pub(crate) steer: bool,
    /// Interrupt the turn, where one runs
    #[arg(long)]
    pub(crate) interrupt: bool,
    /// What Codex is told
    pub(crate) text: String,
}

impl Order {
    /// Whether it does not wait for the end of the turn.
    pub(crate) fn is_urgent(&self) -> bool {
        self.steer || self.interrupt
    }
}

/// Who calls this program.
pub(crate) fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())
}

/// A request, folded from its lines.
#[derive(Debug, Clone, Default, Serialize)]
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
            requests.push(Request { key: line.key, queued_at: line.at, order, ..Request::default() });
        }
    }
    requests
}
