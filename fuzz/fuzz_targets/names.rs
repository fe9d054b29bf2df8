//! Names of files and of consumers, and the command that Codex runs: what is read is written again as it was, and nothing
//! outside of the grammar is read.
#![no_main]

use codex_hook::install::HookCommand;
use codex_spool::{ConsumerName, EventId, ThreadId, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = String::from_utf8_lossy(bytes);
    let name = &*name;
    assert_eq!(fuzzing::parse_queued(name).is_some(), is_queued(name));
    if let Some((captured, id, attempt)) = fuzzing::parse_queued(name) {
        assert_eq!(fuzzing::queued(captured, id, attempt), name);
    }
    assert_eq!(name.parse::<EventId>().is_ok(), is_id(name));
    if let Ok(id) = name.parse::<EventId>() {
        assert_eq!(id.to_string(), name);
    }
    let of_a_day = name == ".durable" || name.strip_suffix(".json").is_some_and(is_id);
    assert_eq!(fuzzing::is_of_a_day(name), of_a_day);
    assert_eq!(ConsumerName::new(name).is_ok(), is_consumer(name));
    let ephemeral = name.strip_prefix('~').is_some_and(|digits| digits.len() == 16 && is_hex(digits));
    assert_eq!(fuzzing::consumer(name).is_some(), is_consumer(name) || ephemeral);
    if let Some(consumer) = fuzzing::consumer(name) {
        assert_eq!(consumer.as_str(), name);
        assert_eq!(consumer.is_ephemeral(), ephemeral);
    }
    let is_thread = (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
    assert_eq!(ThreadId::new(name).is_ok(), is_thread);
    if let Some(day) = fuzzing::day(name) {
        assert_eq!(day, name);
        assert!(name.len() == 10 && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()));
        // What is a day is not read as anything else.
        assert!(!is_queued(name) && !of_a_day);
    }
    if let Some(moment) = fuzzing::parse_moment(name) {
        assert_eq!(fuzzing::parse_moment(&fuzzing::moment(moment)), Some(moment));
    }
    command(name);
    if let Some((one, rest)) = made(bytes)
        && let Some((other, _)) = made(rest)
    {
        let (captured, id, attempt) = one;
        let file = fuzzing::queued(captured, id, attempt);
        assert_eq!(fuzzing::parse_queued(&file), Some((captured, id, attempt.max(1))));
        let day = &fuzzing::moment(captured)[..10];
        assert_eq!(fuzzing::day(day).as_deref(), Some(day));
        assert_eq!(fuzzing::parse_moment(&fuzzing::moment(captured)), Some(captured));
        // Whoever sorts the names has the order of delivery.
        let first = |(captured, id, _)| fuzzing::queued(captured, id, 1);
        assert_eq!(first(one).cmp(&first(other)), (one.0, one.1).cmp(&(other.0, other.1)));
    }
});

/// Wherever the program and the spool are, the command is known for ours, and names both.
fn command(name: &str) {
    let program = format!("{name}/hook");
    for command in [
        HookCommand { program: program.clone(), spool_dir: None },
        HookCommand { program, spool_dir: Some(name.into()) },
    ] {
        let line = command.line();
        assert_eq!(line.is_none(), name.contains('\0'));
        if let Some(line) = line {
            assert_eq!(HookCommand::recognise(&line).as_ref(), Some(&command), "{line}");
        }
    }
    if let Some(command) = HookCommand::recognise(name)
        && let Some(line) = command.line()
    {
        assert_eq!(HookCommand::recognise(&line), Some(command));
    }
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

fn is_id(name: &str) -> bool {
    name.len() == 32 && is_hex(name)
}

fn is_consumer(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name.starts_with(good)
        && name.chars().all(|c| good(c) || c == '-' || c == '_')
}

/// `<captured>-<id>[.<attempt>].json`.
fn is_queued(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let Some(stem) = name.strip_suffix(".json") else { return false };
    let (stem, attempt) = match stem.split_once('.') {
        None => (stem, None),
        Some((stem, attempt)) => (stem, Some(attempt)),
    };
    let Some((captured, id)) = stem.split_once('-') else { return false };
    let counts = attempt.is_none_or(|number| {
        digits(number) && !number.starts_with('0') && number.parse::<u32>().is_ok_and(|number| number >= 2)
    });
    captured.len() == 20 && digits(captured) && captured.parse::<u64>().is_ok() && is_id(id) && counts
}

/// A name made of the first bytes.
fn made(bytes: &[u8]) -> Option<((u64, EventId, u32), &[u8])> {
    let (captured, rest) = bytes.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (attempt, rest) = rest.split_first_chunk()?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let id = id.parse().expect("32 digits are an id");
    Some(((u64::from_be_bytes(*captured), id, u32::from_be_bytes(*attempt)), rest))
}
