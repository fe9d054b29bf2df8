//! What an event is about, in a few words.

use codex_spool::Event;
use codex_spool::view::View;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest gist, in characters; of what a tool was given, and of what it answered, half of it.
const LONGEST: usize = 120;

/// What the event is about, in one line; empty where there is nothing to say.
pub(crate) fn of(event: &Event) -> String {
    let gist = match event.view() {
        Ok(View::SessionStart(start)) => format!("{} in {}", start.source, start.cwd),
        Ok(View::SessionEnd(end)) => end.reason,
        Ok(View::UserPromptSubmit(submit)) => submit.prompt,
        Ok(View::PreToolUse(tool)) => format!("{} {}", tool.tool_name, input(&tool.tool_input)),
        Ok(View::PermissionRequest(asked)) => {
            let why = reason(&asked.tool_input).map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} {}{why}", asked.tool_name, half(&input(&asked.tool_input)))
        }
        Ok(View::PostToolUse(tool)) => {
            let outcome = half(&outcome(&tool.tool_response));
            format!("{} {} → {outcome}", tool.tool_name, half(&input(&tool.tool_input)))
        }
        Ok(View::PreCompact(compact)) => compact.trigger,
        Ok(View::PostCompact(compact)) => compact.trigger,
        Ok(View::SubagentStart(subagent)) => subagent.agent_type,
        Ok(View::SubagentStop(subagent)) => {
            format!("{}: {}", subagent.agent_type, subagent.last_assistant_message.unwrap_or_default())
        }
        Ok(View::Stop(stop)) => stop.last_assistant_message.unwrap_or_default(),
        Ok(View::PreModelRequest(request)) => request.model.unwrap_or_default(),
        Ok(View::PostModelRequest(answer)) => match (answer.error, answer.token_usage) {
            (Some(error), _) => format!("{}: {error}", answer.status),
            (None, Some(usage)) => format!("{}, {} tokens", answer.status, usage.total_tokens),
            (None, None) => answer.status,
        },
        _ => String::new(),
    };
    shorten(&gist, LONGEST)
}

/// The command of a shell tool, the files of a patch, or the whole input of another tool.
fn input(input: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Command {
        command: String,
    }
    let Ok(Command { command }) = serde_json::from_str(input.get()) else { return input.get().to_owned() };
    let files: Vec<&str> = match command.starts_with("*** Begin Patch") {
        true => command.lines().filter_map(patched).collect(),
        false => Vec::new(),
    };
    if files.is_empty() { command } else { files.join(", ") }
}

/// `Add File: a.txt`, of a line of a patch that begins with a file.
fn patched(line: &str) -> Option<&str> {
    line.strip_prefix("*** ").filter(|what| what.split_once(" File: ").is_some())
}

/// Why permission is asked for.
fn reason(input: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Described {
        description: String,
    }
    serde_json::from_str(input.get()).ok().map(|Described { description }| description)
}

/// The first line of what a tool answered, and how many follow. Codex gives no exit code.
fn outcome(response: &RawValue) -> String {
    let text = serde_json::from_str(response.get()).or_else(|_| mcp_text(response));
    let text = text.unwrap_or_else(|_| response.get().to_owned());
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.count()) {
        (None, _) => "nothing".to_owned(),
        (Some(first), 0) => first.to_owned(),
        (Some(first), more) => format!("{} (+{more})", half(first)),
    }
}

/// The text in the answer of an MCP tool.
fn mcp_text(response: &RawValue) -> serde_json::Result<String> {
    #[derive(Deserialize)]
    struct Answer {
        content: Vec<Content>,
        #[serde(default, rename = "isError")]
        is_error: bool,
    }
    #[derive(Deserialize)]
    struct Content {
        #[serde(default)]
        text: String,
    }
    let Answer { content, is_error } = serde_json::from_str(response.get())?;
    let text: Vec<String> = content.into_iter().map(|content| content.text).collect();
    Ok(format!("{}{}", if is_error { "error: " } else { "" }, text.join("\n")))
}

fn half(text: &str) -> String {
    shorten(text, LONGEST / 2)
}

/// One line of at most so many characters, with one space wherever there is white space.
fn shorten(text: &str, longest: usize) -> String {
    // What is far beyond need not be looked at.
    let near = text.char_indices().nth(longest * 4).map_or(text, |(end, _)| &text[..end]);
    let line = near.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if near.len() < text.len() => line + "…",
        None => line,
    }
}
