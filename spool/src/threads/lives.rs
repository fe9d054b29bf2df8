//! The processes that have had a thread, and whether they have let go of it.

use super::latest::{Stamp, earlier, later};
use crate::time::Moment;

/// How many processes of a thread are told apart; the last ones.
const REMEMBERED: usize = 8;

/// The processes that have had a thread.
///
/// A thread that was left in one Codex and resumed in another is closed by the first a minute later, in the middle of
/// the second's turn: an end counts only for the process that it comes from.
#[derive(Debug, Default)]
pub(super) struct Lives {
    lives: Vec<Life>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    pid: u32,
    first: Stamp,
    last: Stamp,
    /// Its last sign of work.
    alive: Option<Stamp>,
    /// Its last `SessionEnd`.
    end: Option<Stamp>,
    /// When it was found to be gone.
    gone: Option<Moment>,
}

/// The last sign of work of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sign {
    pub(super) stamp: Stamp,
    pub(super) pid: u32,
    /// Whether the process is Codex itself: one that has run several hooks is no shell that runs one.
    pub(super) is_codex: bool,
}

impl Lives {
    /// Notes an event of process `pid` (0: unknown).
    pub(super) fn note(&mut self, pid: u32, stamp: Stamp, alive: bool, end: bool) {
        let life = match self.lives.iter_mut().position(|life| life.pid == pid) {
            Some(known) => &mut self.lives[known],
            None => {
                self.lives.push(Life { pid, first: stamp, last: stamp, alive: None, end: None, gone: None });
                self.lives.last_mut().expect("one was just added")
            }
        };
        life.first = life.first.min(stamp);
        life.last = life.last.max(stamp);
        if alive {
            later(&mut life.alive, stamp);
        }
        if end {
            later(&mut life.end, stamp);
        }
        if self.lives.len() > REMEMBERED {
            let oldest = (0..self.lives.len()).min_by_key(|index| self.lives[*index].last);
            self.lives.swap_remove(oldest.expect("there are several"));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lives.is_empty()
    }

    /// The last sign of work.
    pub(super) fn sign(&self) -> Option<Sign> {
        let signs = self.lives.iter().filter_map(|life| {
            let is_codex = life.pid != 0 && life.first != life.last;
            Some(Sign { stamp: life.alive?, pid: life.pid, is_codex })
        });
        signs.max()
    }

    /// When the process of that sign has let go of the thread, after it.
    pub(super) fn end_after(&self, sign: Option<Sign>) -> Option<Moment> {
        let Some(sign) = sign else {
            return self.lives.iter().filter_map(|life| life.end).min().map(|end| end.at);
        };
        let mut end = None;
        for life in &self.lives {
            if life.end > Some(sign.stamp)
                && (life.pid == sign.pid || !sign.is_codex)
                && let Some(stamp) = life.end
            {
                earlier(&mut end, stamp.at);
            }
            if life.pid == sign.pid
                && let Some(gone) = life.gone.filter(|gone| *gone >= sign.stamp.at)
            {
                earlier(&mut end, gone);
            }
        }
        end
    }

    /// The process was found to be gone.
    pub(super) fn gone(&mut self, pid: u32, at: Moment) {
        for life in self.lives.iter_mut().filter(|life| life.pid == pid) {
            life.gone = Some(at);
        }
    }
}
