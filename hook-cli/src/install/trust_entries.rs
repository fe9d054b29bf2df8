//! `hooks.state` in config.toml: what Codex has been told to trust, by position.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Item, Key, TableLike};

use super::HookEvent;
use super::config_toml::{ConfigToml, parse, table_at, without_blank_line};
use super::fault::Fault;
use super::registration::Moves;
use super::text::{line_end, line_start};
use super::toml_extent::{end_of, end_of_body, inline_removal};
use super::trust::is_same;

/// A key of `hooks.state`, taken apart.
struct StateKey<'k> {
    path: &'k str,
    event: HookEvent,
    at: (usize, usize),
}

impl<'k> StateKey<'k> {
    fn parse(key: &'k str) -> Option<Self> {
        let (rest, handler) = key.rsplit_once(':')?;
        let (rest, group) = rest.rsplit_once(':')?;
        let (path, event) = rest.rsplit_once(':')?;
        Some(StateKey {
            path,
            event: HookEvent::all().find(|e| e.state_name() == event)?,
            at: (group.parse().ok()?, handler.parse().ok()?),
        })
    }

    fn moved_to(&self, (group, handler): (usize, usize)) -> String {
        format!("{}:{}:{group}:{handler}", self.path, self.event.state_name())
    }
}

/// Moves the entries of hooks that stand elsewhere now, and removes those of hooks that are gone.
///
/// `moves` are those in the file `hooks_file`, however the key spells its path.
pub(crate) fn follow(config: &ConfigToml, hooks_file: &Path, moves: &Moves) -> Result<ConfigToml, Fault> {
    if moves.is_empty() {
        return Ok(config.clone());
    }
    let text = config.as_text();
    let document = parse(text)?;
    let Some(state) = table_at(document.as_table(), &["hooks", "state"]) else { return Ok(config.clone()) };
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut targets: Vec<String> = Vec::new();
    let mut removed: Vec<&str> = Vec::new();
    for (name, _) in state.iter() {
        let Some(key) = StateKey::parse(name).filter(|key| is_same(Path::new(key.path), hooks_file)) else {
            continue;
        };
        match moves.get(&(key.event, key.at.0, key.at.1)) {
            None => {}
            Some(None) => removed.push(name),
            Some(Some(to)) => {
                let target = key.moved_to(*to);
                for span in key_spans(text, state, name) {
                    edits.push((span, respelled(&target)));
                }
                targets.push(target);
            }
        }
    }
    // An entry that nothing claims any more must not stand where another moves to.
    for (name, _) in state.iter() {
        let stays =
            StateKey::parse(name).is_none_or(|key| !moves.contains_key(&(key.event, key.at.0, key.at.1)));
        if stays && targets.iter().any(|target| target == name) {
            removed.push(name);
        }
    }
    for name in removed {
        edits.extend(removal(text, state, name).into_iter().map(|range| (range, String::new())));
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut config = config.clone();
    for (range, with) in edits {
        config = config.edited(range, &with);
    }
    without_empty_state(&config)
}

/// What Codex has been told of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) trusted: bool,
    pub(crate) enabled: bool,
}

/// What Codex has been told of the hook at a place; `None`: nothing.
pub(crate) fn told_of(
    config: &str,
    hooks_file: &Path,
    at: (HookEvent, usize, usize),
) -> Result<Option<Told>, Fault> {
    let document = parse(config)?;
    let state = table_at(document.as_table(), &["hooks", "state"]);
    let found = state.and_then(|state| {
        state.iter().find(|(name, _)| {
            StateKey::parse(name).is_some_and(|key| {
                (key.event, key.at.0, key.at.1) == at && is_same(Path::new(key.path), hooks_file)
            })
        })
    });
    Ok(found.map(|(_, entry)| Told {
        trusted: entry.get("trusted_hash").is_some_and(Item::is_str),
        enabled: entry.get("enabled").and_then(Item::as_bool) != Some(false),
    }))
}

