//! The end of a transcript says the same in blocks of any size, and at once or bit by bit; no more is read than is allowed.
#![no_main]

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use codex_spool::fuzzing;
use libfuzzer_sys::fuzz_target;

/// What is said of the turn, and which tools were used.
type Said = (Option<String>, Vec<String>);

const ALL: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let [block, overlap, tail, turn, known, text @ ..] = bytes else { return };
    let turn = [None, Some("a"), Some("b"), Some("")][usize::from(turn % 4)];
    let block = u64::from(*block).max(1);
    let whole = tail_of(text, turn, None, [ALL, 0, ALL]);
    assert_eq!(whole, line_by_line(text, turn));
    assert_eq!(whole, tail_of(text, turn, None, [ALL, 0, block]), "in blocks of {block}");

    // Not further back than allowed, and only what has come since.
    let (overlap, tail) = (u64::from(*overlap) * 4, u64::from(*tail) * 8);
    let known = text.len() * usize::from(*known) / 255;
    let last_of = |known: Option<usize>| {
        // One that has become shorter is another.
        let again = known.filter(|known| *known <= text.len()).unwrap_or_default() as u64;
        let again = again.saturating_sub(overlap);
        let from = (text.len() as u64).saturating_sub(tail).max(again) as usize;
        let mut file = Counting { file: Cursor::new(text), read: 0, lowest: u64::MAX };
        let said = fuzzing::transcript(&mut file, turn, known.map(|known| known as u64), [tail, overlap, block]);
        assert!(file.read <= (text.len() - from) as u64 && file.lowest >= from as u64, "more is read than is allowed");
        assert_eq!(said.expect("memory can be read"), line_by_line(&text[behind_torn(text, from)..], turn));
    };
    last_of(None);
    last_of(Some(known));
    last_of(Some(text.len() + 1));
});

fn tail_of(text: &[u8], turn: Option<&str>, known: Option<u64>, reach: [u64; 3]) -> Said {
    fuzzing::transcript(&mut Cursor::new(text), turn, known, reach).expect("memory can be read")
}

/// What the lines say, each alone, from the last one to the one that tells of the turn.
fn line_by_line(text: &[u8], turn: Option<&str>) -> Said {
    let mut used = Vec::new();
    for line in text.rsplit(|byte| *byte == b'\n') {
        let (told, tools) = tail_of(line, turn, None, [ALL, 0, ALL]);
        used.extend(tools);
        if told.is_some() {
            return (told, used);
        }
    }
    (None, used)
}

/// Where the first line begins that is whole, of a text that is read from `from` on.
fn behind_torn(text: &[u8], from: usize) -> usize {
    match text[from..].iter().position(|byte| *byte == b'\n') {
        _ if from == 0 => 0,
        Some(line_break) => from + line_break + 1,
        None => text.len(),
    }
}

struct Counting<'a> {
    file: Cursor<&'a [u8]>,
    read: u64,
    lowest: u64,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lowest = self.lowest.min(self.file.position());
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
