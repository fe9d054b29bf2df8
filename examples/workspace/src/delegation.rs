//! A delegation: one task, one turn of a Codex thread, one result.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use clap::ValueEnum;
use codex_driver::{Addressee, Codex, End, Outcome, Pending};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::state::{State, new_id};

/// What is done with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Return {
    /// Wake the operator with it.
    WakeOnDone,
    /// Wake the operator once, with the results of the whole group, when its last delegation is over.
    WakeOnGroup,
    /// Keep it, for `workspace read`; wake nobody.
    RecordOnly,
    /// Keep it until `workspace flush`, then wake the operator with it.
    Manual,
    /// Do not follow the session: no result is kept.
    Detached,
}

/// How a result is returned.
#[derive(Debug, Clone, Serialize, Deserialize, clap::Args)]
pub(crate) struct Returning {
    /// What is done with the result
    #[arg(long = "return", value_name = "MODE")]
    #[serde(rename = "return")]
    pub(crate) mode: Return,
    /// The group, for wake_on_group
    #[arg(long, required_if_eq("mode", "wake_on_group"))]
    pub(crate) group: Option<String>,
    /// How many delegations the group has: it is not whole before
    #[arg(long, default_value = "1", value_name = "N", requires = "group")]
    pub(crate) group_size: usize,
}

/// A delegation, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delegation {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) task: String,
    #[serde(flatten)]
    pub(crate) returning: Returning,
    /// Its thread. Kept before the task is given to it, so that no event of the task comes before this is known.
    #[serde(flatten)]
    pub(crate) to: Addressee,
    /// The turn that the task became. Until it is known, the task may not have been given yet.
    pub(crate) turn: Option<String>,
    /// Whether `flush` has asked for the result.
    pub(crate) flushed: bool,
    /// How it has ended.
    pub(crate) result: Option<End>,
}

impl Delegation {
    pub(crate) fn new(returning: Returning, to: Addressee, task: String) -> Self {
        // Such that later is greater.
        let created_at = humantime::format_rfc3339_nanos(SystemTime::now()).to_string();
        Self { id: new_id(), created_at, task, returning, to, turn: None, flushed: false, result: None }
    }

    /// Starts it, or goes on where somebody was killed at it. Where neither `turn` nor `result` is there after it, it is
    /// to be tried again: the thread that it resumes is busy, or Codex has forgotten the one that was made.
    ///
    /// Called with the lock held.
    pub(crate) fn start(&mut self, state: &State, codex: &mut Codex) -> Result<()> {
        if self.to.make(codex)? {
            state.save(self)?;
        }
        let key = format!("workspace-task-{}", self.id);
        let failed = |error: &str| Some(End::Failed { error: error.to_owned() });
        match self.to.deliver(codex, &mut Pending::default(), &key, &self.task, false)? {
            Outcome::Delivered { turn_id } => self.turn = Some(turn_id),
            Outcome::Blocked { .. } => self.result = failed("A hook of Codex's has blocked the task."),
            Outcome::NoThread if self.to.thread.is_some() => self.result = failed("There is no such thread."),
            Outcome::NoThread => {}
            _ => return Ok(()),
        }
        state.save(self)
    }

    /// Whether it has a result that `flush` is awaited for.
    pub(crate) fn is_held(&self) -> bool {
        self.returning.mode == Return::Manual && self.result.is_some() && !self.flushed
    }
}

impl Display for Return {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("none is hidden");
        f.write_str(value.get_name())
    }
}

/// The first line of a text, cut, and fit for a terminal.
pub(crate) fn title(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default().replace(char::is_control, " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
