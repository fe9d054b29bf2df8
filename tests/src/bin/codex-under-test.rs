//! Installs the Codex CLI that the tests drive, if it is not there yet, and prints where it is.

use std::io::Write;

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{}", codex_hook_tests::codex_binary().display())
}
