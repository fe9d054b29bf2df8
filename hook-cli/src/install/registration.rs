//! What both kinds of hook file, hooks.json and inline `[hooks]`, have in common: groups of handlers at positions.

use std::collections::HashMap;

use super::fault::Fault;
use super::{HookCommand, HookEvent};

/// A handler as it stands in a file. Codex binds trust to `event`, `group` and `handler`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its event.
    pub event: HookEvent,
    /// The index of its group among those of the event.
    pub group: usize,
    /// Its index in the group.
    pub handler: usize,
    /// What is run; `None` for a handler that runs no command.
    pub command: Option<String>,
    /// Whether nothing else stands in the group, and all is as we would write it (the command aside).
    pub(crate) plain: bool,
    /// Whether it is the only handler of the group.
    pub(crate) alone: bool,
}

/// Where a handler stood and where it stands now; `None` when it was removed.
pub(crate) type Moves = HashMap<(HookEvent, usize, usize), Option<(usize, usize)>>;

/// A text with hooks in it. Each edit changes what it names, and no other byte.
pub(crate) trait HookText: Sized {
    fn as_text(&self) -> &str;

    /// Every handler of every known event, in order.
    fn registrations(&self) -> Result<Vec<Registration>, Fault>;

    /// Whether any known event has a group, even an empty one.
    fn has_groups(&self) -> Result<bool, Fault>;

    /// Adds a group with our command behind the others of the event.
    fn append(&self, event: HookEvent, command: &str) -> Result<Self, Fault>;

    fn set_command(&self, event: HookEvent, at: (usize, usize), command: &str) -> Result<Self, Fault>;

    /// Writes our group over one that holds nothing but our handler.
    fn replace_group(&self, event: HookEvent, group: usize, command: &str) -> Result<Self, Fault>;

    fn remove_handler(&self, event: HookEvent, at: (usize, usize)) -> Result<Self, Fault>;

    fn remove_group(&self, event: HookEvent, group: usize) -> Result<Self, Fault>;
}

/// Makes the set of our handlers exactly `events`, with `command`. Ours are those that `is_ours` knows.
pub(crate) fn settle<T: HookText>(
    text: T,
    events: &[HookEvent],
    command: &str,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<(T, Moves), Fault> {
    let mut text = text;
    let mut moves = Moves::new();
    for event in HookEvent::all() {
        let ours = ours_of(&text, event, is_ours)?;
        let wanted = events.contains(&event);
        let surplus = &ours[usize::from(wanted).min(ours.len())..];
        text = remove(text, surplus, &mut moves)?;
        if !wanted {
            continue;
        }
        // Only now: what has stood beside it may have been ours too.
        match ours_of(&text, event, is_ours)?.first() {
            None => text = text.append(event, command)?,
            Some(kept) if kept.alone && !kept.plain => {
                text = text.replace_group(event, kept.group, command)?;
            }
            Some(kept) if kept.command.as_deref() != Some(command) => {
                text = text.set_command(event, (kept.group, kept.handler), command)?;
            }
            Some(_) => {}
        }
    }
    Ok((text, moves))
}

fn ours_of<T: HookText>(
    text: &T,
    event: HookEvent,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<Vec<Registration>, Fault> {
    let mut ours = text.registrations()?;
    ours.retain(|r| r.event == event && r.command.as_deref().is_some_and(is_ours));
    Ok(ours)
}

/// Removes handlers of one event, and notes where those behind them have moved to.
fn remove<T: HookText>(text: T, surplus: &[Registration], moves: &mut Moves) -> Result<T, Fault> {
    let Some(event) = surplus.first().map(|r| r.event) else { return Ok(text) };
    let before = text.registrations()?;
    let mut places: Vec<Vec<(usize, usize)>> = Vec::new();
    for r in before.iter().filter(|r| r.event == event) {
        places.resize(places.len().max(r.group + 1), Vec::new());
        places[r.group].push((r.group, r.handler));
    }
    let mut text = text;
    // From the back, so that the positions of those still to be removed stay true.
    for r in surplus.iter().rev() {
        if places[r.group].len() == 1 {
            text = text.remove_group(event, r.group)?;
            places.remove(r.group);
        } else {
            text = text.remove_handler(event, (r.group, r.handler))?;
            places[r.group].remove(r.handler);
        }
        moves.insert((event, r.group, r.handler), None);
    }
    for (group, handlers) in places.iter().enumerate() {
        for (handler, &(old_group, old_handler)) in handlers.iter().enumerate() {
            if (old_group, old_handler) != (group, handler) {
                moves.insert((event, old_group, old_handler), Some((group, handler)));
            }
        }
    }
    Ok(text)
}

/// The command of [`HookText`]s as it would be recognised without any record.
pub(crate) fn looks_like_ours(command: &str) -> bool {
    HookCommand::recognise(command).is_some()
}
