//! Which host's spool it is: chosen once, since the ids of messages have it in them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::subject::Host;

/// The file in the spool directory that says so.
const FILE: &str = "relay-host";

/// The host under which this spool was relayed so far, else the one that is asked for, else the system's; it is kept.
///
/// # Errors
/// When another one is asked for than was chosen, none can be told, or the file cannot be written.
pub(crate) fn host(spool: &Path, asked: Option<Host>) -> Result<Host, Error> {
    let path = spool.join(FILE);
    let known = || match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| Error::Identity(path.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { what: "read", path: path.clone(), source }),
    };
    let host = match known()? {
        Some(known) => known,
        None => {
            let host = asked.clone().or_else(|| Host::of_system(&system_name())).ok_or(Error::NoHostName)?;
            let written = write(spool, &path, &host);
            written.map_err(|source| Error::File { what: "write", path: path.clone(), source })?;
            // Another relay of this spool may have been first.
            known()?.unwrap_or(host)
        }
    };
    match asked {
        Some(asked) if asked != host => Err(Error::OtherHost { asked, known: host, path }),
        _ => Ok(host),
    }
}

/// The host that was chosen for the spool, if one was.
pub(crate) fn chosen(spool: &Path) -> Option<(Host, PathBuf)> {
    let path = spool.join(FILE);
    let host = fs::read_to_string(&path).ok()?.trim().parse().ok()?;
    Some((host, path))
}

/// Whole or not at all, and never over another's choice.
fn write(spool: &Path, path: &Path, host: &Host) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(spool)?;
    writeln!(file, "{host}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => fs::File::open(spool)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(unix)]
fn system_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn system_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
