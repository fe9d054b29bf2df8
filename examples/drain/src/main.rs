//! The smallest consumer that does a job: says which threads are done, and forgets nothing that came while it was down.
//!
//! Run it as often as you like: `cargo run -p example-drain`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it is what this program is for")]

use std::error::Error;

use codex_spool::view::View;
use codex_spool::{Event, Spool, Start};

fn main() -> Result<(), Box<dyn Error>> {
    let spool = Spool::open_default()?;
    let mut consumer = spool.consumer("example-drain")?.start(Start::Earliest).open()?;
    for delivery in consumer.drain() {
        match delivery {
            // A damaged record has been set aside, and the others are worth having.
            Err(error) => eprintln!("{error}"),
            Ok(delivery) => match handle(delivery.event()) {
                Ok(()) => delivery.ack()?,
                Err(error) => delivery.reject(&error.to_string())?,
            },
        }
    }
    Ok(())
}

fn handle(event: &Event) -> Result<(), Box<dyn Error>> {
    if let View::Stop(stop) = event.view()? {
        println!("{}: {}", stop.cwd, stop.last_assistant_message.unwrap_or_default());
    }
    Ok(())
}
