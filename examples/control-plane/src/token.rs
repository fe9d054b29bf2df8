//! The token: a secret in a file of its owner's, so that pages that are open stay open when the program is started anew.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{At, Error, Result};

pub(crate) struct Token(String);

impl Token {
    /// Reads it, and makes it where there is none. After a crash it is there, whole, or not at all.
    pub(crate) fn load_or_make(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => return Self::checked(path, text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).at("read the token in", shown),
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).at("make the folder", folder.display().to_string())?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(std::io::Error::from).at("get random bytes for", &*shown)?;
        let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        // For its owner alone from the beginning.
        let mut file = tempfile::NamedTempFile::new_in(folder).at("write the token in", &*shown)?;
        file.write_all(token.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .at("write the token in", &*shown)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self(token)),
            // Another was first.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                let text = fs::read_to_string(path).at("read the token in", shown)?;
                Self::checked(path, text)
            }
            Err(error) => Err(error.error).at("write the token in", shown),
        }
    }

    fn checked(path: &Path, text: String) -> Result<Self> {
        if is_exposed(path).at("look at", path.display().to_string())? {
            return Err(Error::ExposedToken(path.display().to_string()));
        }
        let text = text.trim();
        let is_token = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_token { Ok(Self(text.to_owned())) } else { Err(Error::NoToken(path.display().to_string())) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this one; takes as long whatever it is.
    pub(crate) fn is(&self, given: &str) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(given.as_bytes())
    }
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}
