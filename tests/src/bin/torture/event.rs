//! The events of a torture: each is known by its number, and known to be whole by what it says.

/// The payload of an event. Every eighth is larger than a page.
pub(crate) fn payload(number: u64) -> String {
    let words = if number.is_multiple_of(8) { 800 } else { 20 };
    let mut text = String::with_capacity(words * 8 + 100);
    for word in 0..words as u64 {
        text.push_str(&format!("{:x} ", number.wrapping_mul(0x9e37_79b9).wrapping_add(word * word)));
    }
    let thread = number % 50;
    format!(
        r#"{{"hook_event_name":"PreToolUse","session_id":"{thread}","tool_use_id":"{number}","tool_input":"{text}"}}"#
    )
}

/// The number of an event, if it is as it was sent.
pub(crate) fn number(payload: &str) -> Option<u64> {
    let number = payload.split(r#""tool_use_id":""#).nth(1)?.split('"').next()?.parse().ok()?;
    (payload == self::payload(number)).then_some(number)
}
