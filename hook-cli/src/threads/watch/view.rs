//! Drawing the view.

use std::time::SystemTime;

use codex_spool::{Status, Thread};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Wrap};

use super::model::{Model, Row, gist_of};
use crate::counted::counted;
use crate::terminal::harmless;
use crate::threads::words::{age, cut, fit, one_line};

/// From this width on the details stand beside the list, not below it.
const WIDE: u16 = 100;

/// Below this height there are no details.
const LOW: u16 = 14;

/// Draws the whole of it, into whatever space there is.
pub(super) fn draw(frame: &mut Frame<'_>, model: &mut Model, now: SystemTime, color: bool) {
    let area = frame.area();
    frame.render_widget(Clear, area);
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let paint = Paint { color };
    draw_head(frame, head, model, &paint);
    draw_foot(frame, foot, model, &paint);
    let (list, details) = if area.width >= WIDE {
        let [list, details] =
            Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(body);
        (list, Some(details))
    } else if area.height >= LOW {
        let [list, details] =
            Layout::vertical([Constraint::Percentage(45), Constraint::Percentage(55)]).areas(body);
        (list, Some(details))
    } else {
        (body, None)
    };
    draw_list(frame, list, model, now, &paint);
    if let Some(area) = details
        && let Some(thread) = model.selected()
    {
        draw_details(frame, area, model, thread, now, &paint);
    }
}

/// Styles, with colours or without.
struct Paint {
    color: bool,
}

impl Paint {
    fn status(&self, status: Status) -> Style {
        let (color, modifier) = match status {
            Status::Waiting => (Color::Yellow, Modifier::BOLD),
            Status::Failed | Status::Stalled => (Color::Red, Modifier::BOLD),
            Status::Running | Status::Tool => (Color::Green, Modifier::empty()),
            _ => return self.faint(),
        };
        self.colored(color).add_modifier(modifier)
    }

