//! Where things stand in a TOML text: toml_edit tells the place of each key, header and value, and this puts them together.

use std::ops::Range;

use toml_edit::{Item, Table, TableLike, Value};

use super::text::{line_end, line_start};

/// Behind the last byte of an item, all that is nested in it included. `None`: it has no place of its own.
pub(crate) fn end_of(item: &Item) -> Option<usize> {
    match item {
        Item::Value(value) => value.span().map(|span| span.end),
        Item::Table(table) => end_of_table(table, table.span()),
        Item::ArrayOfTables(tables) => {
            tables.iter().filter_map(|table| end_of_table(table, table.span())).max()
        }
        Item::None => None,
    }
}

/// Behind the last byte of a table: its header, or its last value.
pub(crate) fn end_of_table(table: &dyn TableLike, header: Option<Range<usize>>) -> Option<usize> {
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

/// `, new` as the last child of an inline table or array standing at `span`.
pub(crate) fn add_inline(
    text: &str,
    span: Range<usize>,
    last_child_end: Option<usize>,
    new: &str,
) -> (Range<usize>, String) {
    let close = span.end - 1;
    let Some(last) = last_child_end else {
        let inside = span.start + 1..close;
        let pad = if text[span.start..].starts_with('{') { " " } else { "" };
        return (inside, format!("{pad}{new}{pad}"));
    };
    // A comment may hold a comma too, but only arrays have comments, and those in front of the bracket stay behind ours.
    match text[last..close].find(',') {
        Some(comma) if text[last..last + comma].trim().is_empty() => {
            (last + comma + 1..last + comma + 1, format!(" {new},"))
        }
        _ => (last..last, format!(", {new}")),
    }
}

/// The ends of an inline table's or array's children.
pub(crate) fn last_child_end(value: &Value) -> Option<usize> {
    match value {
        Value::Array(array) => array.iter().filter_map(|v| v.span().map(|s| s.end)).max(),
        Value::InlineTable(table) => end_of_body(table),
        _ => None,
    }
}
