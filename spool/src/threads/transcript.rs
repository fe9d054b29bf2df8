//! The end of a transcript: what Codex wrote of a thread's last turns.
//!
//! A transcript is a file of JSON lines, to which Codex appends as the thread goes on. It may be large, it may be
//! written to at this moment, and its last line may be torn.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::turn::End;
use crate::sys;
use crate::time::Moment;

/// How much of a transcript is read, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// From the end, at most.
    pub(crate) tail: u64,
    /// Again of what was whole when it was read before: what has come since may be about it.
    pub(crate) overlap: u64,
    /// At a time; at least 1.
    pub(crate) block: u64,
}

const REACH: Reach = Reach { tail: 4 << 20, overlap: 64 << 10, block: 64 << 10 };

/// What a transcript says of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It has ended.
    Ended { end: End, at: Option<Moment>, answer: Option<String> },
    /// It was started, and nothing says that it has ended.
    Open,
    /// Nothing about it within what is read.
    Nothing,
}

/// What the end of a transcript says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) turn: Told,
    /// The tools of the turn that have given their output, the last one first, and when.
    pub(crate) used: Vec<(String, Option<Moment>)>,
    pub(crate) known: Known,
}

/// What there was when a transcript was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// Its length, in bytes.
    pub(crate) length: u64,
    /// How many of them are whole lines: the rest may have been torn.
    pub(crate) whole: u64,
}

/// Reads, from the end backwards, what the transcript says of a turn; of the last one where none is asked for. `known`
/// is what there was when it was read before.
pub(super) fn tail(path: &Path, turn: Option<&str>, known: Option<Known>) -> io::Result<Tail> {
    // Whoever wrote the path may have meant a FIFO.
    REACH.tail_of(&mut sys::open_without_waiting(path)?, turn, known)
}

impl Reach {
    /// The same of a transcript that is open.
    pub(crate) fn tail_of(
        self,
        file: &mut (impl Read + Seek),
        turn: Option<&str>,
        known: Option<Known>,
    ) -> io::Result<Tail> {
        let mut start = file.seek(SeekFrom::End(0))?;
        let known = known.filter(|known| known.length <= start).unwrap_or_default();
        let limit = start.saturating_sub(self.tail).max(known.whole.saturating_sub(self.overlap));
        let known = Known { length: start, whole: limit };
        let mut tail = Tail { turn: Told::Nothing, used: Vec::new(), known };
        // What has been read of the line whose beginning has not.
        let mut line_end: Vec<u8> = Vec::new();
        while start > limit {
            let length = self.block.min(start - limit);
            start -= length;
            file.seek(SeekFrom::Start(start))?;
            let mut block = Vec::new();
            file.by_ref().take(length).read_to_end(&mut block)?;
            if tail.known.whole == limit
                && let Some(last) = block.iter().rposition(|byte| *byte == b'\n')
            {
                tail.known.whole = start + last as u64 + 1;
            }
            block.append(&mut line_end);
            let whole_from = match block.iter().position(|byte| *byte == b'\n') {
                _ if start == 0 => 0,
                Some(line_break) => line_break + 1,
                None => block.len(),
            };
            for line in block[whole_from..].rsplit(|byte| *byte == b'\n') {
                match read(line, turn) {
                    Said::Nothing => {}
                    Said::Used(call, at) => tail.used.push((call, at)),
                    Said::OfTurn(told) => {
                        tail.turn = told;
                        return Ok(tail);
                    }
                }
            }
            block.truncate(whole_from);
            line_end = block;
        }
        Ok(tail)
    }
}

enum Said {
    Nothing,
    OfTurn(Told),
    Used(String, Option<Moment>),
}

