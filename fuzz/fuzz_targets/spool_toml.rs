//! Whatever stands in `spool.toml`: what is bad takes its default and is said, but nothing that may ask for masking is passed
//! over.
#![no_main]

use codex_hook_fuzz::assert_one_line;
use codex_spool::{Durability, Settings, fuzzing};
use libfuzzer_sys::fuzz_target;
use toml_edit::{Document, Item};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let document = Document::parse(&*text);
    match (fuzzing::settings(bytes), &document) {
        (Ok(settings), Ok(document)) => {
            assert_eq!(settings.problems.len(), follow(document, &settings));
            assert_places(&settings, &text);
        }
        (Ok(settings), Err(_)) => {
            assert_eq!(settings.problems.len(), 1);
            assert_places(&settings, &text);
            let mut settings = settings;
            settings.problems.clear();
            assert_eq!(settings, Settings::default());
            assert!(!may_ask(&text), "it may ask for masking");
        }
        (Err(error), document) => {
            assert_one_line(&error.to_string());
            // Nothing else keeps events from being recorded.
            let is_near = |key: &str| {
                may_ask(key) || key.to_lowercase().bytes().filter(|b| b"redact".contains(b)).count() > 2
            };
            match document {
                Ok(document) => assert!(document.iter().any(|(key, _)| is_near(key)), "{error}"),
                Err(_) => assert!(may_ask(&text) || text.contains('\0'), "{error}"),
            }
        }
    }
});

fn may_ask(text: &str) -> bool {
    text.to_lowercase().contains("redact")
}

/// Each problem is a line that begins with the one it is in.
fn assert_places(settings: &Settings, text: &str) {
    for problem in &settings.problems {
        assert_one_line(problem);
        let line = problem.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
        let line: usize = line.and_then(|(line, _)| line.parse().ok()).expect("it names its line");
        assert!((1..=text.split('\n').count()).contains(&line), "{problem}");
    }
}

/// Holds the settings against what stands in the file, and counts what is wrong there.
fn follow(document: &Document<&str>, settings: &Settings) -> usize {
    let mut wrong = 0;
    let defaults = Settings::default();
    let number = |item: &Item| item.as_integer().and_then(|number| u32::try_from(number).ok());
    let at_least_one = |item: &Item| number(item).filter(|number| *number >= 1);
    let mut take = |name: &str, is: u64, default: u64, read: &dyn Fn(&Item) -> Option<u32>| match document
        .get(name)
        .map(read)
    {
        None => assert_eq!(is, default, "{name}"),
        Some(None) => {
            wrong += 1;
            assert_eq!(is, default, "{name}");
        }
        Some(Some(value)) => assert_eq!(is, u64::from(value), "{name}"),
    };
    take("retention_days", settings.retention_days.into(), defaults.retention_days.into(), &at_least_one);
    let bytes = |settings: &Settings| settings.max_event_bytes as u64;
    take("max_event_bytes", bytes(settings), bytes(&defaults), &at_least_one);
    let expiry = |settings: &Settings| settings.consumer_expiry_days.into();
    take("consumer_expiry_days", expiry(settings), expiry(&defaults), &number);
    match document.get("durability").map(|durability| durability.as_str().unwrap_or_default()) {
        Some("process") => assert_eq!(settings.durability, Durability::Process),
        word => {
            assert_eq!(settings.durability, Durability::Full);
            wrong += usize::from(word.is_some_and(|word| word != "full"));
        }
    }
    let known = ["durability", "retention_days", "max_event_bytes", "consumer_expiry_days", "redact"];
    for (key, _) in document.iter().filter(|(key, _)| !known.contains(key)) {
        assert!(!may_ask(key), "{key:?} may ask for masking");
        wrong += 1;
    }
    let asked = |name: &str| -> Vec<String> {
        let list = document.get("redact").and_then(Item::as_table_like).and_then(|table| table.get(name));
        let list = list.map(|list| list.as_array().expect("a list, or it is refused"));
        let words =
            list.into_iter().flatten().map(|word| word.as_str().expect("text, or it is refused").to_owned());
        words.collect()
    };
    assert!(settings.redact.presets().eq(asked("presets")));
    assert!(settings.redact.patterns().eq(asked("patterns")));
    assert!(settings.redact.pointers().eq(asked("pointers")));
    if let Some(redact) = document.get("redact") {
        let table = redact.as_table_like().expect("a table, or it is refused");
        assert!(table.iter().all(|(key, _)| ["presets", "patterns", "pointers"].contains(&key)));
    }
    wrong
}
