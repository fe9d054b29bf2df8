//! A prompt in a transcript.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

/// The turn that the prompt with this key became or was steered into, by the transcript. `None`: it is not there.
///
/// What is there outlives the crash of Codex. The whole transcript is read.
///
/// # Errors
/// [`Error::File`] where the transcript cannot be read. One that does not exist has no prompts.
pub fn find_prompt(transcript: &Path, key: &str) -> Result<Option<String>> {
    match search(transcript, 0, key, None)? {
        Seen::Prompt { turn_id } => Ok(Some(turn_id)),
        Seen::EndOfTurn | Seen::Nothing => Ok(None),
    }
}

/// What a transcript tells of a prompt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Prompt {
        turn_id: String,
    },
    /// The turn that it should have become has ended without it.
    EndOfTurn,
    Nothing,
}

/// Looks into a transcript from a position on, which a line begins at.
pub(crate) fn search(transcript: &Path, from: u64, key: &str, turn: Option<&str>) -> Result<Seen> {
    let mut file = match File::open(transcript) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seen::Nothing),
        file => file.map_err(Error::file("read", transcript))?,
    };
    file.seek(SeekFrom::Start(from)).map_err(Error::file("read", transcript))?;
    let quoted = Value::from(key).to_string();
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(Error::file("read", transcript))? == 0 {
            return Ok(Seen::Nothing);
        }
        // Most lines are large and say nothing of either.
        let text = String::from_utf8_lossy(&line);
        if !text.contains(&quoted) && !turn.is_some_and(|turn| text.contains(turn)) {
            continue;
        }
        // One that is torn is not there yet.
        let Ok(line) = serde_json::from_slice::<Value>(&line) else { continue };
        let (payload, item) = (&line["payload"], &line["payload"]["item"]);
        let Some(told) = payload["turn_id"].as_str().filter(|_| line["type"] == "event_msg") else {
            continue;
        };
        if item["type"] == "UserMessage" && item["client_id"] == key {
            return Ok(Seen::Prompt { turn_id: told.to_owned() });
        }
        let is_end = payload["type"] == "task_complete" || payload["type"] == "turn_aborted";
        if is_end && turn == Some(told) {
            return Ok(Seen::EndOfTurn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(turn: &str, key: &str) -> String {
        format!(
            r#"{{"type":"event_msg","payload":{{"type":"item_completed","turn_id":"{turn}","item":{{"type":"UserMessage","client_id":"{key}"}}}}}}"#
        )
    }

    fn found(transcript: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), transcript).expect("it can be written");
        find_prompt(file.path(), "key").expect("it can be read")
    }

    #[test]
    fn the_turn_with_the_key_is_found_whatever_others_say_about_it() {
        let quote = format!(r#"{{"type":"response_item","payload":{}}}"#, Value::from(line("other", "key")));
        let transcript = [line("first", "other"), quote, line("second", "key")].join("\n");
        assert_eq!(found(&transcript).as_deref(), Some("second"));
        assert_eq!(found(&transcript[..transcript.len() - 1]), None, "torn");
        assert_eq!(found(""), None);
    }
}