/// Codex opens `[hooks.state]` by itself; it goes with its last entry.
fn without_empty_state(config: &ConfigToml) -> Result<ConfigToml, Fault> {
    let text = config.as_text();
    let document = parse(text)?;
    let state = document.get("hooks").and_then(Item::as_table_like).and_then(|hooks| hooks.get("state"));
    if let Some(Item::Table(state)) = state
        && state.is_empty()
        && let Some(header) = state.span()
    {
        let start = without_blank_line(text, line_start(text, header.start));
        return Ok(config.edited(start..line_end(text, header.end), ""));
    }
    Ok(config.clone())
}

fn respelled(key: &str) -> String {
    Key::new(key).display_repr().into_owned()
}

/// Every place where the key is written: once, but for dotted keys, which write it on every line.
fn key_spans(text: &str, state: &dyn TableLike, name: &str) -> Vec<Range<usize>> {
    let Some((key, item)) = state.get_key_value(name) else { return Vec::new() };
    match item {
        Item::Table(table) if table.is_dotted() => table
            .iter()
            .filter_map(|(field, _)| table.get_key_value(field)?.0.span())
            .filter_map(|field| last_segment(text, line_start(text, field.start), field.start))
            .collect(),
        _ => key.span().into_iter().collect(),
    }
}

/// The quoted key in front of the last dot of `text[start..end]`.
fn last_segment(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let prefix = text[start..end].trim_end().strip_suffix('.')?.trim_end();
    let quote = prefix.chars().last().filter(|c| matches!(c, '"' | '\''))?;
    let open = prefix[..prefix.len() - 1].rfind(quote)?;
    Some(start + open..start + prefix.len())
}

fn removal(text: &str, state: &dyn TableLike, name: &str) -> Vec<Range<usize>> {
    let Some((key, item)) = state.get_key_value(name) else { return Vec::new() };
    let lines = |start: usize, end: usize| line_start(text, start)..line_end(text, end);
    match item {
        Item::Table(table) if table.is_dotted() => table
            .iter()
            .filter_map(|(field, value)| {
                Some(lines(table.get_key_value(field)?.0.span()?.start, end_of(value)?))
            })
            .collect(),
        Item::Table(table) => {
            let Some(header) = table.span() else { return Vec::new() };
            let range = lines(header.start, end_of_body(table).unwrap_or(header.end));
            std::iter::once(without_blank_line(text, range.start)..range.end).collect()
        }
        _ => {
            let (Some(key), Some(end)) = (key.span(), end_of(item)) else { return Vec::new() };
            let line = lines(key.start, end);
            let own_line = text[line.start..key.start].trim().is_empty()
                && (text[end..line.end].trim().is_empty() || text[end..].trim_start().starts_with('#'));
            if own_line {
                return vec![line];
            }
            let ends: Vec<usize> = state.iter().filter_map(|(_, item)| end_of(item)).collect();
            inline_removal(text, key.start..end, &ends)
        }
    }
}

/// Whether `new` says the same as `old`, but for entries of trust with these keys.
pub(crate) fn only_adds(old: &str, new: &str, keys: &[&str]) -> Result<bool, Fault> {
    let (old, new) = (parse(old)?, parse(new)?);
    let (old, mut new) = (leaves(old.as_table()), leaves(new.as_table()));
    new.retain(|(path, _)| {
        let ours = path.len() >= 3 && path[..2] == ["hooks", "state"] && keys.contains(&path[2].as_str());
        !ours || old.iter().any(|(known, _)| known == path)
    });
    Ok(old == new)
}

/// Every value with its path, however the tables are written.
fn leaves(root: &dyn TableLike) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut open: Vec<(Vec<String>, &dyn TableLike)> = vec![(Vec::new(), root)];
    while let Some((path, table)) = open.pop() {
        for (name, item) in table.iter() {
            let mut path = path.clone();
            path.push(name.to_owned());
            if let Some(table) = item.as_table_like() {
                open.push((path, table));
            } else if let Some(tables) = item.as_array_of_tables() {
                let numbered = tables.iter().enumerate();
                open.extend(numbered.map(|(index, table)| {
                    let mut path = path.clone();
                    path.push(index.to_string());
                    (path, table as &dyn TableLike)
                }));
            } else if let Some(value) = item.as_value() {
                let text = value.clone().decorated("", "").to_string();
                found.push((path, text.replace("\r\n", "\n")));
            }
        }
    }
    found.sort();
    found
}
