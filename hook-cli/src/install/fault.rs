use std::path::Path;

use super::Error;
use super::text::line_and_column;

/// What Codex would refuse in a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in a few words.
    pub what: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What to do about it.
    pub remedy: String,
    /// Whether it is no TOML at all, which anybody would refuse.
    not_toml: bool,
}

impl Fault {
    pub(crate) fn at(text: &str, offset: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, offset);
        Fault { what: what.into(), line, column, remedy: remedy.into(), not_toml: false }
    }

    /// The fault of a text that is no TOML.
    pub(crate) fn in_toml(text: &str, error: &toml_edit::TomlError) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let said = error.message().lines().next().unwrap_or("no reason given");
        Fault { not_toml: true, ..Fault::at(text, at, said, "mend it by hand, then run this again") }
    }

    /// The error that names the file.
    pub fn into_error(self, path: &Path) -> Error {
        Error::Fault {
            verdict: if self.not_toml { "this is not valid TOML" } else { "Codex refuses this file" },
            fault: self.what,
            path: path.to_owned(),
            line: self.line,
            column: self.column,
            remedy: self.remedy,
        }
    }
}

/// The text of a file that has to be UTF-8, as Codex demands.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Fault::at(valid, valid.len(), "invalid UTF-8", "save the file as UTF-8")
    })
}
