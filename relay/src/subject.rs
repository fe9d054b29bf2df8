//! Where a message goes: `codex.<host>.<event>.<thread>`.

use std::fmt;
use std::str::FromStr;

use codex_spool::Event;

/// How much of the name of an event is in a subject, in characters. All that Codex 0.169 has are shorter than 18.
const LONGEST_KIND: usize = 64;

/// The name of a host, as it stands in subjects and in the ids of messages: 1 to 64 of `A-Z`, `a-z`, `0-9`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Host(String);

impl Host {
    /// What the system calls this host, up to the first dot, with a `-` for whatever a host's name cannot have here.
    pub(crate) fn of_system(name: &str) -> Option<Self> {
        let short = name.split('.').next().unwrap_or_default();
        short.chars().map(|c| if is_plain(c) { c } else { '-' }).collect::<String>().parse().ok()
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match (1..=64).contains(&name.len()) && name.chars().all(is_plain) {
            true => Ok(Self(name.to_owned())),
            false => Err("a host has 1 to 64 of A-Z, a-z, 0-9, '-' and '_'".to_owned()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The subject of an event.
pub(crate) fn subject(host: &Host, event: &Event) -> String {
    // A server closes the connection over a line of 4 KiB.
    let kind: String = event.kind().as_str().chars().take(LONGEST_KIND).collect();
    format!("codex.{host}.{}.{}", token(&kind), thread_token(event))
}

/// All subjects of the event's thread.
pub(crate) fn thread_subjects(host: &Host, event: &Event) -> String {
    format!("codex.{host}.*.{}", thread_token(event))
}

/// All subjects of a host, or of every one; of a kind of event, or of all; of a thread, or of all.
pub(crate) fn filter(host: Option<&Host>, event: Option<&str>, thread: Option<&str>) -> String {
    let or_any = |text: Option<String>| text.unwrap_or_else(|| "*".to_owned());
    let host = or_any(host.map(Host::to_string));
    format!("codex.{host}.{}.{}", or_any(event.map(token)), or_any(thread.map(token)))
}

/// The host in a subject.
pub(crate) fn host_of(subject: &str) -> Option<Host> {
    subject.strip_prefix("codex.")?.split('.').next()?.parse().ok()
}

/// An event of no thread has a token of its own there, so that each thread's last message is that of its last event.
fn thread_token(event: &Event) -> String {
    match event.thread_id() {
        Some(thread) => token(thread.as_str()),
        None => format!("=none={}", event.id()),
    }
}

/// A text as a token of a subject: whatever is no letter of ASCII, no digit, `-` or `_` becomes `=` and two hexadecimal
/// digits a byte. Different texts have different tokens.
fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            token.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| token.push_str(&format!("={byte:02X}")));
        }
    }
    token
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_subject_is_escaped() {
        assert_eq!(token("019aa3b1-4f6e_x"), "019aa3b1-4f6e_x");
        assert_eq!(token("a.b*c>d e=f"), "a=2Eb=2Ac=3Ed=20e=3Df");
        assert_eq!(token("ü"), "=C3=BC");
    }

    #[test]
    fn a_host_is_a_single_plain_token() {
        let host = |name| Host::of_system(name).map(|host| host.to_string());
        assert_eq!(host("web-1.example.org"), Some("web-1".to_owned()));
        assert_eq!(host("büro pc"), Some("b-ro-pc".to_owned()));
        assert_eq!(host(""), None);
        assert!("a.b".parse::<Host>().is_err());
        assert_eq!(host_of("codex.web-1.Stop.x"), "web-1".parse().ok());
    }
}
