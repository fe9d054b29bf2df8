//! An event in one line, for people.

use codex_spool::Event;
use codex_spool::view::View;
use serde_json::value::RawValue;

/// The longest gist, in characters.
const LONGEST: usize = 100;

/// Time, thread, event and what it is about. Nothing in it can steer a terminal.
pub(crate) fn line(event: &Event) -> String {
    let time = humantime::format_rfc3339_millis(event.captured_at()).to_string();
    let thread = event.thread_id().map_or("-", |thread| thread.as_str());
    let line = format!("{time}  {thread}  {:<17} {}", event.kind(), of(event));
    harmless(line.trim_end())
}

pub(crate) fn of(event: &Event) -> String {
    let gist = match event.view() {
        Ok(View::SessionStart(start)) => format!("{} in {}", start.source, start.cwd),
        Ok(View::UserPromptSubmit(submit)) => submit.prompt,
        Ok(View::PreToolUse(tool)) => format!("{} {}", tool.tool_name, command(&tool.tool_input)),
        Ok(View::PermissionRequest(asked)) => format!("{} {}", asked.tool_name, command(&asked.tool_input)),
        Ok(View::PostToolUse(tool)) => format!("{} {}", tool.tool_name, command(&tool.tool_input)),
        Ok(View::PreCompact(compact)) => compact.trigger,
        Ok(View::PostCompact(compact)) => compact.trigger,
        Ok(View::SubagentStart(subagent)) => subagent.agent_type,
        Ok(View::SubagentStop(subagent)) => subagent.last_assistant_message.unwrap_or_default(),
        Ok(View::Stop(stop)) => stop.last_assistant_message.unwrap_or_default(),
        Ok(View::PostModelRequest(answer)) => answer.error.unwrap_or(answer.status),
        _ => String::new(),
    };
    shorten(gist)
}

/// The command of a shell tool, or the whole input of another.
fn command(input: &RawValue) -> String {
    #[derive(serde::Deserialize)]
    struct Shell {
        command: String,
    }
    match serde_json::from_str(input.get()) {
        Ok(Shell { command }) => command,
        Err(_) => input.get().to_owned(),
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// With every control character, and those that turn the direction of writing, as a space.
pub(crate) fn harmless(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(harmless("a\u{1b}[31mb\r\nc\u{9b}2Jd\u{202e}e"), "a [31mb  c 2Jd e");
    }
}
