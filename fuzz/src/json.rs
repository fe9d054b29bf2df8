//! JSON, read without any of the product's readers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A text cut at its quotes: what is outside of strings and what is inside, in turn, beginning outside.
pub type Pieces<'a> = Vec<&'a str>;

/// The pieces of a JSON text, which must be valid.
pub fn pieces(json: &str) -> Pieces<'_> {
    let mut pieces = Vec::new();
    let (mut start, mut inside) = (0, false);
    let mut bytes = json.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                pieces.push(&json[start..at]);
                (start, inside) = (at + 1, !inside);
            }
            b'\\' if inside => drop(bytes.next()),
            _ => {}
        }
    }
    assert!(!inside, "it is valid");
    pieces.push(&json[start..]);
    pieces
}

/// The same text without the white space in objects and arrays that are empty.
pub fn without_space_in_nothing(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for (place, piece) in pieces(json).into_iter().enumerate() {
        if place > 0 {
            text.push('"');
        }
        for byte in piece.chars() {
            if place % 2 == 0 && matches!(byte, '}' | ']') {
                let before = text.trim_end_matches([' ', '\t', '\r', '\n']).len();
                if text[..before].ends_with(['{', '[']) {
                    text.truncate(before);
                }
            }
            text.push(byte);
        }
    }
    text
}

/// The members of a JSON object in their order, also those whose key stands twice.
#[derive(Debug)]
pub struct Members(pub Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
