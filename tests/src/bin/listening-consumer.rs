//! A consumer that goes on until it is killed: `listening-consumer SPOOL NAME ack|retry|die`.
//!
//! It says `open`, then, for each event, its thread and its number in it, before it acknowledges it. With
//! `retry` it keeps the order of threads, and puts one event in four off before it takes it; with `die` it tries an event
//! three times, and dies of the one whose number is `deadly`.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use codex_spool::{Spool, Start};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name, settle] = &args[..] else { return Err("see the source for its arguments".into()) };
    let retries = settle == "retry";
    let mut builder = Spool::open(dir)?.consumer(name)?.start(Start::Earliest).ordered_by_thread(retries);
    if settle == "die" {
        builder = builder.max_attempts(3);
    }
    let mut consumer = builder.open()?;
    let mut out = io::stdout().lock();
    writeln!(out, "open")?;
    out.flush()?;
    let mut seen = 0_u32;
    for delivery in consumer.listen() {
        let delivery = delivery?;
        seen = seen.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if retries && seen >> 30 == 0 {
            delivery.retry(Duration::from_micros(u64::from(seen >> 20)))?;
            continue;
        }
        let payload: serde_json::Value = serde_json::from_str(delivery.event().payload())?;
        let thread = payload["session_id"].as_str().ok_or("a payload of ours has a thread")?;
        let number = payload["tool_use_id"].as_str().ok_or("a payload of ours has a number")?;
        writeln!(out, "{thread} {number}")?;
        out.flush()?;
        if settle == "die" && number == "deadly" {
            std::process::abort();
        }
        delivery.ack()?;
    }
    Ok(())
}