    fn colored(&self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    fn faint(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: &Paint) {
    let (threads, waiting) = model.counts();
    let mut spans = vec![
        Span::styled(" hook threads ", Style::new().add_modifier(Modifier::REVERSED)),
        Span::raw(format!(" {threads} thread{}", if threads == 1 { "" } else { "s" })),
    ];
    if waiting > 0 {
        spans.push(Span::raw(", "));
        spans.push(Span::styled(format!("{waiting} waiting"), paint.status(Status::Waiting)));
    }
    if !model.filter().is_empty() {
        spans.push(Span::raw(format!("  /{}", one_line(model.filter()))));
    }
    frame.render_widget(Line::from(spans), area);
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: &Paint) {
    let line = match model.problem() {
        Some(problem) => Line::styled(cut(&one_line(problem), area.width.into()), paint.colored(Color::Red)),
        None => Line::styled(" type to filter  ↑↓ select  Esc clear, quit", paint.faint()),
    };
    frame.render_widget(line, area);
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, model: &mut Model, now: SystemTime, paint: &Paint) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let selected = model.selected().map(|thread| thread.thread_id.clone());
    let rows = model.rows();
    if rows.is_empty() {
        let text = match (model.is_loading(), model.filter().is_empty()) {
            (true, _) => " reading the journal…",
            (false, true) => " no threads: they appear as Codex works",
            (false, false) => " no thread matches",
        };
        return frame.render_widget(Line::styled(text, paint.faint()), area);
    }
    let is_selected = |row: &Row<'_>| match row {
        Row::Thread(thread, _) => Some(&thread.thread_id) == selected.as_ref(),
        Row::Project(_) => false,
    };
    let place = rows.iter().position(is_selected).unwrap_or_default();
    // With the project above the first thread in sight.
    let mut scrolled = model.scrolled.min(rows.len().saturating_sub(height));
    if place < scrolled + 1 {
        scrolled = place.saturating_sub(1);
    }
    if place >= scrolled + height {
        scrolled = (place + 1).saturating_sub(height);
    }
    let lines: Vec<Line<'_>> = rows
        .iter()
        .skip(scrolled)
        .take(height)
        .map(|row| match row {
            Row::Project(cwd) => {
                Line::styled(cut(&model.folder(cwd), width), Style::new().add_modifier(Modifier::BOLD))
            }
            Row::Thread(thread, depth) => {
                let line = thread_line(thread, *depth, width, now, paint);
                if is_selected(row) {
                    line.style(Style::new().add_modifier(Modifier::REVERSED))
                } else {
                    line
                }
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
    model.scrolled = scrolled;
}

fn thread_line(thread: &Thread, depth: usize, width: usize, now: SystemTime, paint: &Paint) -> Line<'static> {
    let indent = if depth > 0 { "  └ " } else { "  " };
    let status = fit(thread.status.as_str(), 11);
    let since = fit(&age(thread.since, now), 4);
    let rest = width.saturating_sub(indent.chars().count() + 11 + 1 + 4 + 1);
    Line::from(vec![
        Span::raw(indent),
        Span::styled(status, paint.status(thread.status)),
        Span::raw(format!(" {since} {}", fit(&gist_of(thread), rest))),
    ])
}

fn draw_details(
    frame: &mut Frame<'_>,
    area: Rect,
    model: &Model,
    thread: &Thread,
    now: SystemTime,
    paint: &Paint,
) {
    let borders = if area.width == frame.area().width { Borders::TOP } else { Borders::LEFT };
    let block = Block::new().borders(borders).border_style(paint.faint());
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let mut facts = facts(thread, now, paint);
    // The log has at least a third.
    facts.truncate(usize::from(inside.height * 2 / 3).max(1));
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    let [above, below] = Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(inside);
    frame.render_widget(Paragraph::new(facts).wrap(Wrap { trim: false }), above);
    draw_log(frame, below, model, paint);
}

/// What is known of a thread, a line each.
fn facts(thread: &Thread, now: SystemTime, paint: &Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        Span::styled(thread.status.to_string(), paint.status(thread.status)),
        Span::raw(format!(" for {}  {}", age(thread.since, now), one_line(thread.thread_id.as_str()))),
    ])];
    let mut say = |name: &'static str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            lines.push(Line::from(vec![Span::styled(fit(name, 9), paint.faint()), Span::raw(text)]));
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(one_line);
    if let Some(asked) = &thread.waiting_for {
        say("asks", Some(one_line(&format!("{}: {}", asked.tool, asked.command))));
        say("because", text(&asked.reason));
    }
    for tool in &thread.tools {
        let since = age(tool.since, now);
        say("tool", Some(one_line(&format!("{}: {} ({since})", tool.name, tool.gist))));
    }
    say("prompt", text(&thread.last_prompt));
    say("answer", text(&thread.last_answer));
    let facts = [text(&thread.model), text(&thread.permission_mode), text(&thread.source)];
    say("model", Some(facts.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    say("tag", text(&thread.tag));
    let counts = [
        (thread.turns, "turn"),
        (thread.tool_calls, "tool call"),
        (thread.approvals, "approval"),
        (thread.compactions, "compaction"),
    ];
    let there = counts.iter().filter(|(number, _)| *number > 0);
    say("so far", Some(there.map(|(number, what)| counted(*number, what)).collect::<Vec<_>>().join(", ")));
    lines
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: &Paint) {
    let log = model.log();
    let shown = log.len().saturating_sub(usize::from(area.height));
    let lines: Vec<Line<'_>> = log[shown..]
        .iter()
        .map(|line| {
            let time = humantime::format_rfc3339_seconds(line.at).to_string();
            let clock = time.get(11..19).unwrap_or_default().to_owned();
            let text = cut(&harmless(&line.text), usize::from(area.width).saturating_sub(9));
            Line::from(vec![Span::styled(clock, paint.faint()), Span::raw(format!(" {text}"))])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
