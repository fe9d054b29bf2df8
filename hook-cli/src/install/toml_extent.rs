//! Where things stand in a TOML text: toml_edit tells the place of each key, header and value, and this puts them together.

use std::iter;
use std::ops::Range;

use toml_edit::{Item, Table, TableLike, Value};

use super::text::{line_end, line_start};

/// Behind the last byte of an item, all that is nested in it included. `None`: it has no place of its own.
pub(crate) fn end_of(item: &Item) -> Option<usize> {
    match item {
        Item::Value(value) => end_of_value(value),
        Item::Table(table) => end_of_table(table, table.span()),
        Item::ArrayOfTables(tables) => {
            tables.iter().filter_map(|table| end_of_table(table, table.span())).max()
        }
        Item::None => None,
    }
}

/// Behind the last byte of a table: its header, or its last value.
fn end_of_table(table: &dyn TableLike, header: Option<Range<usize>>) -> Option<usize> {
    let values = table.iter().filter_map(|(_, item)| end_of(item)).max();
    header.map(|span| span.end).max(values)
}

/// The lines of a table and of those in it, in their order: from its header to its last value, without those of other
/// tables that stand between.
pub(crate) fn lines_of(table: &Table, text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    add_blocks(table, text, &mut blocks);
    blocks.sort_unstable_by_key(|block| block.start);
    let mut lines: Vec<Range<usize>> = Vec::new();
    for block in blocks {
        let is_bare = |line: &str| line.trim_start().starts_with('#') || line.trim().is_empty();
        match lines.last_mut() {
            Some(last) if text[last.end.min(block.start)..block.start].lines().all(is_bare) => {
                last.end = last.end.max(block.end);
            }
            _ => lines.push(block),
        }
    }
    lines
}

fn add_blocks(table: &Table, text: &str, blocks: &mut Vec<Range<usize>>) {
    if let Some(header) = table.span().filter(|_| !table.is_dotted()) {
        let end = end_of_body(table).unwrap_or(header.end).max(header.end);
        blocks.push(line_start(text, header.start)..line_end(text, end));
    }
    for (_, item) in table.iter() {
        match item {
            Item::Table(table) => add_blocks(table, text, blocks),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| add_blocks(table, text, blocks)),
            _ => {}
        }
    }
}

/// Behind the last value that stands under the table's own header, not under that of a table in it.
pub(crate) fn end_of_body(table: &dyn TableLike) -> Option<usize> {
    table
        .iter()
        .filter_map(|(_, item)| match item {
            Item::Value(value) => value.span().map(|span| span.end),
            Item::Table(table) if table.is_dotted() => end_of_body(table),
            _ => None,
        })
        .max()
}

/// `, new` as the last child of an inline table or array standing at `span`, whose children end at `ends`.
pub(crate) fn add_inline(
    text: &str,
    span: Range<usize>,
    ends: &[usize],
    new: &str,
) -> (Range<usize>, String) {
    let inside = span.start + 1..span.end - 1;
    let Some(&last) = ends.iter().max() else {
        // What is said in it stays behind ours.
        let pad = if text[span.start..].starts_with('{') { " " } else { "" };
        let end = if inside.is_empty() { pad } else { "" };
        return (inside.start..inside.start, format!("{pad}{new}{end}"));
    };
    match comma_behind(text, last) {
        Some(comma) if text[last..comma].trim().is_empty() => (comma + 1..comma + 1, format!(" {new},")),
        _ => (last..last, format!(", {new}")),
    }
}

/// What to cut so that a child of an inline table or array is gone with one of its commas, in their order; `ends` are those of
/// all children. Comments stay.
pub(crate) fn inline_removal(text: &str, child: Range<usize>, ends: &[usize]) -> Vec<Range<usize>> {
    let says_nothing = |gap: Range<usize>| text[gap].trim().is_empty();
    let previous = ends.iter().filter(|end| **end <= child.start).max();
    if let Some(comma) = previous.and_then(|end| comma_behind(text, *end)) {
        return match says_nothing(comma + 1..child.start) {
            true => iter::once(comma..child.end).collect(),
            false => vec![comma..comma + 1, child],
        };
    }
    if let Some(comma) = comma_behind(text, child.end) {
        let rest = &text[comma + 1..];
        let end = text.len() - rest.trim_start_matches([' ', '\t']).len();
        return match says_nothing(child.end..comma) {
            true => iter::once(child.start..end).collect(),
            false => vec![child, comma..end],
        };
    }
    let before = text[..child.start].trim_end().len();
    let behind = text.len() - text[child.end..].trim_start().len();
    // A comment in front would go on.
    match text[line_start(text, before)..before].contains('#') {
        true => vec![child],
        false => iter::once(before..behind).collect(),
    }
}

/// The comma that follows, over white space and comments.
fn comma_behind(text: &str, mut at: usize) -> Option<usize> {
    loop {
        at = text.len() - text[at..].trim_start().len();
        match text[at..].chars().next()? {
            ',' => return Some(at),
            '#' => at = line_end(text, at),
            _ => return None,
        }
    }
}

/// Where the children of an inline table or array end.
pub(crate) fn child_ends(value: &Value) -> Vec<usize> {
    match value {
        Value::Array(array) => array.iter().filter_map(end_of_value).collect(),
        Value::InlineTable(table) => table.iter().filter_map(|(_, value)| end_of_value(value)).collect(),
        _ => Vec::new(),
    }
}

/// Dotted keys have no place of their own.
fn end_of_value(value: &Value) -> Option<usize> {
    value.span().map(|span| span.end).max(child_ends(value).into_iter().max())
}
