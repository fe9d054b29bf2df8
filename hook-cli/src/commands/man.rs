//! `hook man`

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

use crate::cli::{Context, Exit};
use crate::error::Error;

/// Print the man page: hook man | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command that it is about: hook man consumers peek | man -l - [default: all of hook]
    #[arg(value_name = "COMMAND")]
    of: Vec<String>,
}

/// What the command line itself does not tell.
const SECTIONS: &str = r#".SH "EXIT STATUS"
.TP
0
As asked, or yes.
.TP
1
It failed, or the answer is no.
.TP
2
A wrong command line; never of \fBhook event\fR.
.SH ENVIRONMENT
.TP
CODEX_HOME
The directory of Codex; ~/.codex where it is not set.
.TP
CODEX_HOOK_SPOOL_DIR
The spool directory; hook\-spool in that of Codex where it is not set.
.TP
CODEX_HOOK_TAG
A word that is in each event of the sessions that Codex has when it is started with it.
.TP
NO_COLOR
No colours, where it is set and not empty.
.SH "SEE ALSO"
The page of a command: \fBhook man\fR \fICOMMAND\fR \fB| man \-l \-\fR
"#;

/// Runs it; `command` is the whole command line.
///
/// # Errors
///
/// [`Error`] where there is no such command, or nobody takes it.
pub(crate) fn run(args: Args, mut command: Command, context: &Context) -> Result<Exit, Error> {
    command.build();
    let no_such_command = || Error::Refused {
        what: "no such command".into(),
        place: format!("hook {}", args.of.join(" ")),
        remedy: "`hook help` lists them",
    };
    let mut of = &command;
    for name in &args.of {
        of = of.find_subcommand(name).ok_or_else(no_such_command)?;
    }
    let sections = if args.of.is_empty() { SECTIONS } else { "" };
    let page = render(of.clone(), sections).map_err(Error::Output)?;
    let mut out = context.out();
    out.write_all(&page).and_then(|()| out.flush()).map_err(Error::Output)?;
    Ok(Exit::Ok)
}

fn render(command: Command, sections: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    // A date that is empty is left out by the crate, and what follows it would stand in its place.
    let date = " ";
    let source = concat!("hook ", env!("CARGO_PKG_VERSION"));
    Man::new(command).date(date).source(source).manual("Commands of codex-spool").render(&mut page)?;
    page.extend_from_slice(sections.as_bytes());
    Ok(page)
}
