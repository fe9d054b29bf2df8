//! Threads in words, each of which fits a terminal and cannot steer it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use codex_spool::Thread;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::harmless;

/// How long ago, in the largest unit that it has: `7s`, `3m`, `2h`, `5d`.
pub(crate) fn age(since: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(since).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The name of the folder in which it works.
pub(crate) fn project(thread: &Thread) -> String {
    let cwd = thread.cwd.as_deref().unwrap_or_default();
    let name = Path::new(cwd).file_name().map(|name| name.to_string_lossy());
    one_line(name.as_deref().unwrap_or(cwd))
}

/// The question that waits for an answer, or the tool that runs.
pub(crate) fn doing(thread: &Thread) -> String {
    match (&thread.waiting_for, &thread.tools[..]) {
        (Some(asked), _) => {
            let reason = asked.reason.as_ref().map(|reason| format!("{reason} ")).unwrap_or_default();
            one_line(&format!("{reason}{}: {}", asked.tool, asked.command))
        }
        (None, [tool]) => one_line(&format!("{}: {}", tool.name, tool.gist)),
        (None, [tool, rest @ ..]) => one_line(&format!("{} (+{}): {}", tool.name, rest.len(), tool.gist)),
        (None, []) => String::new(),
    }
}

/// What was said last: by the user as long as the thread works on it, else by the model.
pub(crate) fn last_words(thread: &Thread) -> String {
    let prompt = thread.last_prompt.as_ref().map(|prompt| format!("> {prompt}"));
    let answers = thread.status.is_at_rest();
    let words = if answers { thread.last_answer.clone().or(prompt) } else { prompt };
    one_line(&words.unwrap_or_default())
}

/// In one line, without anything that steers a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let text = harmless(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// What fits into that many columns; what does not is cut, and ends in `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or_default();
            used < columns
        })
        .collect();
    if columns == 0 { kept } else { kept + "…" }
}

/// Cut and filled up to exactly that many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let missing = columns.saturating_sub(text.width());
    text + &" ".repeat(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let now = SystemTime::now();
        let ago = |seconds| age(now - Duration::from_secs(seconds), now);
        assert_eq!([ago(0), ago(59), ago(60), ago(7199), ago(90_000)], ["0s", "59s", "1m", "1h", "1d"]);
        assert_eq!(age(now + Duration::from_secs(5), now), "0s", "the clock was set back");
    }

    #[test]
    fn what_is_cut_has_the_columns_that_there_are() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        // Two columns each.
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(fit("漢字漢字", 6), "漢字… ");
        assert_eq!(cut("abcd", 0), "");
    }

    #[test]
    fn a_text_of_several_lines_is_one() {
        assert_eq!(one_line("a\n\t b\u{1b}[2Jc"), "a b [2Jc");
    }
}
