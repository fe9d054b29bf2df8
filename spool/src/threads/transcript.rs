//! The end of a transcript: what Codex wrote of a thread's last turns.
//!
//! A transcript is a file of JSON lines, to which Codex appends as the thread goes on. It may be large, it may be
//! written to at this moment, and its last line may be torn.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::turn::End;
use crate::time::Moment;

/// How much is read from the end, at most.
const LONGEST_TAIL: u64 = 4 << 20;

/// How much is read at a time.
const BLOCK: u64 = 64 << 10;

/// What a transcript says of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It has ended.
    Ended { end: End, at: Option<Moment>, answer: Option<String> },
    /// It was started, and nothing says that it has ended.
    Open,
    /// Nothing about it within what is read.
    Nothing,
}

/// Reads, from the end backwards, what the transcript says of a turn; of the last one where none is asked for.
pub(super) fn tail(path: &Path, turn: Option<&str>) -> io::Result<Told> {
    let mut file = File::open(path)?;
    let mut start = file.seek(SeekFrom::End(0))?;
    let limit = start.saturating_sub(LONGEST_TAIL);
    // What has been read of the line whose beginning has not.
    let mut line_end: Vec<u8> = Vec::new();
    while start > limit {
        let length = BLOCK.min(start - limit);
        start -= length;
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        (&mut file).take(length).read_to_end(&mut block)?;
        block.append(&mut line_end);
        let whole_from = match block.iter().position(|byte| *byte == b'\n') {
            _ if start == 0 => 0,
            Some(line_break) => line_break + 1,
            None => block.len(),
        };
        for line in block[whole_from..].rsplit(|byte| *byte == b'\n') {
            match read(line, turn) {
                Told::Nothing => {}
                told => return Ok(told),
            }
        }
        block.truncate(whole_from);
        line_end = block;
    }
    Ok(Told::Nothing)
}

/// What a line says of a turn.
fn read(line: &[u8], turn: Option<&str>) -> Told {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        timestamp: Option<Cow<'a, str>>,
        #[serde(borrow)]
        r#type: Cow<'a, str>,
        payload: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        r#type: Option<String>,
        turn_id: Option<String>,
        last_agent_message: Option<String>,
        error: Option<Box<RawValue>>,
    }
    // Most lines are large and say nothing of the kind.
    let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
    if !has(b"task_started") && !has(b"task_complete") && !has(b"turn_aborted") {
        return Told::Nothing;
    }
    let Ok(Line { timestamp, r#type, payload }) = serde_json::from_slice(line) else { return Told::Nothing };
    // Codex has not always named the turn.
    let is_asked_for = match (turn, &payload.turn_id) {
        (Some(asked), Some(told)) => asked.is_empty() || asked == told,
        _ => true,
    };
    if r#type != "event_msg" || !is_asked_for {
        return Told::Nothing;
    }
    let at = timestamp.and_then(|time| Moment::parse(&time));
    match payload.r#type.as_deref() {
        Some("task_started") => Told::Open,
        Some("task_complete") => {
            let failed = payload.error.is_some_and(|error| error.get() != "null");
            let end = if failed { End::Failed } else { End::Completed };
            Told::Ended { end, at, answer: payload.last_agent_message }
        }
        Some("turn_aborted") => Told::Ended { end: End::Interrupted, at, answer: None },
        _ => Told::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(transcript: &str, turn: Option<&str>) -> Told {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), transcript).expect("it can be written");
        tail(file.path(), turn).expect("it can be read")
    }

    fn line(kind: &str, turn: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-11-21T03:47:36.397Z","type":"event_msg","payload":{{"type":"{kind}","turn_id":"{turn}","last_agent_message":"Done."}}}}"#
        ) + "\n"
    }

    fn completed() -> Told {
        let at = Moment::parse("2026-11-21T03:47:36.397Z");
        Told::Ended { end: End::Completed, at, answer: Some("Done.".to_owned()) }
    }

    #[test]
    fn the_end_of_the_turn_that_is_asked_for_counts() {
        let both = line("task_started", "a") + &line("task_complete", "a") + &line("task_started", "b");
        assert_eq!(told(&both, Some("a")), completed());
        assert_eq!(told(&both, Some("b")), Told::Open);
        assert_eq!(told(&both, Some("c")), Told::Nothing);
        assert_eq!(told(&both, None), Told::Open);
    }

    #[test]
    fn a_torn_last_line_is_passed_over() {
        let end = line("task_complete", "a");
        for cut in 1..end.len() - 1 {
            let torn = line("task_started", "a") + &end[..cut];
            assert_eq!(told(&torn, Some("a")), Told::Open, "{cut}");
        }
        assert_eq!(told(&(line("task_started", "a") + end.trim_end()), Some("a")), completed());
    }

    #[test]
    fn lines_longer_than_a_block_are_read_across_blocks() {
        let block = usize::try_from(BLOCK).expect("it is small");
        for length in [block - 300, block - 1, block, block + 1, 3 * block] {
            let long = format!(r#"{{"type":"response_item","payload":"{}"}}"#, "x".repeat(length)) + "\n";
            let transcript = line("task_started", "a") + &line("task_complete", "a") + &long + &long;
            assert_eq!(told(&transcript, Some("a")), completed(), "{length}");
        }
    }

    #[test]
    fn no_more_than_the_tail_is_read() {
        let filler = format!(r#"{{"type":"response_item","payload":"{}"}}"#, "x".repeat(1000)) + "\n";
        let long = filler.repeat(usize::try_from(LONGEST_TAIL).expect("it is small") / 1000);
        assert_eq!(told(&(line("task_complete", "a") + &long), Some("a")), Told::Nothing);
    }

    #[test]
    fn what_a_tool_prints_is_no_end_of_a_turn() {
        let quoted = serde_json::to_string(&line("task_complete", "a")).expect("a string becomes JSON");
        let output = format!(r#"{{"type":"response_item","payload":{{"output":{quoted}}}}}"#) + "\n";
        assert_eq!(told(&(line("task_started", "a") + &output), Some("a")), Told::Open);
    }
}
