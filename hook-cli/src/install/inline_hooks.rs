//! Edits `[hooks]` in config.toml in place.

use std::iter;
use std::ops::Range;

use toml_edit::{Item, Table, TableLike, Value};

use super::HookEvent;
use super::config_toml::{ConfigToml, parse, without_blank_line};
use super::fault::Fault;
use super::registration::{HookText, Registration};
use super::text::{line_end, line_start, newline};
use super::toml_extent::{add_inline, child_ends, end_of_body, inline_removal, lines_of};

/// The text of a config.toml, for the hooks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InlineHooks(pub(crate) ConfigToml);

/// The groups of an event, or the handlers of a group: tables under headers, or values in brackets.
enum List<'d> {
    Tables(Vec<&'d Table>),
    Values(Vec<&'d Value>),
}

impl<'d> List<'d> {
    fn of(item: Option<&'d Item>) -> Self {
        match item {
            Some(Item::ArrayOfTables(tables)) => List::Tables(tables.iter().collect()),
            Some(Item::Value(Value::Array(values))) => List::Values(values.iter().collect()),
            _ => List::Values(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            List::Tables(tables) => tables.len(),
            List::Values(values) => values.len(),
        }
    }

    fn table(&self, index: usize) -> Option<&'d dyn TableLike> {
        match self {
            List::Tables(tables) => tables.get(index).map(|table| *table as &dyn TableLike),
            List::Values(values) => {
                values.get(index).and_then(|v| v.as_inline_table()).map(|table| table as &dyn TableLike)
            }
        }
    }

    /// What to cut so that the member is gone: whole lines, or a value with one comma.
    fn removal(&self, index: usize, text: &str) -> Option<Vec<Range<usize>>> {
        match self {
            List::Tables(tables) => Some(lines_of(tables.get(index)?, text)),
            List::Values(values) => {
                let ends: Vec<usize> = values.iter().filter_map(|value| Some(value.span()?.end)).collect();
                Some(inline_removal(text, values.get(index)?.span()?, &ends))
            }
        }
    }
}

impl InlineHooks {
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Fault> {
        Ok(InlineHooks(ConfigToml::new(text)?))
    }

    fn text(&self) -> &str {
        self.0.as_text()
    }

    fn edited(&self, range: Range<usize>, with: &str) -> Self {
        InlineHooks(self.0.edited(range, with))
    }

    fn replaced(&self, ranges: Option<Vec<Range<usize>>>, with: &str) -> Self {
        InlineHooks(self.0.replaced(ranges.unwrap_or_default(), with))
    }

    fn groups<R>(&self, event: HookEvent, use_: impl FnOnce(List) -> Option<R>) -> Result<Option<R>, Fault> {
        let document = parse(self.text())?;
        let hooks = document.get("hooks").and_then(Item::as_table_like);
        Ok(use_(List::of(hooks.and_then(|table| table.get(event.name())))))
    }
}

impl HookText for InlineHooks {
    fn as_text(&self) -> &str {
        self.text()
    }

    fn registrations(&self) -> Result<Vec<Registration>, Fault> {
        let mut found = Vec::new();
        let document = parse(self.text())?;
        let Some(hooks) = document.get("hooks").and_then(Item::as_table_like) else { return Ok(found) };
        for event in HookEvent::all() {
            let groups = List::of(hooks.get(event.name()));
            for group in 0..groups.len() {
                let Some(table) = groups.table(group) else { continue };
                let handlers = List::of(table.get("hooks"));
                for handler in 0..handlers.len() {
                    let fields = handlers.table(handler);
                    let command = fields.and_then(command_of);
                    let alone = handlers.len() == 1;
                    let plain =
                        alone && table.len() == 1 && fields.is_some_and(|fields| is_plain(event, fields));
                    found.push(Registration { event, group, handler, command, plain, alone });
                }
            }
        }
        Ok(found)
    }

    fn has_groups(&self) -> Result<bool, Fault> {
        let document = parse(self.text())?;
        let hooks = document.get("hooks").and_then(Item::as_table_like);
        Ok(HookEvent::all().any(|event| List::of(hooks.and_then(|table| table.get(event.name()))).len() > 0))
    }

    fn append(&self, event: HookEvent, command: &str) -> Result<Self, Fault> {
        let text = self.text();
        let document = parse(text)?;
        let hooks = document.get("hooks");
        let table = hooks.and_then(Item::as_table_like);
        if let Some(Item::Value(array @ Value::Array(_))) = table.and_then(|t| t.get(event.name())) {
            let span = array.span().unwrap_or_default();
            let (range, new) = add_inline(text, span, &child_ends(array), &our_value(event, command));
            return Ok(self.edited(range, &new));
        }
        let line = format!("{event} = [{}]", our_value(event, command));
        match hooks {
            Some(Item::Value(inline @ Value::InlineTable(_))) => {
                let span = inline.span().unwrap_or_default();
                let (range, new) = add_inline(text, span, &child_ends(inline), &line);
                Ok(self.edited(range, &new))
            }
            Some(Item::Table(table)) if table.is_dotted() => {
                let at = end_of_body(table).unwrap_or_default();
                Ok(InlineHooks(self.0.line_behind(at, &format!("hooks.{line}"))))
            }
            _ => Ok(InlineHooks(self.0.appended(&our_tables(event, command, newline(text))))),
        }
    }

    fn set_command(&self, event: HookEvent, at: (usize, usize), command: &str) -> Result<Self, Fault> {
        let span = self.groups(event, |groups| {
            let handlers = List::of(groups.table(at.0)?.get("hooks"));
            handlers.table(at.1)?.get("command")?.span()
        })?;
        Ok(span.map_or_else(|| self.clone(), |span| self.edited(span, &quoted(command))))
    }

    fn replace_group(&self, event: HookEvent, group: usize, command: &str) -> Result<Self, Fault> {
        let text = self.text();
        let edit = self.groups(event, |groups| match &groups {
            List::Tables(_) => {
                Some((groups.removal(group, text)?, our_tables(event, command, newline(text))))
            }
            List::Values(values) => Some((vec![values.get(group)?.span()?], our_value(event, command))),
        })?;
        Ok(edit.map_or_else(|| self.clone(), |(ranges, new)| self.replaced(Some(ranges), &new)))
    }

    fn remove_handler(&self, event: HookEvent, at: (usize, usize)) -> Result<Self, Fault> {
        let text = self.text();
        let ranges =
            self.groups(event, |groups| List::of(groups.table(at.0)?.get("hooks")).removal(at.1, text))?;
        Ok(self.replaced(ranges, ""))
    }

    /// An event that is written as a value goes with its last group.
    fn remove_group(&self, event: HookEvent, group: usize) -> Result<Self, Fault> {
        let text = self.text();
        let document = parse(text)?;
        let hooks = document.get("hooks");
        let table = hooks.and_then(Item::as_table_like);
        let Some((key, item)) = table.and_then(|table| table.get_key_value(event.name())) else {
            return Ok(self.clone());
        };
        let groups = List::of(Some(item));
        let ranges = match (&groups, key.span(), item.span()) {
            (List::Tables(_), ..) => groups.removal(group, text).map(|mut ranges| {
                if let Some(first) = ranges.first_mut() {
                    first.start = without_blank_line(text, first.start);
                }
                ranges
            }),
            (List::Values(values), Some(key), Some(value)) if values.len() == 1 => Some(match hooks {
                Some(Item::Value(inline)) => inline_removal(text, key.start..value.end, &child_ends(inline)),
                _ => iter::once(line_start(text, key.start)..line_end(text, value.end)).collect(),
            }),
            _ => groups.removal(group, text),
        };
        Ok(self.replaced(ranges, ""))
    }
}

fn command_of(handler: &dyn TableLike) -> Option<String> {
    (handler.get("type")?.as_str()? == "command")
        .then(|| handler.get("command")?.as_str().map(str::to_owned))
        .flatten()
}

fn is_plain(event: HookEvent, handler: &dyn TableLike) -> bool {
    handler.len() == 3
        && command_of(handler).is_some()
        && handler.get("timeout").and_then(Item::as_integer) == i64::try_from(event.timeout()).ok()
}

fn our_tables(event: HookEvent, command: &str, newline: &str) -> String {
    [
        format!("[[hooks.{event}]]"),
        format!("[[hooks.{event}.hooks]]"),
        "type = \"command\"".to_owned(),
        format!("command = {}", quoted(command)),
        format!("timeout = {}", event.timeout()),
        String::new(),
    ]
    .join(newline)
}

fn our_value(event: HookEvent, command: &str) -> String {
    format!(
        "{{ hooks = [{{ type = \"command\", command = {}, timeout = {} }}] }}",
        quoted(command),
        event.timeout()
    )
}

fn quoted(command: &str) -> String {
    Value::from(command).to_string()
}
