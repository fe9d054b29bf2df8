//! Records events: `recording-writer SPOOL WRITER THREADS EVENTS`. Its threads are its own, and take turns.

use std::error::Error;

use codex_spool::{Capture, Spool};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, writer, threads, events] = &args[..] else {
        return Err("see the source for its arguments".into());
    };
    let (threads, events) = (threads.parse::<usize>()?, events.parse::<usize>()?);
    let spool = Spool::open(dir)?;
    for n in 0..events {
        let payload = format!(
            r#"{{"hook_event_name":"PostToolUse","session_id":"{writer}-{}","tool_use_id":"{}"}}"#,
            n % threads,
            n / threads
        );
        spool.record(payload.as_bytes(), &Capture::now())?;
    }
    Ok(())
}
