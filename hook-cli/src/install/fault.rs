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
}

impl Fault {
    pub(crate) fn at(text: &str, offset: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, offset);
        Fault { what: what.into(), line, column, remedy: remedy.into() }
    }

    /// The error that names the file.
    pub fn into_error(self, path: &Path) -> Error {
        Error::Fault {
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
