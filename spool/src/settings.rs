//! `spool.toml`.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item};

use crate::disk;
use crate::error::{Error, Result};
use crate::names::meant;
use crate::redact::Redact;

const REDACT: &str = "redact";
const KEYS: [&str; 5] = ["durability", "retention_days", "max_event_bytes", "consumer_expiry_days", REDACT];

/// What an event has to outlive before it counts as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The loss of power: what must last is synced. The default.
    #[default]
    Full,
    /// The crash of any process: nothing is synced.
    Process,
}

/// The settings of a spool: its `spool.toml`, with defaults for what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// `durability = "full"` or `"process"`.
    pub durability: Durability,
    /// `retention_days`: how many whole days the journal is kept, and what was rejected; at least 1. Default 7.
    pub retention_days: u32,
    /// `max_event_bytes`: past this many bytes of payload its longest strings are cut. Default 1 MiB.
    pub max_event_bytes: usize,
    /// `consumer_expiry_days`: after how long a consumer that nobody opens is removed by
    /// [`Spool::prune`](crate::Spool::prune); 0 is never. Default 90.
    pub consumer_expiry_days: u32,
    /// `[redact]`: what is masked before anything is written. Default: nothing.
    pub redact: Redact,
    /// What is wrong with the file, a line each. The default was taken instead.
    pub problems: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            retention_days: 7,
            max_event_bytes: 1_048_576,
            consumer_expiry_days: 90,
            redact: Redact::default(),
            problems: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings at `path`. What is not there or makes no sense takes its default: an event is worth more than
    /// a setting. `[redact]` alone is not forgiven, nor a file that may hold it and cannot be read: whoever asks for
    /// secrets to be masked must not find them written.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        match disk::read_small(path)? {
            Some(bytes) => Self::parse(&String::from_utf8_lossy(&bytes), path),
            None => Ok(Self::default()),
        }
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut settings = Self::default();
        let unclear =
            |line, reason: String| Err(Error::UnclearSettings { path: path.to_owned(), line, reason });
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                let said = error.message().lines().next().unwrap_or_default();
                let reason = match text.contains(['\0', char::REPLACEMENT_CHARACTER]) {
                    true => "not UTF-8".to_owned(),
                    false => format!("not TOML: {said}"),
                };
                // Nobody can say what the broken part was to mean. In UTF-16 there is a NUL in every other place.
                if text.contains('\0') || text.to_lowercase().contains(REDACT) {
                    return unclear(line, format!("it is {reason}"));
                }
                settings.problems.push(format!("line {line}: {reason}: all defaults hold"));
                return Ok(settings);
            }
        };
        for (key, value) in document.iter() {
            let problem = match key {
                "durability" => match value.as_str() {
                    Some("full") => keep(&mut settings.durability, Durability::Full),
                    Some("process") => keep(&mut settings.durability, Durability::Process),
                    _ => Err("must be \"full\" or \"process\": the default holds".to_owned()),
                },
                "retention_days" => match whole_number(value) {
                    Some(days) if days >= 1 => keep(&mut settings.retention_days, days),
                    _ => Err("must be a whole number of at least 1: the default holds".to_owned()),
                },
                "max_event_bytes" => match whole_number(value) {
                    Some(bytes) if bytes >= 1 => keep(&mut settings.max_event_bytes, bytes as usize),
                    _ => Err("must be a whole number of at least 1: the default holds".to_owned()),
                },
                "consumer_expiry_days" => match whole_number(value) {
                    Some(days) => keep(&mut settings.consumer_expiry_days, days),
                    None => Err("must be a whole number, 0 for never: the default holds".to_owned()),
                },
                REDACT => match Redact::read(value) {
                    Ok(redact) => keep(&mut settings.redact, redact),
                    Err(unclear) => {
                        let span = unclear.span.or_else(|| key_span(&document, key));
                        let line = span.map_or(1, |span| line_of(text, span.start));
                        return Err(Error::Redact { path: path.to_owned(), line, reason: unclear.reason });
                    }
                },
                _ => Err(match meant(key, KEYS) {
                    Some(meant) => format!("is not a setting: did you mean {meant}?"),
                    None => "is not a setting".to_owned(),
                }),
            };
            if let Err(problem) = problem {
                let line = key_span(&document, key).map_or(1, |span| line_of(text, span.start));
                let shown = shown(key);
                if key.to_lowercase().contains(REDACT) || meant(key, KEYS) == Some(REDACT) {
                    return unclear(line, format!("{shown} {problem}"));
                }
                settings.problems.push(format!("line {line}: {shown} {problem}"));
            }
        }
        Ok(settings)
    }
}

/// The line that holds the byte `offset`, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// A key in one line: between quotes it may hold anything.
pub(crate) fn shown(key: &str) -> String {
    if key.contains(char::is_control) { format!("{key:?}") } else { key.to_owned() }
}

