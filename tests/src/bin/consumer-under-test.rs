//! A consumer that the crash tests kill: `consumer-under-test SPOOL-DIR NAME earliest|latest ack|reject|retry|remove`.
//!
//! It reads its standard input to the end, opens the consumer, and settles every event that it is given in the way it
//! was told, once each; `remove` removes the consumer instead. It says what it has done, a line each, as soon as it is
//! done: `opened`, then the id of each event settled, or `removed`.

#![allow(clippy::print_stderr, reason = "it tells the test")]

use std::{
    collections::HashSet,
    error::Error,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use codex_spool::{ConsumerName, Spool, Start};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    io::copy(&mut io::stdin(), &mut io::sink())?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name, start, settle] = &args[..] else { return Err("see the source for its arguments".into()) };
    let spool = Spool::open(dir)?;
    if settle == "remove" {
        spool.remove_consumer(&ConsumerName::new(name)?)?;
        return say("removed");
    }
    let start = if start == "earliest" { Start::Earliest } else { Start::Latest };
    let mut consumer = spool.consumer(name)?.start(start).open()?;
    say("opened")?;
    let mut settled = HashSet::new();
    for delivery in consumer.drain() {
        let delivery = delivery?;
        let id = delivery.id();
        if !settled.insert(id) {
            return Err(format!("{id} came twice").into());
        }
        match &**settle {
            "ack" => delivery.ack()?,
            "reject" => delivery.reject("the test says so")?,
            _ => delivery.retry(Duration::from_secs(3600))?,
        }
        say(&id.to_string())?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
