//! All that is known of one thread.

use super::counted::{Counted, What, hash};
use super::doing::Doing;
use super::facts::Facts;
use super::latest::{Latest, Stamp, later};
use super::lives::Lives;
use super::thread::{Approval, Thread, ToolUse, preview};
use super::transcript::Known;
use super::turn::{Turn, is_sign_of_work};
use crate::time::Moment;
use crate::{Event, EventId, EventKind, ThreadId};

/// How many turns of a thread are told apart, the last ones; a late event of an older one only counts.
const TURNS: usize = 4;

#[derive(Debug)]
pub(super) struct State {
    pub(super) id: ThreadId,
    pub(super) first_seen: Moment,
    pub(super) last_seen: Moment,
    pub(super) lives: Lives,
    /// In the order of their first events.
    pub(super) turns: Vec<Turn>,
    /// The last `SessionStart`: a turn is about to begin.
    pub(super) loaded: Option<Stamp>,
    /// The last one that was not for a compaction: no turn was running then.
    pub(super) reloaded: Option<Stamp>,
    /// The last `SubagentStop`.
    pub(super) stopped: Option<Stamp>,
    /// By the transcript no turn was open then.
    pub(super) settled: Option<Moment>,
    /// It was found to be stalled.
    pub(super) stalled: Option<Moment>,
    /// What there was of its transcript when it was looked at.
    pub(super) transcript_known: Option<Known>,
    pub(super) is_subagent: bool,
    session: Latest<Box<str>>,
    tag: Latest<Box<str>>,
    cwd: Latest<Box<str>>,
    model: Latest<Box<str>>,
    permission_mode: Latest<Box<str>>,
    transcript: Latest<Box<str>>,
    source: Latest<Box<str>>,
    source_of_compaction: Latest<Box<str>>,
    prompt: Latest<Box<str>>,
    answer: Latest<Box<str>>,
    counted: Counted,
}

impl State {
    pub(super) fn new(id: ThreadId, seen: Moment) -> Self {
        Self {
            id,
            first_seen: seen,
            last_seen: seen,
            lives: Lives::default(),
            turns: Vec::new(),
            loaded: None,
            reloaded: None,
            stopped: None,
            settled: None,
            stalled: None,
            transcript_known: None,
            is_subagent: false,
            session: Latest::default(),
            tag: Latest::default(),
            cwd: Latest::default(),
            model: Latest::default(),
            permission_mode: Latest::default(),
            transcript: Latest::default(),
            source: Latest::default(),
            source_of_compaction: Latest::default(),
            prompt: Latest::default(),
            answer: Latest::default(),
            counted: Counted::default(),
        }
    }

    /// Takes in an event of this thread.
    pub(super) fn note(&mut self, event: &Event, facts: &Facts<'_>) {
        let (stamp, kind) = (Stamp::of(event), event.kind());
        self.first_seen = self.first_seen.min(stamp.at);
        self.last_seen = self.last_seen.max(stamp.at);
        self.is_subagent |= facts.agent_id.get().is_some();
        self.session.offer_text(stamp, facts.session_id.get());
        self.tag.offer_text(stamp, event.tag());
        self.cwd.offer_text(stamp, facts.cwd.get());
        self.model.offer_text(stamp, facts.model.get());
        self.permission_mode.offer_text(stamp, facts.permission_mode.get());
        let pid = event.parent_pid().unwrap_or_default();
        self.lives.note(pid, stamp, is_sign_of_work(kind, facts), *kind == EventKind::SessionEnd);
        // Of a subagent that stops, `transcript_path` is its parent's.
        let transcript = match kind {
            EventKind::SubagentStop => &facts.agent_transcript_path,
            _ => &facts.transcript_path,
        };
        self.transcript.offer_text(stamp, transcript.get());
        match kind {
            EventKind::SessionStart if facts.source.is("compact") => {
                later(&mut self.loaded, stamp);
                self.source_of_compaction.offer_text(stamp, facts.source.get());
            }
            EventKind::SessionStart => {
                later(&mut self.loaded, stamp);
                later(&mut self.reloaded, stamp);
                self.source.offer_text(stamp, facts.source.get());
            }
            EventKind::UserPromptSubmit => self.prompt.offer_with(stamp, facts.prompt.get(), preview),
            EventKind::Stop | EventKind::SubagentStop => {
                self.answer.offer_with(stamp, facts.last_assistant_message.get(), preview);
                if *kind == EventKind::SubagentStop {
                    later(&mut self.stopped, stamp);
                }
            }
            _ => {}
        }
        self.note_in_turn(event, stamp, facts);
        self.count(event, stamp, facts);
    }

