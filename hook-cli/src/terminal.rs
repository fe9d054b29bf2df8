//! Text that others have written, on its way to a terminal.

use std::borrow::Cow;

/// The same with a space for each character that steers: control characters, and those that turn the direction of
/// writing.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    match text.contains(steers) {
        true => text.replace(steers, " ").into(),
        false => text.into(),
    }
}

/// A line of JSON that means the same, with these characters escaped. Outside of its strings the only one is the tab.
pub fn harmless_json(line: &str) -> String {
    let mut harmless = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' | '\n' => harmless.push(c),
            // All are of the first plane.
            c if steers(c) => harmless.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => harmless.push(c),
        }
    }
    harmless
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "a\u{1b}[31mb\r\nc\u{9b}2Jd\u{202e}e\u{2066}f\u{200f}g\u{7f}";

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(harmless(EVIL), "a [31mb  c 2Jd e f g ");
        assert_eq!(harmless("grün ✓ 日本"), "grün ✓ 日本");
    }

    #[test]
    fn json_that_is_made_harmless_means_the_same() {
        let line = format!("{{\t\"a\": {}}}\n", serde_json::to_string(EVIL).expect("a string"));
        let harmless = harmless_json(&line);
        assert!(!harmless.trim_end().contains(|c| c != '\t' && steers(c)), "{harmless:?}");
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        assert_eq!(read(&harmless), read(&line));
    }
}
