//! JSON as text: a walk over what is known to be valid, which builds nothing of it.

use std::fmt::Write;
use std::ops::Range;

const LONGEST_POINTER: usize = 512;

/// What a walk has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A key of an object: what is between its quotes.
    Key(Range<usize>),
    /// A string that is a value: what is between its quotes.
    String(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Plain(Range<usize>),
    /// An object or an array begins here.
    Opened(usize),
}

/// A step down: below this key (a range of the text) or at this place of an array.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Key(Range<usize>),
    Place(usize),
}

/// A walk over every key and value of a JSON text, in their order.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    json: &'a str,
    at: usize,
    path: Vec<Step>,
    /// What was opened last, and not yet entered.
    opened: Option<Step>,
    /// Whether the next string is a key: after `{`, and after `,` in an object.
    key_next: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        Self { json, at: 0, path: Vec::new(), opened: None, key_next: false }
    }

    /// The way to what was found last; to a key, the one to its value.
    pub(crate) fn path(&self) -> &[Step] {
        &self.path
    }

    /// The same as a JSON Pointer (RFC 6901). One longer than 512 bytes ends in `…`.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            match step {
                Step::Place(place) => {
                    write!(pointer, "/{place}").expect("a String takes all that is written")
                }
                Step::Key(key) => {
                    // A key as long as a payload is not worth decoding; its beginning names it.
                    let raw = beginning(&self.json[key.clone()], LONGEST_POINTER);
                    let key: String =
                        serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
            if pointer.len() > LONGEST_POINTER {
                pointer.truncate(pointer.floor_char_boundary(LONGEST_POINTER));
                pointer.push('…');
                break;
            }
        }
        pointer
    }

    /// Goes on to the next key or value.
    pub(crate) fn next(&mut self) -> Option<Found> {
        if let Some(step) = self.opened.take() {
            self.key_next = matches!(step, Step::Key(_));
            self.path.push(step);
        }
        let bytes = self.json.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'"' => {
                    let inside = start + 1..end_of_string(bytes, start + 1);
                    self.at = inside.end + 1;
                    return Some(match self.path.last_mut() {
                        Some(Step::Key(key)) if self.key_next => {
                            (*key, self.key_next) = (inside.clone(), false);
                            Found::Key(inside)
                        }
                        _ => Found::String(inside),
                    });
                }
                b'{' | b'[' => {
                    self.opened = Some(if byte == b'{' { Step::Key(0..0) } else { Step::Place(0) });
                    return Some(Found::Opened(start));
                }
                b'}' | b']' => {
                    self.path.pop();
                    self.key_next = false;
                }
                b',' => match self.path.last_mut() {
                    Some(Step::Place(place)) => *place += 1,
                    _ => self.key_next = true,
                },
                b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => {
                    let ends = |byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                    while bytes.get(self.at).is_some_and(|&byte| !ends(byte)) {
                        self.at += 1;
                    }
                    return Some(Found::Plain(start..self.at));
                }
            }
        }
        None
    }

    /// Passes over all that is in what was opened last, and gives the place after it.
    pub(crate) fn skip(&mut self) -> usize {
        let bytes = self.json.as_bytes();
        let mut depth = usize::from(self.opened.take().is_some());
        while depth > 0
            && let Some(&byte) = bytes.get(self.at)
        {
            match byte {
                b'"' => self.at = end_of_string(bytes, self.at + 1),
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.at
    }
}

/// The place of the quote that ends the string whose inside begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// The first `length` bytes of a JSON string's inside, or a few fewer, so that no character and no escape is cut.
pub(crate) fn beginning(inside: &str, length: usize) -> &str {
    let bytes = inside.as_bytes();
    let (mut end, mut next) = (0, 0);
    while next <= length {
        end = next;
        next += match bytes.get(next) {
            None => break,
            Some(b'\\') if bytes[next + 1] == b'u' => {
                // The two halves of a character outside the basic plane stay together.
                let high = matches!(
                    &bytes[next + 2..next + 4],
                    [b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B']
                );
                if high && bytes.get(next + 6..next + 8) == Some(b"\\u") { 12 } else { 6 }
            }
            Some(b'\\') => 2,
            Some(_) => (next + 1..).find(|&i| inside.is_char_boundary(i)).unwrap_or(bytes.len()) - next,
        };
    }
    &inside[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, as it stands in the text, with the pointer to it; what is opened there is passed over.
    fn walked(json: &str, skipped: &str) -> Vec<(String, String)> {
        let mut walk = Walk::new(json);
        let mut found = Vec::new();
        while let Some(next) = walk.next() {
            let pointer = walk.pointer();
            let text = match next {
                Found::Key(range) => format!("key {}", &json[range]),
                Found::String(range) => format!("string {}", &json[range]),
                Found::Plain(range) => json[range].to_owned(),
                Found::Opened(start) if pointer == skipped => json[start..walk.skip()].to_owned(),
                Found::Opened(start) => json[start..=start].to_owned(),
            };
            found.push((pointer, text));
        }
        found
    }

    #[test]
    fn every_key_and_value_is_come_to_by_its_pointer() {
        let json = r#" {"a" : -1.5e3, "b~/":[true,{"c":"\"}"},[],[[null]]], "d":{} ,"":"e"} "#;
        let found = walked(json, "none");
        let found: Vec<_> = found.iter().map(|(pointer, text)| (pointer.as_str(), text.as_str())).collect();
        let expected = [
            ("", "{"),
            ("/a", "key a"),
            ("/a", "-1.5e3"),
            ("/b~0~1", "key b~/"),
            ("/b~0~1", "["),
            ("/b~0~1/0", "true"),
            ("/b~0~1/1", "{"),
            ("/b~0~1/1/c", "key c"),
            ("/b~0~1/1/c", r#"string \"}"#),
            ("/b~0~1/2", "["),
            ("/b~0~1/3", "["),
            ("/b~0~1/3/0", "["),
            ("/b~0~1/3/0/0", "null"),
            ("/d", "key d"),
            ("/d", "{"),
            ("/", "key "),
            ("/", "string e"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_passed_over_is_there_whole_and_the_walk_goes_on_behind_it() {
        let found = walked(r#"{"a":{"b":["}]\"",{}]},"c":[1]}"#, "/a");
        let found: Vec<_> = found.iter().map(|(pointer, text)| (pointer.as_str(), text.as_str())).collect();
        let expected = [
            ("", "{"),
            ("/a", "key a"),
            ("/a", r#"{"b":["}]\"",{}]}"#),
            ("/c", "key c"),
            ("/c", "["),
            ("/c/0", "1"),
        ];
        assert_eq!(found, expected);
    }
}
