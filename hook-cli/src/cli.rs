//! The command line of `hook-cli`.

use std::cell::{RefCell, RefMut};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands;
use crate::complaints::Complaints;
use crate::error::Error;
use crate::install::{self, Environment};

/// Know what OpenAI's Codex CLI is doing on this machine: its lifecycle events, durable and in order.
#[derive(Debug, Parser)]
#[command(name = "hook", bin_name = "hook", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(commands::install::Args),
    Status(commands::status::Args),
    Doctor(commands::doctor::Args),
    Uninstall(commands::uninstall::Args),
    Tail(commands::tail::Args),
    Consumers(commands::consumers::Args),
    Threads(commands::threads::Args),
    Wait(commands::wait::Args),
    Prune(commands::prune::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    Event(commands::event::Args),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// As asked.
    Ok,
    /// Nothing failed, but the answer is no.
    NotSo,
    /// It was not so in time.
    TimedOut,
}

/// What a command has to do with the world.
pub struct Context {
    /// The environment of the process.
    pub environment: Environment,
    /// Whether what is printed may have colours.
    pub color: bool,
    /// Whether what is printed goes to a terminal.
    pub to_terminal: bool,
    /// Whether somebody can be asked.
    pub interactive: bool,
    out: RefCell<Box<dyn Write>>,
    err: Complaints,
    input: RefCell<Box<dyn BufRead + Send>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { environment, color, to_terminal, interactive, out: _, err: _, input: _ } = self;
        let mut debug = f.debug_struct("Context");
        debug.field("environment", environment).field("color", color).field("to_terminal", to_terminal);
        debug.field("interactive", interactive);
        debug.finish_non_exhaustive()
    }
}

impl Context {
    /// As the process has it.
    pub fn of_process() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Context {
            environment: Environment::of_process(),
            color: io::stdout().is_terminal() && !no_color,
            to_terminal: io::stdout().is_terminal(),
            interactive: io::stdin().is_terminal(),
            out: RefCell::new(Box::new(io::BufWriter::new(io::stdout()))),
            err: Complaints::new(io::stderr()),
            input: RefCell::new(Box::new(io::BufReader::new(io::stdin()))),
        }
    }

    /// Prints a line.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where nobody takes it.
    pub fn say(&self, line: &str) -> Result<(), Error> {
        let mut out = self.out.borrow_mut();
        let written = writeln!(out, "{}", line.trim_end_matches('\n')).and_then(|()| out.flush());
        written.map_err(Error::Output)
    }

    /// Where a command prints what is not a line of text; it has to be flushed.
    pub(crate) fn out(&self) -> RefMut<'_, Box<dyn Write>> {
        self.out.borrow_mut()
    }

    /// Says on standard error, in a line, what went wrong.
    pub fn complain(&self, what: &dyn fmt::Display) {
        self.err.complain(what);
    }

    /// The same for another thread.
    pub(crate) fn complaints(&self) -> Complaints {
        self.err.clone()
    }

    /// Standard input, for whoever reads it from now on: for others it has ended.
    pub(crate) fn take_input(&self) -> Box<dyn BufRead + Send> {
        self.input.replace(Box::new(io::empty()))
    }

    /// Asks for a yes.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the question can't be put.
    pub fn confirm(&self, question: &str) -> Result<bool, Error> {
        let failed = |error| Error::io("ask on", Path::new("stdin"), error);
        {
            let mut out = self.out.borrow_mut();
            write!(out, "{question} [y/N] ").and_then(|()| out.flush()).map_err(Error::Output)?;
        }
        let mut answer = String::new();
        if self.input.borrow_mut().read_line(&mut answer).map_err(failed)? == 0 {
            // Nobody has ended the line of the question.
            self.say("")?;
        }
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// Parses, runs one command, and tells the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, context: &Context) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    // An option that stands before it makes it no less what Codex was told to run.
    let options_first = args.get(1).is_some_and(|arg| arg.to_string_lossy().starts_with('-'));
    let is_event =
        args.iter().skip(1).take(if options_first { usize::MAX } else { 1 }).any(|arg| arg == "event");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        // By ending with 2 a hook tells Codex to stop what it is doing.
        Err(error) if is_event && error.use_stderr() => Cli { command: Command::Event(Default::default()) },
        Err(error) => {
            let text = error.render();
            let text = if context.color { text.ansi().to_string() } else { text.to_string() };
            if error.use_stderr() {
                context.err.write(&text);
            } else {
                let mut out = context.out();
                // A pager that is closed early has seen enough.
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    if let Command::Install(_) | Command::Uninstall(_) | Command::Status(_) | Command::Doctor(_) = cli.command
    {
        install::end_together();
    }
    let result = match cli.command {
        Command::Event(args) => commands::event::run(args),
        Command::Install(args) => commands::install::run(args, context),
        Command::Uninstall(args) => commands::uninstall::run(args, context),
        Command::Status(args) => commands::status::run(args, context),
        Command::Doctor(args) => commands::doctor::run(args, context),
        Command::Tail(args) => commands::tail::run(args, context),
        Command::Consumers(args) => commands::consumers::run(args, context),
        Command::Threads(args) => commands::threads::run(args, context),
        Command::Wait(args) => commands::wait::run(args, context),
        Command::Prune(args) => commands::prune::run(args, context),
        Command::Completions(args) => commands::completions::run(args, Cli::command(), context),
        Command::Man(args) => commands::man::run(args, Cli::command(), context),
    };
    match result {
        Ok(Exit::Ok) => 0,
        Ok(Exit::NotSo) => 1,
        Ok(Exit::TimedOut) => 124,
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            context.complain(&error);
            1
        }
    }
}
