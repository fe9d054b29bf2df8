//! The token: a secret in a file of its owner's, so that pages that are open stay open when the program is started anew.

use std::fs;
use std::io::{ErrorKind, Write};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Result;

pub(crate) struct Token(String);

impl Token {
    /// Reads it, having made it where there is none.
    pub(crate) fn load_or_make(path: &Path) -> Result<Self> {
        let shown = path.display();
        let failed =
            |error| format!("cannot keep the token in {shown}: {error}: mend that, or give --token-file");
        if !path.try_exists().map_err(failed)? {
            make(path).map_err(failed)?;
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        #[cfg(unix)]
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(
                format!("others can read the token: {shown}: remove it, and a new one is made").into()
            );
        }
        let text = text.trim();
        if text.len() < 32 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("not a token: {shown}: remove it, and a new one is made").into());
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this one; takes as long whatever it is.
    pub(crate) fn is(&self, given: &str) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(given.as_bytes())
    }
}

/// Makes one. After a crash it is there, whole, or not at all; where another was first, that one is.
fn make(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)?;
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // For its owner alone from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(token.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}
