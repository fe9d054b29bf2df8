//! Edits config.toml in place: the feature flag, in whatever spelling the file has.

use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

use super::HookEvent;
use super::fault::Fault;
use super::text::{line_end, line_start, newline, splice};
use super::toml_extent::{add_inline, child_ends, end_of_body, inline_removal};

/// The text of a config.toml that is valid TOML and has nothing in it for which Codex would not start, as far as hooks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigToml(String);

/// What a feature flag says in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Absent,
    Set(bool),
}

impl ConfigToml {
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        let document = parse(&text)?;
        if let Some(features) = document.get("features") {
            let table = features
                .as_table_like()
                .ok_or_else(|| wrong(&text, features.span(), "features is no table", "make it [features]"))?;
            for name in ["hooks", "codex_hooks"] {
                if let Some(item) = table.get(name)
                    && item.as_bool().is_none()
                {
                    let what = format!("features.{name} is neither true nor false");
                    return Err(wrong(&text, item.span(), &what, "make it true"));
                }
            }
        }
        if let Some(hooks) = document.get("hooks") {
            let remedy = "remove the line; the switch is [features] hooks";
            let hooks = hooks
                .as_table_like()
                .ok_or_else(|| wrong(&text, hooks.span(), "hooks is no table", remedy))?;
            check_hooks(&text, hooks)?;
        }
        Ok(ConfigToml(text))
    }

    pub(crate) fn as_text(&self) -> &str {
        &self.0
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Flag, Fault> {
        let document = parse(&self.0)?;
        let features = document.get("features").and_then(Item::as_table_like);
        Ok(match features.and_then(|table| table.get(name)).and_then(Item::as_bool) {
            Some(value) => Flag::Set(value),
            None => Flag::Absent,
        })
    }

    /// `[features] name = value`, with no other byte changed.
    pub(crate) fn set_flag(&self, name: &str, value: bool) -> Result<Self, Fault> {
        let text = &self.0;
        let document = parse(text)?;
        let newline = newline(text);
        let line = format!("{name} = {value}");
        let Some(features) = document.get("features") else {
            return Ok(self.appended(&format!("[features]{newline}{line}{newline}")));
        };
        let present = features.as_table_like().and_then(|table| table.get(name));
        if let Some(span) = present.and_then(Item::span) {
            return Ok(self.edited(span, if value { "true" } else { "false" }));
        }
        match features {
            Item::Value(inline @ Value::InlineTable(_)) => {
                let Some(span) = inline.span() else { return Ok(self.clone()) };
                let (range, new) = add_inline(text, span, &child_ends(inline), &line);
                Ok(self.edited(range, &new))
            }
            Item::Table(table) if table.is_dotted() => {
                let at = end_of_body(table).unwrap_or_default();
                Ok(self.line_behind(at, &format!("features.{line}")))
            }
            Item::Table(table) if !table.is_implicit() => {
                let header = table.span().map(|span| span.end);
                let at = end_of_body(table).or(header).unwrap_or_default();
                Ok(self.line_behind(at, &line))
            }
            // Only `[features.x]`: the table itself may still be opened.
            _ => Ok(self.appended(&format!("[features]{newline}{line}{newline}"))),
        }
    }

    /// Whether there is a `[features]`, in any spelling; `[features.x]` alone is none.
    pub(crate) fn has_features(&self) -> Result<bool, Fault> {
        Ok(parse(&self.0)?.get("features").is_some_and(|features| {
            features.as_table().is_none_or(|table| !table.is_implicit() || table.is_dotted())
        }))
    }

    /// Takes the flag out again; with `and_table` the table goes too where nothing else is in it.
    pub(crate) fn remove_flag(&self, name: &str, and_table: bool) -> Result<Self, Fault> {
        let text = &self.0;
        let document = parse(text)?;
        let Some(features) = document.get("features") else { return Ok(self.clone()) };
        let Some(table) = features.as_table_like() else { return Ok(self.clone()) };
        let Some((key, item)) = table.get_key_value(name) else { return Ok(self.clone()) };
        let (Some(key), Some(value)) = (key.span(), item.span()) else { return Ok(self.clone()) };
        if let Item::Value(inline @ Value::InlineTable(_)) = features {
            return Ok(self.replaced(inline_removal(text, key.start..value.end, &child_ends(inline)), ""));
        }
        let own_line = line_start(text, key.start)..line_end(text, value.end);
        if let Item::Table(table) = features
            && and_table
            && !table.is_dotted()
            && table.iter().filter(|(_, item)| !item.is_table() || is_dotted(item)).count() == 1
            && let Some(header) = table.span()
            && text[header.end..own_line.start].trim().is_empty()
        {
            let start = without_blank_line(text, line_start(text, header.start));
            return Ok(self.edited(start..own_line.end, ""));
        }
        Ok(self.edited(own_line, ""))
    }

    pub(crate) fn edited(&self, range: Range<usize>, with: &str) -> Self {
        ConfigToml(splice(&self.0, range, with))
    }

    /// `with` in the place of the first range, and nothing in that of the others.
    pub(crate) fn replaced(&self, ranges: Vec<Range<usize>>, with: &str) -> Self {
        let last_first = ranges.into_iter().enumerate().rev();
        last_first
            .fold(self.clone(), |text, (index, range)| text.edited(range, if index == 0 { with } else { "" }))
    }

    /// `block`, which begins with a header, behind all that is there, an empty line between.
    pub(crate) fn appended(&self, block: &str) -> Self {
        let text = &self.0;
        let newline = newline(text);
        let gap = match text {
            _ if text.trim().is_empty() => "",
            _ if text.ends_with('\n') => newline,
            _ => return ConfigToml(format!("{text}{newline}{newline}{block}")),
        };
        ConfigToml(format!("{text}{gap}{block}"))
    }

    /// A line of its own behind the line that holds `offset`, indented like it.
    pub(crate) fn line_behind(&self, offset: usize, line: &str) -> Self {
        let text = &self.0;
        let newline = newline(text);
        let before = &text[line_start(text, offset)..];
        let indent = &before[..before.len() - before.trim_start_matches([' ', '\t']).len()];
        let end = line_end(text, offset);
        let new = if text[..end].ends_with('\n') {
            format!("{indent}{line}{newline}")
        } else {
            format!("{newline}{indent}{line}")
        };
        self.edited(end..end, &new)
    }
}

