//! A turn of a thread: what is known of it, and what follows from that.

use std::sync::Arc;

use super::counted::hash;
use super::facts::Facts;
use super::latest::{Stamp, earlier, later};
use crate::time::Moment;
use crate::{EventId, EventKind};

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Completed,
    Interrupted,
    Failed,
}

/// What is known of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: Arc<str>,
    /// Its first event: the turns of a thread follow one another.
    pub(super) first: Stamp,
    /// Whether anything but its end has been seen.
    pub(super) seen_at_work: bool,
    /// The last event by which it goes on: what comes after a `Stop` is not stopped.
    opened: Option<Stamp>,
    stopped: Option<Stamp>,
    interrupted: Option<Stamp>,
    told: Option<(Moment, End)>,
    /// When the model was last asked. By then all tools that it had asked for before have ended, or were denied, or run
    /// in the background.
    asked: Option<Stamp>,
    /// When it last answered, and whether it failed.
    answered: Option<(Stamp, bool)>,
    /// When the last tool ended.
    used: Option<Stamp>,
    started: Vec<Started>,
    finished: Vec<Finished>,
    requested: Vec<Requested>,
}

/// A tool that was started since the model was last asked.
#[derive(Debug)]
pub(super) struct Started {
    key: u64,
    command: u64,
    pub(super) at: Stamp,
    pub(super) id: Arc<str>,
    pub(super) name: Box<str>,
    pub(super) gist: Box<str>,
}

/// A tool that has ended since the model was last asked.
#[derive(Debug)]
struct Finished {
    key: u64,
    command: u64,
    at: Stamp,
}

/// An approval that was asked for since the model was last asked.
#[derive(Debug)]
pub(super) struct Requested {
    command: u64,
    pub(super) at: Stamp,
    pub(super) tool: Box<str>,
    pub(super) gist: Box<str>,
    pub(super) reason: Option<Box<str>>,
}

impl Turn {
    pub(super) fn new(id: &str, first: Stamp) -> Self {
        Self {
            id: id.into(),
            first,
            seen_at_work: false,
            opened: None,
            stopped: None,
            interrupted: None,
            told: None,
            asked: None,
            answered: None,
            used: None,
            started: Vec::new(),
            finished: Vec::new(),
            requested: Vec::new(),
        }
    }

    /// Takes in an event of this turn.
    pub(super) fn note(&mut self, kind: &EventKind, stamp: Stamp, facts: &Facts<'_>) {
        self.first = self.first.min(stamp);
        self.seen_at_work |= is_sign_of_work(kind, facts);
        match kind {
            EventKind::UserPromptSubmit | EventKind::PreCompact | EventKind::SubagentStart => {
                later(&mut self.opened, stamp);
            }
            EventKind::PostCompact if facts.trigger.is("manual") => later(&mut self.stopped, stamp),
            EventKind::Stop | EventKind::SubagentStop => later(&mut self.stopped, stamp),
            EventKind::Interrupt => earlier(&mut self.interrupted, stamp),
            EventKind::PreModelRequest => {
                later(&mut self.opened, stamp);
                later(&mut self.asked, stamp);
                self.forget_settled();
            }
            EventKind::PostModelRequest if !facts.status.is("cancelled") => {
                later(&mut self.answered, (stamp, facts.status.is("failed")));
            }
            EventKind::PreToolUse => {
                later(&mut self.opened, stamp);
                self.start(stamp, facts);
            }
            EventKind::PermissionRequest => {
                later(&mut self.opened, stamp);
                self.request(stamp, facts);
            }
            EventKind::PostToolUse => {
                later(&mut self.used, stamp);
                self.finish(stamp, facts);
            }
            _ => {}
        }
    }

    fn start(&mut self, stamp: Stamp, facts: &Facts<'_>) {
        let id = facts.tool_use_id.get().unwrap_or_default();
        let key = hash(&id);
        if Some(stamp) <= self.asked || self.started.iter().any(|known| known.key == key) {
            return;
        }
        let name = facts.tool_name.get().unwrap_or_default().into();
        let (command, gist) = (facts.command_key(), facts.input().gist());
        let tool = Started { key, command, at: stamp, id: id.into(), name, gist };
        let place = self.started.partition_point(|known| known.at < stamp);
        self.started.insert(place, tool);
    }

