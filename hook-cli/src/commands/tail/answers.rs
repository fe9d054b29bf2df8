//! The lines by which whoever reads the events settles them.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::time::Duration;

use codex_spool::EventId;
use serde::Deserialize;

use super::in_flight::InFlight;
use crate::complaints::Complaints;

/// The longest line, in bytes.
const LONGEST: u64 = 1 << 20;

/// What is to become of a delivery.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    id: EventId,
    fate: Fate,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Ack,
    /// `None`: as long as the consumer thinks right.
    Retry(Option<Duration>),
    Reject(String),
}

impl Answer {
    fn read(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            ack: Option<String>,
            retry: Option<String>,
            after_ms: Option<u64>,
            reject: Option<String>,
            reason: Option<String>,
        }
        // An array in their order would do as well.
        let fields = serde_json::from_str(line).ok().filter(|_| line.trim_start().starts_with('{'))?;
        let (id, fate) = match fields {
            Fields { ack: Some(id), retry: None, after_ms: None, reject: None, reason: None } => {
                (id, Fate::Ack)
            }
            Fields { ack: None, retry: Some(id), after_ms, reject: None, reason: None } => {
                (id, Fate::Retry(after_ms.map(Duration::from_millis)))
            }
            Fields { ack: None, retry: None, after_ms: None, reject: Some(id), reason: Some(reason) } => {
                (id, Fate::Reject(reason))
            }
            _ => return None,
        };
        Some(Self { id: id.parse().ok()?, fate })
    }
}

/// Reads answers to the end, and does what they say.
pub(super) fn take(input: &mut dyn BufRead, in_flight: &InFlight, complaints: &Complaints) {
    read(input, complaints, |id, fate| {
        in_flight.settle(id, |delivery| match fate {
            Fate::Ack => delivery.ack(),
            Fate::Retry(Some(after)) => delivery.retry(after),
            // Dropped without a word it is retried with back-off.
            Fate::Retry(None) => {
                drop(delivery);
                Ok(())
            }
            Fate::Reject(reason) => delivery.reject(&reason),
        })
    });
}

/// Reads answers to the end, and has each settled; `None`: nothing of that id is in flight.
pub(crate) fn read<E: fmt::Display>(
    input: &mut dyn BufRead,
    complaints: &Complaints,
    mut settle: impl FnMut(EventId, Fate) -> Option<Result<(), E>>,
) {
    loop {
        let line = match next_line(input) {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(error) => {
                let remedy = "what is in flight is delivered again by the next run";
                return complaints
                    .complain(&format_args!("cannot read from standard input: {error}: {remedy}"));
            }
        };
        let shown = || line.trim().chars().take(120).collect::<String>();
        let Some(Answer { id, fate }) = Answer::read(&line) else {
            complaints.complain(&format_args!(
                "not an answer: {:?}: give a line like {{\"ack\":\"<id>\"}}, {{\"retry\":\"<id>\",\"after_ms\":1000}} or \
                 {{\"reject\":\"<id>\",\"reason\":\"…\"}}",
                shown()
            ));
            continue;
        };
        match settle(id, fate) {
            Some(Ok(())) => {}
            Some(Err(error)) => complaints.complain(&error),
            None => complaints.complain(&format_args!(
                "no such event in flight: {id}: it was settled before, waits for its retry, or is not of this run"
            )),
        }
    }
}

/// The next line that is not blank, with what is no UTF-8 replaced; of one that is too long the beginning.
fn next_line(input: &mut dyn BufRead) -> io::Result<Option<String>> {
    loop {
        let mut line = Vec::new();
        if input.take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            // Its rest, or the end of all.
            input.skip_until(b'\n')?;
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn an_answer_settles_one_event() {
        let read = |line: &str| Answer::read(&line.replace("ID", ID)).map(|answer| answer.fate);
        assert_eq!(read(r#"{"ack":"ID"}"#), Some(Fate::Ack));
        assert_eq!(read(r#" { "ack" : "ID" } "#), Some(Fate::Ack));
        assert_eq!(read(r#"{"retry":"ID","after_ms":0}"#), Some(Fate::Retry(Some(Duration::ZERO))));
        assert_eq!(
            read(r#"{"after_ms":1500,"retry":"ID"}"#),
            Some(Fate::Retry(Some(Duration::from_millis(1500))))
        );
        assert_eq!(read(r#"{"retry":"ID"}"#), Some(Fate::Retry(None)));
        assert_eq!(read(r#"{"reject":"ID","reason":"é\n"}"#), Some(Fate::Reject("é\n".to_owned())));
    }

    #[test]
    fn what_is_no_answer_does_nothing() {
        for line in [
            "",
            "ack",
            "null",
            "[]",
            "{}",
            r#""ID""#,
            r#"["ID",null,null,null,null]"#,
            r#"{"ack":"id"}"#,
            r#"{"ack":1}"#,
            r#"{"ack":null}"#,
            r#"{"ACK":"ID"}"#,
            r#"{"ack":"ID"} {"ack":"ID"}"#,
            r#"{"ack":"ID","ack":"ID"}"#,
            r#"{"ack":"ID","retry":"ID"}"#,
            r#"{"ack":"ID","reason":"x"}"#,
            r#"{"ack":"ID","note":"x"}"#,
            r#"{"retry":"ID","after_ms":-1}"#,
            r#"{"retry":"ID","after_ms":1.5}"#,
            r#"{"retry":"ID","after_ms":"1"}"#,
            r#"{"after_ms":1}"#,
            r#"{"reject":"ID"}"#,
            r#"{"reject":"ID","reason":1}"#,
            r#"{"reason":"x"}"#,
        ] {
            assert_eq!(Answer::read(&line.replace("ID", ID)), None, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        let long = "x".repeat(3 << 20);
        let text = format!("\n  \n{long}\nnext\n\u{e9}");
        let mut input = text.as_bytes();
        let mut line =
            || next_line(&mut input).expect("memory can be read").map(|line| line.trim().to_owned());
        assert_eq!(line().map(|line| line.len() as u64), Some(LONGEST));
        assert_eq!(line().as_deref(), Some("next"));
        assert_eq!(line().as_deref(), Some("é"));
        assert_eq!(line(), None);
    }
}
