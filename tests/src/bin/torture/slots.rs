//! The places in which processes are started and killed, each a thread.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use codex_hook_tests::released_hook_binary;
use codex_spool::Spool;
use shared_child::SharedChild;

use crate::event::payload;
use crate::ledger::{Given, Ledger};
use crate::options::Options;
use crate::verdict::Verdict;

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let home = tempfile::Builder::new().prefix("torture-").tempdir_in(&options.dir)?;
    let place = Place {
        spool: home.path().join("spool"),
        hook: released_hook_binary(),
        this: std::env::current_exe()?,
        ledger: Ledger::new(options.rate),
    };
    let names: Vec<String> = (0..options.consumers).map(|n| format!("consumer-{n}")).collect();
    let spool = Spool::open(&place.spool)?;
    for name in &names {
        // From here on it is due all that is recorded.
        drop(spool.consumer(name)?.open()?);
    }
    let begun = Instant::now();
    let given = std::thread::scope(|scope| {
        let place = &place;
        let mut seed = options.seed.wrapping_mul(1000);
        let mut dice = || {
            seed += 1;
            fastrand::Rng::with_seed(seed)
        };
        for slot in 0..options.writers {
            let dice = dice();
            match slot % 2 {
                0 => scope.spawn(move || place.fire(dice)),
                _ => scope.spawn(move || place.write(dice)),
            };
        }
        let passing = dice();
        scope.spawn(move || place.pass_by(passing));
        let consumers: Vec<_> = names
            .iter()
            .map(|name| {
                let dice = dice();
                scope.spawn(move || place.consume(name, dice))
            })
            .collect();
        while begun.elapsed() < Duration::from_secs(options.seconds) && place.ledger.problems().is_empty() {
            std::thread::sleep(Duration::from_millis(100));
        }
        place.ledger.end();
        consumers.into_iter().map(|thread| thread.join().expect("no thread panics")).collect::<Vec<_>>()
    });
    // All are dead. What they left is finished now, and nobody is killed any more.
    let mut given: Vec<(String, Given)> = names.into_iter().zip(given).collect();
    for (name, given) in &mut given {
        place.drain(name, given)?;
    }
    let verdict = Verdict::of(&spool, &place.ledger, &given)?;
    println!("seed {}, {} s: {verdict}", options.seed, begun.elapsed().as_secs());
    if verdict.is_good() {
        return Ok(());
    }
    let kept = home.keep();
    Err(format!("the spool is kept for you to look at: {}", kept.display()).into())
}

struct Place {
    spool: PathBuf,
    hook: PathBuf,
    this: PathBuf,
    ledger: Ledger,
}

impl Place {
    /// The real `hook event`, again and again: a process an event, sometimes two or three with one, as where a hook is
    /// registered in several places.
    fn fire(&self, mut dice: fastrand::Rng) {
        while !self.ledger.is_over() {
            let number = self.ledger.take_numbers(1);
            let copies = if dice.u8(..8) == 0 { dice.usize(2..4) } else { 1 };
            let children: Vec<_> = (0..copies).map(|_| self.hook_event(number)).collect();
            for mut child in children {
                if dice.u8(..8) == 0 {
                    std::thread::sleep(Duration::from_micros(dice.u64(..3000)));
                    // It may have ended before.
                    let _ = child.kill();
                }
                let output = child.wait_with_output().expect("a child can be waited for");
                if self.is_good(output.status, "hook event", &output.stderr) {
                    self.ledger.acknowledge(number);
                }
            }
        }
    }

    fn hook_event(&self, number: u64) -> Child {
        let mut command = Command::new(&self.hook);
        command.args(["event", "--spool-dir"]).arg(&self.spool).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hook can be started");
        let mut stdin = child.stdin.take().expect("it is a pipe");
        // A pipe holds it all; one that ends early leaves it unread.
        let _ = stdin.write_all(payload(number).as_bytes());
        child
    }