    fn request(&mut self, stamp: Stamp, facts: &Facts<'_>) {
        let place = self.requested.partition_point(|known| known.at < stamp);
        if Some(stamp) <= self.asked || self.requested.get(place).is_some_and(|known| known.at == stamp) {
            return;
        }
        let input = facts.input();
        let tool = facts.tool_name.get().unwrap_or_default().into();
        let command = facts.command_key();
        let request = Requested { command, at: stamp, tool, gist: input.gist(), reason: input.reason() };
        self.requested.insert(place, request);
    }

    fn finish(&mut self, stamp: Stamp, facts: &Facts<'_>) {
        let key = hash(&facts.tool_use_id.get().unwrap_or_default());
        if Some(stamp) > self.asked && !self.finished.iter().any(|known| known.key == key) {
            self.finished.push(Finished { key, command: facts.command_key(), at: stamp });
        }
    }

    /// What came before the model was last asked matters no more.
    fn forget_settled(&mut self) {
        let asked = self.asked;
        self.started.retain(|tool| Some(tool.at) > asked);
        self.finished.retain(|tool| Some(tool.at) > asked);
        self.requested.retain(|request| Some(request.at) > asked);
    }

    /// The transcript tells that a tool has given its output: no hook tells of one that was denied, has failed, or went
    /// to the background.
    pub(super) fn tell_used(&mut self, id: &str, at: Moment) {
        let key = hash(&id);
        if self.finished.iter().any(|known| known.key == key) {
            return;
        }
        if let Some(tool) = self.started.iter().find(|tool| tool.key == key) {
            let at = Stamp { at: at.max(tool.at.at), id: EventId::MAX };
            self.finished.push(Finished { key, command: tool.command, at });
            later(&mut self.used, at);
        }
    }

    /// The transcript tells how it ended.
    pub(super) fn tell(&mut self, at: Moment, end: End) {
        earlier(&mut self.told, (at, end));
    }

    /// How and when it ended, if it has.
    pub(super) fn end(&self) -> Option<(End, Moment)> {
        if let Some(stamp) = self.interrupted {
            return Some((End::Interrupted, stamp.at));
        }
        if let Some(stamp) = self.stopped.filter(|stopped| Some(*stopped) > self.opened) {
            return Some((End::Completed, stamp.at));
        }
        self.told.map(|(at, end)| (end, at))
    }

    /// The last event by which it went on.
    pub(super) fn last_opened(&self) -> Stamp {
        self.opened.unwrap_or(self.first)
    }

    /// How a turn ended whose end nobody has told: another one has begun, or its Codex has ended (`cut_off`).
    pub(super) fn untold_end(&self, cut_off: bool) -> End {
        match (self.is_failing(), cut_off) {
            (true, _) => End::Failed,
            (false, true) => End::Interrupted,
            (false, false) => End::Completed,
        }
    }

    /// Whether the model has failed when it was last asked. Codex may try again.
    pub(super) fn is_failing(&self) -> bool {
        self.answered.is_some_and(|(stamp, failed)| failed && Some(stamp) > self.asked)
    }

    /// The tools that run, in the order of their start.
    pub(super) fn tools(&self) -> impl Iterator<Item = &Started> {
        let ended = |tool: &&Started| self.finished.iter().any(|known| known.key == tool.key);
        self.started.iter().filter(move |tool| !ended(tool))
    }

    /// The approvals that are asked for, in that order.
    pub(super) fn approvals(&self) -> impl Iterator<Item = &Requested> {
        let used = |request: &&Requested| {
            self.finished.iter().any(|tool| tool.command == request.command && tool.at > request.at)
        };
        self.requested.iter().filter(move |request| !used(request))
    }

    /// Since when the model works on it.
    pub(super) fn running_since(&self) -> Moment {
        let since = Some(self.first).max(self.asked).max(self.used);
        since.expect("the first is there").at
    }
}

/// Whether an event shows that its thread is at work. What tells of an end may be captured after `SessionEnd`: Codex
/// does not wait for it.
pub(super) fn is_sign_of_work(kind: &EventKind, facts: &Facts<'_>) -> bool {
    match kind {
        EventKind::Interrupt | EventKind::SessionEnd | EventKind::SubagentStop => false,
        EventKind::PostModelRequest => !facts.status.is("cancelled"),
        _ => true,
    }
}
