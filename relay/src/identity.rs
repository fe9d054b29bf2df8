//! Which host's spool it is: chosen once, since the ids of messages have it in them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::error::Error;
use crate::subject::Host;

/// The file in the spool directory that says so.
const FILE: &str = "relay-host";

/// The host under which this spool is relayed, where that is chosen.
///
/// # Errors
/// When another one is asked for, or the file cannot be read or names none.
pub(crate) fn known(spool: &Path, asked: Option<&Host>) -> Result<Option<Host>, Error> {
    let path = spool.join(FILE);
    let known: Host = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| Error::Identity(path.clone()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { what: "read", path, source }),
    };
    match asked {
        Some(asked) if *asked != known => Err(Error::OtherHost { asked: asked.clone(), known, path }),
        _ => Ok(Some(known)),
    }
}

/// The host that is asked for, else the system's.
///
/// # Errors
/// When none can be told.
pub(crate) fn choose(asked: Option<&Host>) -> Result<Host, Error> {
    asked.cloned().or_else(|| Host::of_system(&system_name())).ok_or(Error::NoHostName)
}

/// Keeps it as the one under which this spool is relayed, for good.
///
/// # Errors
/// When another relay of this spool was first, and chose another; when the file cannot be written.
pub(crate) fn keep(spool: &Path, host: &Host) -> Result<(), Error> {
    if known(spool, Some(host))?.is_none() {
        let path = spool.join(FILE);
        write(spool, &path, host).map_err(|source| Error::File { what: "write", path, source })?;
        known(spool, Some(host))?;
    }
    Ok(())
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
