//! What a thread is doing, derived from what is known of it; and what changed between two looks.

use std::sync::Arc;

use super::Status;
use super::latest::Stamp;
use super::state::State;
use super::transition::{Change, Transition, Witness};
use super::turn::{End, Requested, Started, Turn};
use crate::time::Moment;
use crate::{EventId, ThreadId};

/// What a thread is doing.
#[derive(Debug)]
pub(super) struct Doing<'a> {
    pub(super) status: Status,
    pub(super) since: Moment,
    /// The turn that runs.
    pub(super) turn: Option<&'a Turn>,
}

impl<'a> Doing<'a> {
    /// Of a thread, and of the session that it is a subagent of.
    pub(super) fn of(state: &'a State, parent: Option<&State>) -> Self {
        let resting = |status, since| Self { status, since, turn: None };
        if let Some(since) = ended(state, parent) {
            return resting(Status::Ended, since);
        }
        let Some(turn) = state.turn() else {
            return match state.loaded {
                Some(loaded) if Some(loaded.at) > state.settled => resting(Status::Running, loaded.at),
                _ => resting(Status::Idle, state.settled.unwrap_or(state.first_seen)),
            };
        };
        if let Some((end, at)) = turn.end() {
            if let Some(loaded) = state.loaded.filter(|loaded| Some(loaded.at) > state.settled.max(Some(at)))
            {
                return resting(Status::Running, loaded.at);
            }
            return match end {
                End::Completed => resting(Status::Idle, at),
                End::Interrupted => resting(Status::Interrupted, at),
                End::Failed => resting(Status::Failed, at),
            };
        }
        if let Some(reloaded) = cut_off(state, turn) {
            return resting(Status::Running, reloaded.at);
        }
        if let Some(stalled) = state.stalled.filter(|stalled| *stalled >= state.last_seen) {
            return Self { status: Status::Stalled, since: stalled, turn: Some(turn) };
        }
        let (status, since) = match (turn.approvals().next(), turn.tools().next()) {
            (Some(request), _) => (Status::Waiting, request.at.at),
            (None, Some(tool)) => (Status::Tool, tool.at.at),
            (None, None) => (Status::Running, turn.running_since()),
        };
        Self { status, since, turn: Some(turn) }
    }

    pub(super) fn tools(&self) -> impl Iterator<Item = &'a Started> {
        self.turn.into_iter().flat_map(Turn::tools)
    }

    pub(super) fn approvals(&self) -> impl Iterator<Item = &'a Requested> {
        self.turn.into_iter().flat_map(Turn::approvals)
    }
}

/// The thread was loaded again since the turn went on: its Codex has died in it.
fn cut_off(state: &State, turn: &Turn) -> Option<Stamp> {
    state.reloaded.filter(|reloaded| *reloaded > turn.last_opened())
}

fn ended(state: &State, parent: Option<&State>) -> Option<Moment> {
    let sign = state.lives.sign();
    let stopped = state.stopped.filter(|stopped| sign.is_none_or(|sign| sign.stamp < *stopped));
    let ends = [
        stopped.map(|stopped| stopped.at),
        state.lives.end_after(sign),
        parent.and_then(|parent| parent.lives.end_after(Some(sign?))),
    ];
    ends.into_iter().flatten().min()
}

/// What is kept of a look at a thread, to tell what has changed since.
#[derive(Debug, Default)]
pub(super) struct Before {
    status: Option<Status>,
    turn: Option<Arc<str>>,
    tools: Vec<Arc<str>>,
    approvals: Vec<Stamp>,
}

/// By what a change became known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) at: Moment,
    pub(super) event: Option<EventId>,
    pub(super) by: Witness,
}

impl Before {
    pub(super) fn of(doing: &Doing<'_>) -> Self {
        Self {
            status: Some(doing.status),
            turn: doing.turn.map(|turn| Arc::clone(&turn.id)),
            tools: doing.tools().map(|tool| Arc::clone(&tool.id)).collect(),
            approvals: doing.approvals().map(|request| request.at).collect(),
        }
    }

    /// What has changed since, in the order in which it happened: approvals, tools and the turn end, then others begin.
    pub(super) fn changes(&self, state: &State, doing: &Doing<'_>, word: Word, into: &mut Vec<Transition>) {
        let mut say = |change, turn: Option<&Arc<str>>, tool: Option<&Arc<str>>| {
            into.push(transition(&state.id, change, turn, tool, word));
        };
        let now = doing.turn.map(|turn| &turn.id);
        let same_turn = self.turn.is_some() && self.turn.as_ref() == now;

        let was_alive = self.status.is_some_and(|status| status != Status::Ended);
        let is_alive = doing.status != Status::Ended;
        if state.is_subagent && is_alive && !was_alive {
            say(Change::SubagentStarted, state.turn().map(|turn| &turn.id), None);
        }
        for at in &self.approvals {
            if !doing.approvals().any(|request| request.at == *at) {
                say(Change::ApprovalResolved, self.turn.as_ref(), None);
            }
        }
        for tool in &self.tools {
            if !(same_turn && doing.tools().any(|still| still.id == *tool)) {
                say(Change::ToolFinished, self.turn.as_ref(), Some(tool));
            }
        }
        if let Some(turn) = self.turn.as_ref().filter(|_| !same_turn) {
            say(over(state, turn, doing), Some(turn), None);
        }
        if let Some(turn) = now.filter(|_| !same_turn) {
            say(Change::TurnStarted, Some(turn), None);
        }
        if same_turn && self.status == Some(Status::Stalled) && doing.status != Status::Stalled {
            say(Change::Unstalled, now, None);
        }
        for tool in doing.tools() {
            if !(same_turn && self.tools.contains(&tool.id)) {
                say(Change::ToolStarted, now, Some(&tool.id));
            }
        }
        for request in doing.approvals() {
            if !self.approvals.contains(&request.at) {
                say(Change::ApprovalRequested, now, None);
            }
        }
        if self.status == Some(doing.status) {
            return;
        }
        match doing.status {
            Status::Idle => say(Change::Idle, None, None),
            Status::Stalled => say(Change::Stalled, now, None),
            Status::Ended if state.is_subagent => {
                say(Change::SubagentStopped, state.turn().map(|turn| &turn.id), None);
            }
            Status::Ended => say(Change::Ended, None, None),
            _ => {}
        }
    }
}

/// How a turn ended that ran before.
fn over(state: &State, id: &Arc<str>, doing: &Doing<'_>) -> Change {
    let turn = state.turns.iter().find(|turn| turn.id == *id);
    let end = turn.map(|turn| match turn.end() {
        Some((end, _)) => end,
        None => turn.untold_end(doing.status == Status::Ended || cut_off(state, turn).is_some()),
    });
    match end {
        None | Some(End::Completed) => Change::TurnCompleted,
        Some(End::Interrupted) => Change::TurnInterrupted,
        Some(End::Failed) => Change::TurnFailed,
    }
}

fn transition(
    thread: &ThreadId,
    change: Change,
    turn: Option<&Arc<str>>,
    tool: Option<&Arc<str>>,
    word: Word,
) -> Transition {
    Transition {
        change,
        thread_id: thread.clone(),
        turn_id: turn.map(|id| id.to_string()).filter(|id| !id.is_empty()),
        tool_use_id: tool.map(|id| id.to_string()),
        at: word.at.time(),
        event_id: word.event,
        by: word.by,
    }
}
