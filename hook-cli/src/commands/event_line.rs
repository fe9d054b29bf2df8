//! An event as a line: for people, or for programs.

use std::borrow::Cow;

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Color, Effects, Style};
use codex_spool::{Event, EventKind, ThreadId};

use super::gist;
use crate::cli::Context;
use crate::terminal::{harmless, harmless_json};

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

/// How events are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Appearance {
    /// Print each record as it lies on disk, a line of JSON
    #[arg(long)]
    json: bool,
    /// Whether lines for people are coloured; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: When,
}

impl Appearance {
    /// Whether the lines are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The event as a line, with its line break. What is for a terminal cannot steer it.
    pub(crate) fn line(&self, event: &Event, context: &Context) -> String {
        match self.json {
            true => json(event.record(), context).into_owned(),
            false => for_people(event, self.is_colored(context)),
        }
    }

    fn is_colored(&self, context: &Context) -> bool {
        match self.color {
            When::Auto => context.color,
            When::Always => true,
            When::Never => false,
        }
    }
}

/// Time, thread, event, tag and what it is about, in a line with its line break that cannot steer a terminal.
pub fn for_people(event: &Event, color: bool) -> String {
    let paint = |style: Style, text: &str| match color && !text.is_empty() {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    };
    let time = humantime::format_rfc3339_millis(event.captured_at()).to_string();
    let thread = format!("{:<13}", harmless(&event.thread_id().map_or("-".to_owned(), short)));
    let kind = format!("{:<17}", harmless(event.kind().as_str()));
    let tag = event.tag().map(|tag| format!("[{}] ", harmless(tag))).unwrap_or_default();
    let gist = gist::of(event);
    let line = [
        paint(Style::new().effects(Effects::DIMMED), &time),
        paint(colored(AnsiColor::Cyan), &thread),
        paint(style(event.kind()), &kind),
        paint(colored(AnsiColor::Magenta), &tag) + &harmless(&gist),
    ];
    line.join("  ").trim_end().to_owned() + "\n"
}

/// A line of JSON as it is; on a terminal with the characters escaped that would steer it.
pub(crate) fn json<'a>(line: &'a str, context: &Context) -> Cow<'a, str> {
    if context.to_terminal { harmless_json(line).into() } else { line.into() }
}

/// The first two groups of a UUID, which in those of Codex are the millisecond of its birth; of another id that is long,
/// its beginning.
fn short(thread: &ThreadId) -> String {
    const SHORT: usize = 13;
    let id = thread.as_str();
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    match id.char_indices().nth(SHORT - 1) {
        _ if is_uuid => id[..SHORT].to_owned(),
        Some((end, last)) if end + last.len_utf8() < id.len() => format!("{}…", &id[..end]),
        _ => id.to_owned(),
    }
}

fn style(kind: &EventKind) -> Style {
    match kind {
        EventKind::PermissionRequest => colored(AnsiColor::Yellow).bold(),
        EventKind::Stop => colored(AnsiColor::Green).bold(),
        EventKind::Interrupt => colored(AnsiColor::Red).bold(),
        EventKind::PreModelRequest | EventKind::PostModelRequest => Style::new().effects(Effects::DIMMED),
        _ => Style::new().bold(),
    }
}

fn colored(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_shortened_to_what_tells_it_apart() {
        let short = |id| short(&ThreadId::new(id).expect("an id"));
        assert_eq!(short("019aa3b1-4f6e-7c12-9d3a-5c6f0e9b1a2d"), "019aa3b1-4f6e");
        assert_eq!(short("0198-s"), "0198-s");
        assert_eq!(short("thirteen-char"), "thirteen-char");
        assert_eq!(short("fourteen-chars"), "fourteen-cha…");
        assert_eq!(short("éééééééééééééé"), "éééééééééééé…");
    }
}
