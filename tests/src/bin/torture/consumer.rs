//! A consumer that acknowledges all that it is given, and says what it is given, a line each, before it does.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use codex_spool::{Consumer, Delivery, Spool};

use crate::event::number;

/// Without a name it is an ephemeral one; without `follow` it ends when nothing waits any more.
pub(crate) fn run(spool: &Path, name: Option<&str>, follow: bool) -> Result<(), Box<dyn Error>> {
    let spool = Spool::open(spool)?;
    let builder = match name {
        Some(name) => spool.consumer(name)?,
        None => spool.ephemeral_consumer(),
    };
    let mut consumer = builder.open()?;
    if follow {
        while let Some(delivery) = consumer.recv()? {
            settle(delivery)?;
        }
        return Ok(());
    }
    drain(&mut consumer)
}

fn drain(consumer: &mut Consumer) -> Result<(), Box<dyn Error>> {
    for delivery in consumer.drain() {
        settle(delivery?)?;
    }
    Ok(())
}

fn settle(delivery: Delivery) -> Result<(), Box<dyn Error>> {
    match number(delivery.event().payload()) {
        Some(number) => writeln!(std::io::stdout(), "{number}")?,
        None => writeln!(std::io::stdout(), "damaged")?,
    }
    Ok(delivery.ack()?)
}