fn is_dotted(item: &Item) -> bool {
    item.as_table().is_some_and(Table::is_dotted)
}

pub(crate) fn parse(text: &str) -> Result<Document<&str>, Fault> {
    Document::parse(text).map_err(|error| Fault::in_toml(text, &error))
}

fn wrong(text: &str, span: Option<Range<usize>>, what: &str, remedy: &str) -> Fault {
    Fault::at(text, span.map_or(0, |span| span.start), what, remedy)
}

/// Whether there are lists of tables where hooks are to be found.
fn check_hooks(text: &str, hooks: &dyn TableLike) -> Result<(), Fault> {
    if let Some(state) = hooks.get("state").filter(|state| !state.is_table_like()) {
        return Err(wrong(text, state.span(), "hooks.state is no table", "remove the line"));
    }
    for event in HookEvent::all() {
        let groups = hooks.get(event.name()).map(|groups| tables(text, event.name(), groups)).transpose()?;
        for handlers in groups.iter().flatten().filter_map(|group| group.get("hooks")) {
            tables(text, "hooks", handlers)?;
        }
    }
    Ok(())
}

fn tables<'d>(text: &str, name: &str, list: &'d Item) -> Result<Vec<&'d dyn TableLike>, Fault> {
    let no_table = |value: &Value| {
        wrong(
            text,
            value.span(),
            &format!("what is no table in the list {name}"),
            "make it { … }, or remove it",
        )
    };
    match list {
        Item::ArrayOfTables(tables) => Ok(tables.iter().map(|table| table as &dyn TableLike).collect()),
        Item::Value(Value::Array(values)) => {
            let table = |value: &'d Value| value.as_inline_table().map(|table| table as &dyn TableLike);
            values.iter().map(|value| table(value).ok_or_else(|| no_table(value))).collect()
        }
        _ => Err(wrong(text, list.span(), &format!("{name} is no list"), "make it a list of tables")),
    }
}

/// `start` of a line, or of the one empty line in front of it.
pub(crate) fn without_blank_line(text: &str, start: usize) -> usize {
    if start == 0 {
        return 0;
    }
    let previous = line_start(text, start - 1);
    if text[previous..start].trim().is_empty() { previous } else { start }
}

/// A table of the document's own tables, as the one that `path` leads to.
pub(crate) fn table_at<'d>(root: &'d Table, path: &[&str]) -> Option<&'d dyn TableLike> {
    let mut table: &dyn TableLike = root;
    for name in path {
        table = table.get(name)?.as_table_like()?;
    }
    Some(table)
}
