use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The suffix of programs.
pub(crate) const EXE: &str = "";

/// A file to lock so that one installer works in `dir` at a time: the directory itself.
pub(crate) fn lockable(dir: &Path) -> io::Result<File> {
    File::open(dir)
}

/// Makes a rename in `dir` outlive the loss of power.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Exchanges two files in one step. `false`: this file system can't.
pub(crate) fn swap(one: &Path, other: &Path) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        let _ = (one, other);
        Ok(false)
    }
}

/// What a new file of the user's alone may be used for.
pub(crate) fn private() -> Option<Permissions> {
    Some(Permissions::from_mode(0o600))
}

/// What a new file of a shared project may be used for, before the umask.
pub(crate) fn shared() -> Option<Permissions> {
    Some(Permissions::from_mode(0o644))
}

/// Who may use a file.
pub(crate) fn mode(file: &fs::Metadata) -> Option<u32> {
    Some(file.mode() & 0o7777)
}

/// The permissions of a mode.
pub(crate) fn permissions(mode: u32) -> Option<Permissions> {
    Some(Permissions::from_mode(mode))
}

/// Makes a directory, and those above it, for the user alone.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Whether the file is a program that this user may run.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

/// Gives the new file the owner of the old one, where that is possible.
pub(crate) fn keep_owner(old: &fs::Metadata, new: &File) {
    if new.metadata().is_ok_and(|meta| (meta.uid(), meta.gid()) != (old.uid(), old.gid())) {
        let _ = std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()));
    }
}

/// The words of a command line, as the shell splits it; `None` where it does more than run one program.
pub(crate) fn shell_words(command: &str) -> Option<Vec<String>> {
    if command.contains([';', '&', '|', '<', '>', '(', ')', '`', '\n', '*', '?', '#']) {
        return quoted_only(command).then(|| shlex::split(command)).flatten();
    }
    shlex::split(command)
}

/// Whether every special character of the command stands in single quotes, or behind a backslash.
fn quoted_only(command: &str) -> bool {
    let mut inside = false;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => inside = !inside,
            '\\' if !inside && letters.next().is_some_and(|quoted| quoted != '\n') => {}
            '"' | '\\' if !inside => return false,
            ';' | '&' | '|' | '<' | '>' | '(' | ')' | '`' | '\n' | '*' | '?' | '#' if !inside => {
                return false;
            }
            _ => {}
        }
    }
    !inside
}

/// A word as the shell has to be given it. `None`: it can't be.
pub(crate) fn shell_quote(word: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if word.contains('\0') {
        None
    } else if !word.is_empty() && word.chars().all(plain) {
        Some(word.to_owned())
    } else {
        Some(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// The command line as Codex runs it: by the shell of the passwd entry, which is bash where that is no usual one.
pub(crate) fn shell(command: &str, passwd_shell: Option<&Path>) -> Command {
    let usual = |shell: &&Path| {
        let name = shell.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        matches!(name, "bash" | "zsh" | "sh" | "fish" | "ksh") && is_program(shell)
    };
    let program: PathBuf =
        passwd_shell.filter(usual).map_or_else(|| PathBuf::from("/usr/bin/bash"), Path::to_owned);
    let mut run = Command::new(program);
    run.arg("-c").arg(command);
    run
}

/// Has a command lead a process group of its own.
pub(crate) fn lead_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Kills the process group that a child leads.
pub(crate) fn kill_group(child: &std::process::Child) {
    kill_group_of(child.id());
}

/// Kills the process group that a process leads.
pub(crate) fn kill_group_of(leader: u32) {
    let pid = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw);
    let _ = pid.map(|pid| rustix::process::kill_process_group(pid, rustix::process::Signal::KILL));
}

/// The shell of the passwd entry of this user.
pub(crate) fn passwd_shell() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&user))?;
    line.split(':').nth(6).filter(|shell| !shell.is_empty()).map(PathBuf::from)
}

/// Where an administrator may have put rules for Codex.
pub(crate) fn managed_files() -> [PathBuf; 2] {
    ["/etc/codex/requirements.toml", "/etc/codex/managed_config.toml"].map(PathBuf::from)
}

/// The user that owns the file, the user that asks, and the mode bits.
pub(crate) fn ownership(path: &Path) -> io::Result<Option<(u32, u32, u32)>> {
    let meta = fs::metadata(path)?;
    Ok(Some((meta.uid(), rustix::process::getuid().as_raw(), meta.mode() & 0o777)))
}

/// Bytes that this user may still write on the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<Option<u64>> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// `PATH`-like text from the environment, taken apart.
pub(crate) fn search_path(path: Option<&OsString>) -> Vec<PathBuf> {
    path.map(|path| std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect()).unwrap_or_default()
}