    /// Writers that record one event after another.
    fn write(&self, mut dice: fastrand::Rng) {
        const COUNT: u64 = 500;
        while !self.ledger.is_over() {
            let first = self.ledger.take_numbers(COUNT);
            let command = &mut self.command(&["writer"], &[&first.to_string(), &COUNT.to_string()]);
            self.play(command, &mut dice, |line| match line.parse() {
                Ok(number) => self.ledger.acknowledge(number),
                Err(_) => self.ledger.complain(format!("a writer says {line:?}")),
            });
        }
    }

    /// A consumer that keeps its name.
    fn consume(&self, name: &str, mut dice: fastrand::Rng) -> Given {
        let mut given = Given::default();
        while !self.ledger.is_over() {
            let command = &mut self.command(&["consumer"], &[name, "follow"]);
            self.play(command, &mut dice, |line| self.note(&mut given, name, line));
        }
        given
    }

    /// Consumers without a name.
    fn pass_by(&self, mut dice: fastrand::Rng) {
        while !self.ledger.is_over() {
            let command = &mut self.command(&["consumer"], &["-", "follow"]);
            self.play(command, &mut dice, |line| self.note(&mut Given::default(), "a passer-by", line));
        }
    }

    /// Lets a consumer take all that waits for it, to the end.
    fn drain(&self, name: &str, given: &mut Given) -> Result<(), Box<dyn Error>> {
        let mut child = self.command(&["consumer"], &[name, "drain"]).stdout(Stdio::piped()).spawn()?;
        for line in BufReader::new(child.stdout.take().expect("it is a pipe")).lines() {
            self.note(given, name, &line?);
        }
        match child.wait()?.success() {
            true => Ok(()),
            false => Err(format!("{name} cannot be drained").into()),
        }
    }

    fn note(&self, given: &mut Given, name: &str, line: &str) {
        match line.parse() {
            Ok(number) if number < self.ledger.begun() => {
                given.again += u64::from(!given.events.set(number));
            }
            _ => self.ledger.complain(format!("{name} is given {line:?}")),
        }
    }

    fn command(&self, role: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.this);
        command.args(role).arg(&self.spool).args(arguments);
        command
    }

    /// Runs a process, has every line that it says heard, and kills it after a while.
    fn play(&self, command: &mut Command, dice: &mut fastrand::Rng, mut hear: impl FnMut(&str)) {
        let child = SharedChild::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let child = child.expect("this program can be started again");
        let delay = Duration::from_micros(dice.u64(500..400_000));
        let (stdout, stderr) = (child.take_stdout(), child.take_stderr());
        let complaint = std::thread::scope(|scope| {
            scope.spawn(|| {
                if matches!(child.wait_timeout(delay), Ok(None)) {
                    // It may have ended before.
                    let _ = child.kill();
                }
            });
            // The last line may be cut off by the kill: then it was not said.
            let mut stdout = BufReader::new(stdout.expect("it is a pipe"));
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
                if let Some(line) = line.strip_suffix('\n') {
                    hear(line);
                }
                line.clear();
            }
            std::io::read_to_string(stderr.expect("it is a pipe")).unwrap_or_default()
        });
        let status = child.wait().expect("a child can be waited for");
        self.is_good(status, &format!("{command:?}"), complaint.as_bytes());
    }

    /// Counts a kill, and notes an end that is neither good nor ours.
    fn is_good(&self, status: ExitStatus, what: &str, stderr: &[u8]) -> bool {
        if was_killed(status) {
            self.ledger.kills.fetch_add(1, Ordering::Relaxed);
        } else if !status.success() {
            let complaint = String::from_utf8_lossy(stderr);
            self.ledger.complain(format!("{what} ends with {status}: {}", complaint.trim_end()));
        }
        status.success()
    }
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

/// There a process is ended with the code of a failure.
#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    status.code() == Some(1)
}