fn key_span(document: &Document<&str>, key: &str) -> Option<Range<usize>> {
    document.get_key_value(key).and_then(|(key, _)| key.span())
}

fn keep<T>(setting: &mut T, value: T) -> Result<(), String> {
    *setting = value;
    Ok(())
}

fn whole_number(value: &Item) -> Option<u32> {
    u32::try_from(value.as_integer()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(text, Path::new("spool.toml"))
    }

    #[test]
    fn a_bad_or_unknown_key_takes_the_default_and_is_named() {
        let settings =
            parse("durability = \"proces\"\nretention_days = 0\n\nmax_event_bytes = 10\ncolour = 1\n");
        let settings = settings.expect("forgiving");
        assert_eq!((settings.durability, settings.retention_days), (Durability::Full, 7));
        assert_eq!(settings.max_event_bytes, 10);
        let [durability, retention, unknown] = &settings.problems[..] else {
            panic!("{:?}", settings.problems)
        };
        assert!(durability.starts_with("line 1: durability must be"), "{durability}");
        assert!(retention.starts_with("line 2: retention_days must be"), "{retention}");
        assert!(unknown.eq("line 5: colour is not a setting"), "{unknown}");
    }

    #[test]
    fn a_slip_of_the_pen_is_told_what_it_was_to_be() {
        for (written, meant) in [("retention_day", "retention_days"), ("Durabilty", "durability")] {
            let settings = parse(&format!("# mine\n{written} = 1\n")).expect("forgiving");
            let told = format!("line 2: {written} is not a setting: did you mean {meant}?");
            assert_eq!(settings.problems, [told]);
        }
    }

    #[test]
    fn what_is_said_stays_in_a_line_whatever_a_key_holds() {
        let settings = parse(r#""a\nb" = 1"#).expect("forgiving");
        assert_eq!(settings.problems, [r#"line 1: "a\nb" is not a setting"#]);
        for text in [r#""redact\r" = 1"#, r#"redact = { "a\nb" = [] }"#, r#"redact = { "\u0085" = [] }"#] {
            let error = parse(text).expect_err(text).to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_toml_means_the_defaults_and_says_the_line() {
        let settings = parse("retention_days = 3\n\noops oops\n").expect("forgiving");
        assert_eq!(settings.retention_days, 7);
        assert!(settings.problems[0].starts_with("line 3: not TOML"), "{:?}", settings.problems);
    }

    #[test]
    fn redaction_that_cannot_be_done_is_never_passed_over() {
        for (text, place, reason) in [
            ("redact = true\n", 1, "redact must be a table"),
            ("[[redact]]\n", 1, "redact must be a table"),
            (
                "[redact]\npresets = [\n  \"aws\",\n  \"azure\",\n]\n",
                4,
                "no preset \"azure\", only anthropic, aws,",
            ),
            ("\n[redact]\npreset = []\n", 3, "preset is not a key of [redact], did you mean presets?"),
            ("[redact]\npatterns = \"a\"\n", 2, "patterns must be an array of strings"),
            ("redact = { pointers = [1] }\n", 1, "pointers must be an array of strings"),
            ("[redact]\npatterns = [\"(a\"]\n", 2, "pattern \"(a\", "),
            ("[redact]\npatterns = [\"a*\"]\n", 2, "it matches where there is nothing"),
            ("[redact]\npatterns = ['\\b']\n", 2, "it matches where there is nothing"),
            ("[redact]\npointers = [\"prompt\"]\n", 2, "begins with /"),
            ("[redact]\npointers = [\"\"]\n", 2, "begins with /"),
            ("[redact]\npointers = [\"/a~b\"]\n", 2, "is written ~0"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(matches!(error, Error::Redact { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(reason) && error.contains(&format!("spool.toml:{place}: ")), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_is_asked_for_is_told() {
        assert!(parse("[redact]\npresets = []\n").expect("good").redact.is_empty());
        let text =
            "[redact]\npresets = [\"aws\", \"jwt\"]\npatterns = ['X-\\d+']\npointers = [\"/prompt\"]\n";
        let redact = parse(text).expect("good").redact;
        assert!(redact.presets().eq(["aws", "jwt"]));
        assert!(redact.patterns().eq(["X-\\d+"]));
        assert!(redact.pointers().eq(["/prompt"]) && !redact.is_empty());
    }

    #[test]
    fn what_may_ask_for_redaction_and_is_not_understood_is_refused_with_its_line() {
        for (text, place, reason) in [
            ("\n[redact\npatterns = [", 2, "it is not TOML: "),
            ("\n[redcat]\npresets = []\n", 2, "redcat is not a setting: did you mean redact?"),
            ("redaction = true\n", 1, "redaction is not a setting"),
            ("[\0r\0e\0d\0a\0c\0t\0]\0", 1, "it is not UTF-8"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(reason) && error.contains(&format!("spool.toml:{place}: ")), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
