//! The kinds of secrets that are known by their form.
//!
//! A regular expression is tried at every character. So each begins with a word that is looked for first, and is tried only
//! where that stands.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::OnceLock;

use regex_lite::{Captures, Regex};

use super::presets::PRESETS;

/// Has no form of its own, and is long enough for any that is known by the word before it.
const EXAMPLE: &str = "0123456789012345678901234567890123456789";

/// What was taken for a secret may end with the name of one: so many bytes of it are looked at again. All of it would be
/// too much, in a text that is one name after the other.
const LONGEST_NAME: usize = 32;

/// A kind of secrets, by its name in `presets`.
#[derive(Debug, Clone)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// Each with its regular expression, once it has been needed.
    forms: Vec<(&'static Form, OnceLock<Regex>)>,
}

/// What one kind of secret looks like.
#[derive(Debug)]
pub(super) struct Form {
    /// One of these is where a match begins, in lower case if the case does not matter.
    words: &'static [&'static str],
    begins: Begins,
    any_case: bool,
    /// A match, from the word on. The one of its groups that took part is masked, or all of it where it has none.
    pattern: &'static str,
}

/// Where the word counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// Wherever it is.
    Anywhere,
    /// Not after a letter or a digit, unless they are an escape.
    Word,
    /// Once in a run of the characters of a token. What does not match from there does not from later in the run, and
    /// would be tried at every of a million words.
    Run,
}

impl Form {
    pub(super) const fn new(
        begins: Begins,
        any_case: bool,
        words: &'static [&'static str],
        pattern: &'static str,
    ) -> Self {
        Self { words, begins, any_case, pattern }
    }

    fn compile(&self) -> Regex {
        let case = if self.any_case { "(?i)" } else { "" };
        Regex::new(&format!("^{case}(?:{})", self.pattern)).expect("each is tried by a test")
    }

    fn find(&self, regex: &OnceLock<Regex>, text: &str, lower: &Lower<'_>, found: &mut Vec<Range<usize>>) {
        let searched = if self.any_case { lower.get() } else { text };
        for word in self.words {
            let (mut after, mut run_end) = (0, 0);
            for (start, _) in searched.match_indices(word) {
                let counts = start >= after
                    && match self.begins {
                        Begins::Anywhere => true,
                        Begins::Word => begins_word(&text.as_bytes()[..start]),
                        Begins::Run => start >= run_end,
                    };
                if !counts {
                    continue;
                }
                let regex = regex.get_or_init(|| self.compile());
                match regex.captures(&text[start..]).and_then(|captures| secret(&captures)) {
                    Some(secret) if !secret.is_empty() => {
                        let end = start + secret.end;
                        after = end.saturating_sub(LONGEST_NAME).max(start + 1);
                        found.push(start + secret.start..end);
                    }
                    _ if self.begins == Begins::Run => {
                        let of_token =
                            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                        run_end =
                            start + text.as_bytes()[start..].iter().take_while(|byte| of_token(byte)).count();
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Where the secret of a match is.
fn secret(captures: &Captures<'_>) -> Option<Range<usize>> {
    let group = captures.iter().skip(1).flatten().next();
    group.or(captures.get(0)).map(|secret| secret.range())
}

/// Whether a word can begin after `before`. In the text of a program a line may begin with a written `\n`, in that of
/// an address a word with `%20`.
fn begins_word(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', first, second] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// A text in lower case, once somebody asks for it.
#[derive(Debug)]
pub(super) struct Lower<'a> {
    text: &'a str,
    lower: OnceCell<String>,
}

impl<'a> Lower<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, lower: OnceCell::new() }
    }

    fn get(&self) -> &str {
        self.lower.get_or_init(|| self.text.to_ascii_lowercase())
    }
}

impl Preset {
    /// The preset of that name.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        match PRESETS.into_iter().find(|(known, _)| *known == name) {
            Some((name, forms)) => {
                Ok(Self { name, forms: forms.iter().map(|form| (form, OnceLock::new())).collect() })
            }
            None => {
                let names = PRESETS.map(|(name, _)| name).join(", ");
                Err(format!("there is no preset {name:?}, only {names}"))
            }
        }
    }

    /// Whether what is assigned to this key is a secret, as far as the key tells.
    pub(super) fn is_key_of_secret(&self, key: &str) -> bool {
        // One that was assigned to it as text would be found by its form.
        let assigned = format!("{key}={EXAMPLE}");
        let mut found = Vec::new();
        self.find(&assigned, &Lower::of(&assigned), &mut found);
        found.iter().any(|secret| secret.end == assigned.len() && secret.start > key.len())
    }

    /// Adds where the secrets of a text are.
    pub(super) fn find(&self, text: &str, lower: &Lower<'_>, found: &mut Vec<Range<usize>>) {
        self.forms.iter().for_each(|(form, regex)| form.find(regex, text, lower, found));
    }
}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Preset {}
