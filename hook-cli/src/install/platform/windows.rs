use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The suffix of programs.
pub(crate) const EXE: &str = ".exe";

/// A file to lock so that one installer works in `dir` at a time: a directory can't be locked here.
pub(crate) fn lockable(dir: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(dir.join(".hook-install.lock"))
}

/// Renames are durable by themselves, as far as the file system makes them so.
pub(crate) fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// Exchanges two files in one step. `false`: this system can't.
pub(crate) fn swap(_one: &Path, _other: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Files inherit who may use them from their directory.
pub(crate) fn private() -> Option<Permissions> {
    None
}

/// Files inherit who may use them from their directory.
pub(crate) fn shared() -> Option<Permissions> {
    None
}

/// Not told.
pub(crate) fn mode(_file: &fs::Metadata) -> Option<u32> {
    None
}

/// Files inherit who may use them from their directory.
pub(crate) fn permissions(_mode: u32) -> Option<Permissions> {
    None
}

/// Makes a directory, and those above it.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Whether the file is a program that this user may run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Owners are inherited.
pub(crate) fn keep_owner(_old: &fs::Metadata, _new: &File) {}

/// The words of a command line, as `cmd` leaves them to the program; `None` where it does more than run one.
pub(crate) fn shell_words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut inside = false;
    for letter in command.chars() {
        match letter {
            '"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            '&' | '|' | '<' | '>' | '^' | '\n' if !inside => return None,
            ' ' | '\t' if !inside => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    (!inside).then_some(words)
}

/// A word as the shell has to be given it. `None`: it can't be.
pub(crate) fn shell_quote(word: &str) -> Option<String> {
    if word.contains(['"', '\0', '%', '\n']) {
        None
    } else if !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || r"\/._-+=:@".contains(c)) {
        Some(word.to_owned())
    } else {
        Some(format!("\"{word}\""))
    }
}

/// The command line as Codex runs it.
pub(crate) fn shell(command: &str, _passwd_shell: Option<&Path>) -> Command {
    use std::os::windows::process::CommandExt;
    let mut run = Command::new("cmd.exe");
    run.arg("/C").raw_arg(command);
    run
}

/// There are none.
pub(crate) fn lead_group(_command: &mut Command) {}

/// The child itself is killed by whoever asks for this.
pub(crate) fn kill_group(_child: &std::process::Child) {}

/// Ctrl-C goes to all programs of a console.
pub(crate) fn kill_group_of(_leader: u32) {}

/// There is none.
pub(crate) fn passwd_shell() -> Option<PathBuf> {
    None
}

/// Where an administrator may have put rules for Codex.
pub(crate) fn managed_files() -> [PathBuf; 2] {
    [r"C:\ProgramData\OpenAI\Codex\requirements.toml", r"C:\ProgramData\OpenAI\Codex\managed_config.toml"]
        .map(PathBuf::from)
}

/// Not told.
pub(crate) fn ownership(path: &Path) -> io::Result<Option<(u32, u32, u32)>> {
    fs::metadata(path).map(|_| None)
}

/// Not told.
pub(crate) fn free_bytes(_path: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// `PATH`-like text from the environment, taken apart.
pub(crate) fn search_path(path: Option<&OsString>) -> Vec<PathBuf> {
    path.map(|path| std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect()).unwrap_or_default()
}
