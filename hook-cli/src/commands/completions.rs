//! `hook completions`

use std::io::Write;

use clap_complete::Shell;

use crate::cli::{Context, Exit};
use crate::error::Error;

/// Print what lets a shell complete the command line of hook
///
/// bash:        hook completions bash > ~/.local/share/bash-completion/completions/hook
/// zsh:         hook completions zsh > _hook, in a folder of $fpath
/// fish:        hook completions fish > ~/.config/fish/completions/hook.fish
/// PowerShell:  hook completions powershell >> $PROFILE
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs it; `command` is the whole command line.
///
/// # Errors
///
/// [`Error::Output`] where nobody takes it.
pub(crate) fn run(args: Args, mut command: clap::Command, context: &Context) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "hook", &mut script);
    let mut out = context.out();
    out.write_all(&script).and_then(|()| out.flush()).map_err(Error::Output)?;
    Ok(Exit::Ok)
}