/// What a line says of a turn.
fn read(line: &[u8], turn: Option<&str>) -> Said {
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
        call_id: Option<String>,
    }
    // Most lines are large and say nothing of the kind.
    let words = ["task_started", "task_complete", "turn_aborted", "_call_output"];
    if !words.iter().any(|word| memmem::find(line, word.as_bytes()).is_some()) {
        return Said::Nothing;
    }
    let Ok(Line { timestamp, r#type, payload }) = serde_json::from_slice(line) else { return Said::Nothing };
    let at = timestamp.and_then(|time| Moment::parse(&time));
    let kind = payload.r#type.unwrap_or_default();
    if let Some(call) =
        payload.call_id.filter(|_| r#type == "response_item" && kind.ends_with("_call_output"))
    {
        return Said::Used(call, at);
    }
    // Codex has not always named the turn.
    let is_asked_for = match (turn, &payload.turn_id) {
        (Some(asked), Some(told)) => asked.is_empty() || asked == told,
        _ => true,
    };
    if r#type != "event_msg" || !is_asked_for {
        return Said::Nothing;
    }
    match &*kind {
        "task_started" => Said::OfTurn(Told::Open),
        "task_complete" => {
            let failed = payload.error.is_some_and(|error| error.get() != "null");
            let end = if failed { End::Failed } else { End::Completed };
            Said::OfTurn(Told::Ended { end, at, answer: payload.last_agent_message })
        }
        "turn_aborted" => Said::OfTurn(Told::Ended { end: End::Interrupted, at, answer: None }),
        _ => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(transcript: &str, turn: Option<&str>) -> Told {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), transcript).expect("it can be written");
        tail(file.path(), turn, None).expect("it can be read").turn
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
        let block = usize::try_from(REACH.block).expect("it is small");
        for length in [block - 300, block - 1, block, block + 1, 3 * block] {
            let long = format!(r#"{{"type":"response_item","payload":"{}"}}"#, "x".repeat(length)) + "\n";
            let transcript = line("task_started", "a") + &line("task_complete", "a") + &long + &long;
            assert_eq!(told(&transcript, Some("a")), completed(), "{length}");
        }
    }

    #[test]
    fn no_more_than_the_tail_is_read() {
        let filler = format!(r#"{{"type":"response_item","payload":"{}"}}"#, "x".repeat(1000)) + "\n";
        let long = filler.repeat(usize::try_from(REACH.tail).expect("it is small") / 1000);
        assert_eq!(told(&(line("task_complete", "a") + &long), Some("a")), Told::Nothing);
    }

    #[test]
    fn what_was_read_before_is_not_read_again_but_for_its_end() {
        let filler = format!(r#"{{"type":"response_item","payload":"{}"}}"#, "x".repeat(200_000)) + "\n";
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), line("task_started", "a") + &filler).expect("it can be written");
        let read = |known| tail(file.path(), Some("a"), known).expect("it can be read");
        let first = read(None);
        assert_eq!((first.turn, read(Some(first.known)).turn), (Told::Open, Told::Nothing));
        fs::write(file.path(), line("task_complete", "a")).expect("it can be written");
        assert_eq!(read(Some(first.known)).turn, completed(), "it is another file");
    }

    #[test]
    fn the_tools_that_gave_their_output_are_told() {
        let output = |kind: &str, call: &str| {
            format!(
                r#"{{"timestamp":"2026-11-21T03:47:36.397Z","type":"response_item","payload":{{"type":"{kind}","call_id":"{call}","output":"x"}}}}"#
            ) + "\n"
        };
        let transcript = output("function_call_output", "before")
            + &line("task_started", "a")
            + &output("function_call", "one")
            + &output("function_call_output", "one")
            + &output("custom_tool_call_output", "two");
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), transcript).expect("it can be written");
        let used = tail(file.path(), Some("a"), None).expect("it can be read").used;
        assert_eq!(used.iter().map(|(call, _)| &**call).collect::<Vec<_>>(), ["two", "one"]);
    }

    #[test]
    fn what_a_tool_prints_is_no_end_of_a_turn() {
        let quoted = serde_json::to_string(&line("task_complete", "a")).expect("a string becomes JSON");
        let output = format!(r#"{{"type":"response_item","payload":{{"output":{quoted}}}}}"#) + "\n";
        assert_eq!(told(&(line("task_started", "a") + &output), Some("a")), Told::Open);
    }
}
