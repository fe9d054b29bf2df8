//! A consumer that is told when to acknowledge: `asking-consumer SPOOL NAME` prints the id of an event, waits for a
//! line on stdin, acknowledges the event, and goes on with the next.

use std::{
    error::Error,
    io::{Write, stdin, stdout},
};

use codex_spool::{Spool, Start};

fn main() -> Result<(), Box<dyn Error>> {
    let [spool, name] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: asking-consumer SPOOL NAME".into());
    };
    let mut consumer = Spool::open(spool)?.consumer(name)?.start(Start::Earliest).open()?;
    for delivery in consumer.drain() {
        let delivery = delivery?;
        writeln!(stdout(), "{}", delivery.id())?;
        if stdin().read_line(&mut String::new())? == 0 {
            return Err("nobody says whether to acknowledge".into());
        }
        delivery.ack()?;
    }
    Ok(())
}
