//! The end of a turn in a transcript.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// How a turn has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// It was completed.
    Completed {
        /// The last that the model said, whole.
        answer: Option<String>,
    },
    /// The model could not be had.
    Failed {
        /// What Codex says of it.
        error: String,
    },
    /// It was interrupted, or another was started after its Codex had been killed.
    Interrupted,
}

impl End {
    /// In a word, as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// What came of it, for whoever waits for that: the answer, or why there is none.
    pub fn text(&self) -> &str {
        match self {
            Self::Completed { answer } => answer.as_deref().unwrap_or_default(),
            Self::Failed { error } => error,
            Self::Interrupted => "Its turn was interrupted, or its Codex ended.",
        }
    }
}

/// How a turn has ended, by the transcript. `None`: it has not, or its Codex was killed, or it is not there.
///
/// The `Stop` hook runs before the end is there, and may yet keep the turn from ending: this is the last word. The whole
/// transcript is read.
///
/// # Errors
/// [`Error::File`] where the transcript cannot be read. In one that does not exist no turn has ended.
pub fn find_end(transcript: &Path, turn: &str) -> Result<Option<End>> {
    let file = match File::open(transcript) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::file("read", transcript))?,
    };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    let mut is_open = false;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(Error::file("read", transcript))? == 0 {
            return Ok(None);
        }
        // Most lines are large and say nothing of the kind. One that is torn is not there yet.
        let text = String::from_utf8_lossy(&line);
        if !["task_started", "task_complete", "turn_aborted"].iter().any(|word| text.contains(word)) {
            continue;
        }
        let Ok(Value::Object(line)) = serde_json::from_str(&text) else { continue };
        let payload =
            line.get("payload").filter(|_| line.get("type").is_some_and(|kind| kind == "event_msg"));
        let Some(payload) = payload else { continue };
        let is_it = payload["turn_id"] == turn;
        match payload["type"].as_str() {
            Some("task_started") if is_it => is_open = true,
            // A thread has one turn at a time.
            Some("task_started") if is_open => return Ok(Some(End::Interrupted)),
            Some("turn_aborted") if is_it => return Ok(Some(End::Interrupted)),
            Some("task_complete") if is_it => {
                let answer = payload["last_agent_message"].as_str().map(str::to_owned);
                return Ok(Some(match &payload["error"] {
                    Value::Null => End::Completed { answer },
                    error => End::Failed {
                        error: error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned),
                    },
                }));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn end(lines: &[Value]) -> Option<End> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let text: String = lines
            .iter()
            .map(|payload| format!("{}\n", json!({"type": "event_msg", "payload": payload})))
            .collect();
        std::fs::write(file.path(), text).expect("it can be written");
        find_end(file.path(), "t").expect("it can be read")
    }

    #[test]
    fn the_end_of_the_turn_that_is_asked_for_is_told() {
        let started = |turn: &str| json!({"type": "task_started", "turn_id": turn});
        let complete =
            |turn: &str| json!({"type": "task_complete", "turn_id": turn, "last_agent_message": "Done."});
        let completed = Some(End::Completed { answer: Some("Done.".to_owned()) });
        assert_eq!(end(&[started("s"), complete("s"), started("t"), complete("t"), started("u")]), completed);
        assert_eq!(end(&[started("s"), complete("s"), started("t")]), None);
        assert_eq!(
            end(&[started("t"), json!({"type": "turn_aborted", "turn_id": "t"})]),
            Some(End::Interrupted)
        );
        assert_eq!(
            end(&[started("t"), started("u"), complete("u")]),
            Some(End::Interrupted),
            "it was killed"
        );
        let failed = json!({"type": "task_complete", "turn_id": "t", "last_agent_message": null, "error": {"message": "No."}});
        assert_eq!(end(&[started("t"), failed]), Some(End::Failed { error: "No.".to_owned() }));
    }

    #[test]
    fn what_somebody_quotes_is_no_end() {
        let quote =
            json!({"type": "agent_message", "message": "{\"type\":\"task_complete\",\"turn_id\":\"t\"}"});
        assert_eq!(end(&[json!({"type": "task_started", "turn_id": "t"}), quote]), None);
    }
}