    fn note_in_turn(&mut self, event: &Event, stamp: Stamp, facts: &Facts<'_>) {
        let id = match (facts.turn_id.get(), event.kind()) {
            (Some(id), _) => id,
            // Codex before 0.120 does not tell turns apart.
            (None, EventKind::UserPromptSubmit | EventKind::Stop) => "",
            (None, _) => return,
        };
        match self.turns.iter_mut().find(|turn| *turn.id == *id) {
            Some(turn) => turn.note(event.kind(), stamp, facts),
            // One that was told apart once, and has been forgotten.
            None if self.counted.knows(What::Turn, hash(&id)) => return,
            None => {
                let mut turn = Turn::new(id, stamp);
                turn.note(event.kind(), stamp, facts);
                self.turns.push(turn);
            }
        }
        self.turns.sort_by_key(|turn| (turn.seen_at_work, turn.first));
        if self.turns.len() > TURNS {
            self.turns.remove(0);
        }
    }

    fn count(&mut self, event: &Event, stamp: Stamp, facts: &Facts<'_>) {
        let prompt_without_turn = *event.kind() == EventKind::UserPromptSubmit;
        match facts.turn_id.get() {
            Some(turn) => self.counted.count(What::Turn, hash(&turn), stamp.at),
            None if prompt_without_turn => self.counted.count(What::Turn, hash(&stamp.id), stamp.at),
            None => {}
        }
        match event.kind() {
            EventKind::PreToolUse | EventKind::PostToolUse => {
                self.counted.count(What::ToolCall, hash(&facts.tool_use_id.get()), stamp.at);
            }
            EventKind::PermissionRequest => {
                self.counted.count(What::Approval, hash(&stamp.id), stamp.at);
            }
            EventKind::PostCompact => self.counted.count(What::Compaction, hash(&stamp.id), stamp.at),
            _ => {}
        }
    }

    /// The turn that runs, or has run last.
    pub(super) fn turn(&self) -> Option<&Turn> {
        self.turns.last()
    }

    pub(super) fn turn_mut(&mut self) -> Option<&mut Turn> {
        self.turns.last_mut()
    }

    pub(super) fn transcript(&self) -> Option<&str> {
        self.transcript.get().map(|path| &**path)
    }

    /// Whether nothing is known of it yet.
    pub(super) fn is_new(&self) -> bool {
        self.session.get().is_none() && self.lives.is_empty()
    }

    pub(super) fn parent_id(&self) -> Option<ThreadId> {
        self.parent().and_then(|id| ThreadId::new(id).ok())
    }

    /// The session that a subagent belongs to.
    pub(super) fn parent(&self) -> Option<&str> {
        self.session.get().filter(|_| self.is_subagent).map(|session| &**session)
    }

    /// The transcript has the last answer of a turn that no `Stop` told of.
    pub(super) fn tell_answer(&mut self, at: Moment, answer: Option<&str>) {
        let stamp = Stamp { at, id: EventId::MIN };
        self.answer.offer_with(stamp, answer, preview);
    }

    /// As it is shown.
    pub(super) fn show(&self, doing: &Doing<'_>) -> Thread {
        let turn = self.turn();
        Thread {
            thread_id: self.id.clone(),
            parent_id: self.parent_id(),
            session_id: self.session.get().and_then(|id| ThreadId::new(id).ok()),
            tag: self.tag.text(),
            status: doing.status,
            since: doing.since.time(),
            turn_id: turn.map(|turn| turn.id.to_string()).filter(|id| !id.is_empty()),
            turn_started_at: turn.map(|turn| turn.first.at.time()),
            tools: doing
                .tools()
                .map(|tool| ToolUse {
                    tool_use_id: tool.id.to_string(),
                    name: tool.name.to_string(),
                    gist: tool.gist.to_string(),
                    since: tool.at.at.time(),
                })
                .collect(),
            waiting_for: doing.approvals().next().map(|request| Approval {
                tool: request.tool.to_string(),
                command: request.gist.to_string(),
                reason: request.reason.as_ref().map(|reason| reason.to_string()),
                since: request.at.at.time(),
            }),
            cwd: self.cwd.text(),
            model: self.model.text(),
            permission_mode: self.permission_mode.text(),
            transcript_path: self.transcript.text(),
            source: self.source.text().or_else(|| self.source_of_compaction.text()),
            last_prompt: self.prompt.text(),
            last_answer: self.answer.text(),
            turns: self.counted.turns,
            tool_calls: self.counted.tool_calls,
            approvals: self.counted.approvals,
            compactions: self.counted.compactions,
            first_seen: self.first_seen.time(),
            last_seen: self.last_seen.time(),
        }
    }
}
