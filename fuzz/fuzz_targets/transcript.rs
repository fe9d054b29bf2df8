//! The end of a transcript says the same in blocks of any size, and at once or bit by bit; no more is read than is allowed.
#![no_main]

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use codex_spool::fuzzing::{self, Said};
use libfuzzer_sys::fuzz_target;

const ALL: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let [block, overlap, tail, turn, cut, text @ ..] = bytes else { return };
    let turn = [None, Some("a"), Some("b"), Some("")][usize::from(turn % 4)];
    let block = u64::from(*block) + 1;
    let whole = line_by_line(text, turn);
    assert_eq!(tail_of(text, turn, None, [ALL, 1, block]).0, whole, "in blocks of {block}");

    // Not further back than allowed.
    let tail = u64::from(*tail) * 8;
    let from = text.len().saturating_sub(tail as usize);
    let last = line_by_line(&text[behind_torn(text, from)..], turn);
    assert_eq!(tail_of(text, turn, None, [tail, 1, block]).0, last);

    // What was torn when it was read first is read when it is whole, and the rest is not read again.
    let cut = text.len() * usize::from(*cut) / 255;
    let overlap = u64::from(*overlap) + 1;
    let (before, known) = tail_of(&text[..cut], turn, None, [ALL, overlap, block]);
    let line_begins = text[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    assert_eq!(known, [cut as u64, line_begins as u64]);
    let (since, _) = tail_of(text, turn, Some(known), [ALL, overlap, block]);
    let (before_torn, _) = tail_of(&text[..line_begins], turn, None, [ALL, overlap, block]);
    if before == before_torn {
        assert_eq!(since.0.or(before.0), whole.0);
        let told = [since.1, before.1].concat();
        assert!(whole.1.iter().all(|used| told.contains(used)), "{told:?} are not {:?}", whole.1);
    }
    // One that has become shorter is another.
    let another = [text.len() as u64 + 1, known[1]];
    assert_eq!(tail_of(text, turn, Some(another), [ALL, overlap, block]).0, whole);
});

/// Reads it, and sees that no more is read than is allowed.
fn tail_of(text: &[u8], turn: Option<&str>, known: Option<[u64; 2]>, reach: [u64; 3]) -> (Said, [u64; 2]) {
    let [tail, overlap, _] = reach;
    let length = text.len() as u64;
    let known_whole = known.filter(|[known, _]| *known <= length).map_or(0, |[_, whole]| whole);
    let from = length.saturating_sub(tail).max(known_whole.saturating_sub(overlap));
    let mut file = Counting { file: Cursor::new(text), read: 0, lowest: length };
    let said = fuzzing::transcript(&mut file, turn, known, reach).expect("memory can be read");
    assert!(file.read <= length - from && file.lowest >= from, "more is read than is allowed");
    said
}

/// What the lines say, each alone, from the last one to the one that tells of the turn.
fn line_by_line(text: &[u8], turn: Option<&str>) -> Said {
    let mut used = Vec::new();
    for line in text.rsplit(|byte| *byte == b'\n') {
        let ((told, tools), _) = tail_of(line, turn, None, [ALL, 1, ALL]);
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
        let at = self.file.position();
        let read = self.file.read(buffer)?;
        if read > 0 {
            self.lowest = self.lowest.min(at);
        }
        self.read += read as u64;
        Ok(read)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
