//! `hook event` reads its input to the end, and not on. Alone in its binary: it takes over what becomes of a panic.

use std::io::{self, Read};

use codex_spool::Spool;

const PAYLOAD: &str = r#"{"hook_event_name":"Stop"}"#;

/// A terminal, on which an input that has ended can go on.
#[derive(Debug)]
struct Terminal(Vec<&'static [u8]>);

impl Read for Terminal {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let typed = self.0.pop().unwrap_or_default();
        buffer[..typed.len()].copy_from_slice(typed);
        Ok(typed.len())
    }
}

#[test]
fn the_end_of_its_input_is_the_end() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let spool = home.path().join("spool");
    let args = ["--spool-dir".into(), spool.clone().into_os_string()].into_iter();
    let mut stderr = Vec::new();
    let mut stdin = Terminal(vec![b"more", b"", PAYLOAD.as_bytes()]);
    codex_hook::event::main(args, |_| None, None, &mut stdin, &mut stderr);
    let events: Vec<_> = Spool::open(spool).and_then(|spool| spool.journal()).expect("a spool").collect();
    let [Ok(event)] = &events[..] else { panic!("one event is expected: {events:?}") };
    assert_eq!(event.payload(), PAYLOAD);
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
}
