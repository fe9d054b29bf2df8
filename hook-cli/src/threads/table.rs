//! The table of `hook threads`.

use std::time::SystemTime;

use codex_spool::{Status, Thread};
use unicode_width::UnicodeWidthStr;

use super::words::{age, cut, doing, fit, last_words, one_line, project};

/// The widest that a column gets, but for the last: status, since, project, model, tool or question.
const WIDEST: [usize; 5] = [11, 5, 20, 16, 48];

/// How wide the last words get where nothing else says.
const LAST_WORDS: usize = 60;

/// From this width on a row ends in the thread's id.
const WITH_ID: usize = 140;

/// The lines of the table. `columns`: of the terminal; `None`: it is no terminal.
pub(crate) fn table(threads: &[Thread], now: SystemTime, columns: Option<usize>, color: bool) -> Vec<String> {
    let heads = ["STATUS", "SINCE", "PROJECT", "MODEL", "TOOL OR QUESTION"].map(str::to_owned);
    let rows: Vec<_> = threads.iter().map(|thread| row(thread, now)).collect();
    let mut widths = heads.each_ref().map(|head| head.width());
    for (cells, _, _) in &rows {
        for ((width, cell), widest) in widths.iter_mut().zip(cells).zip(WIDEST) {
            *width = cell.width().clamp(*width, widest.max(*width));
        }
    }
    let with_id = columns.is_none_or(|columns| columns >= WITH_ID);
    let id_width = rows.iter().map(|(_, _, id)| id.width()).max().unwrap_or_default();
    let id_space = if with_id { id_width + 2 } else { 0 };
    let used = widths.iter().sum::<usize>() + 2 * widths.len() + id_space;
    let rest = match columns {
        Some(columns) => columns.saturating_sub(used),
        None => {
            rows.iter().map(|(_, words, _)| words.width()).max().unwrap_or_default().clamp(10, LAST_WORDS)
        }
    };
    let line = |cells: &[String; 5], words: &str, id: &str, status: Option<Status>| {
        let mut line = String::new();
        for (number, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let cell = fit(cell, width);
            match status.and_then(sgr).filter(|_| color && number == 0) {
                Some(sgr) => line += &format!("\x1b[{sgr}m{cell}\x1b[0m"),
                None => line += &cell,
            }
            line += "  ";
        }
        line += &if with_id { format!("{}  {id}", fit(words, rest)) } else { cut(words, rest) };
        // Colours have no width.
        let shown = if color { line } else { cut(&line, columns.unwrap_or(usize::MAX)) };
        shown.trim_end().to_owned()
    };
    let head = line(&heads, "LAST WORDS", "THREAD", None);
    let body = rows
        .iter()
        .zip(threads)
        .map(|((cells, words, id), thread)| line(cells, words, id, Some(thread.status)));
    std::iter::once(head).chain(body).collect()
}

/// The cells of a row, the last words, and the thread's id.
fn row(thread: &Thread, now: SystemTime) -> ([String; 5], String, String) {
    let model = one_line(thread.model.as_deref().unwrap_or_default());
    let under = if thread.parent_id.is_some() { "└ " } else { "" };
    let cells = [
        thread.status.to_string(),
        age(thread.since, now),
        format!("{under}{}", project(thread)),
        model,
        doing(thread),
    ];
    (cells, last_words(thread), one_line(thread.thread_id.as_str()))
}

/// How a status is coloured: those that wait for somebody stand out.
fn sgr(status: Status) -> Option<&'static str> {
    match status {
        Status::Waiting => Some("1;33"),
        Status::Failed | Status::Stalled => Some("31"),
        Status::Running | Status::Tool => Some("32"),
        _ => None,
    }
}
