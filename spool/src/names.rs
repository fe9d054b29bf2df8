//! Names that are checked when they are made: no path can be built from a bad one.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name or an id that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {shown:?}: it must be {grammar}")]
pub struct InvalidName {
    what: &'static str,
    shown: String,
    grammar: &'static str,
}

impl InvalidName {
    pub(crate) fn new(what: &'static str, text: &str, grammar: &'static str) -> Self {
        Self { what, shown: text.chars().take(80).collect(), grammar }
    }
}

/// Which of the names that there are a name was probably to be.
pub(crate) fn meant<const N: usize>(name: &str, names: [&'static str; N]) -> Option<&'static str> {
    let distance = |known: &&'static str| strsim::levenshtein(&name.to_lowercase(), known);
    names.into_iter().min_by_key(distance).filter(|known| distance(known) <= known.len() / 3)
}

/// The name of a consumer: `[a-z0-9][a-z0-9_-]{0,63}`.
///
/// ```
/// use codex_spool::ConsumerName;
/// assert!("wake-queue".parse::<ConsumerName>().is_ok());
/// assert!("../escape".parse::<ConsumerName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsumerName(Box<str>);

const CONSUMER_GRAMMAR: &str = "1 to 64 of a-z, 0-9, '-' and '_', the first a letter or a digit";

impl ConsumerName {
    /// Checks `name`.
    ///
    /// # Errors
    /// [`InvalidName`] when it is outside the grammar.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = (1..=64).contains(&name.len())
            && word(name.as_bytes()[0])
            && name.bytes().all(|byte| word(byte) || byte == b'-' || byte == b'_');
        if good {
            Ok(Self(name.into()))
        } else {
            Err(InvalidName::new("consumer name", name, CONSUMER_GRAMMAR))
        }
    }

    /// A name of an ephemeral consumer, `~` and 16 hexadecimal digits, which no caller can choose.
    pub(crate) fn ephemeral() -> Self {
        Self(format!("~{:016x}", fastrand::u64(..)).into())
    }

    /// The name of a folder below `consumers/`, where it is one that this crate makes.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        let ephemeral = name.strip_prefix('~').is_some_and(|digits| {
            digits.len() == 16 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        });
        if ephemeral { Some(Self(name.into())) } else { Self::new(name).ok() }
    }

    /// Whether the consumer ends with the program that made it.
    pub fn is_ephemeral(&self) -> bool {
        self.0.starts_with('~')
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The thread of an event: the id that Codex gave to the session, or to the subagent where the event is one's.
///
/// Not empty, at most 256 bytes, without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadId(Box<str>);

const THREAD_GRAMMAR: &str = "1 to 256 bytes without control characters";

impl ThreadId {
    /// Checks `id`.
    ///
    /// # Errors
    /// [`InvalidName`] when it is empty, too long, or has control characters.
    pub fn new(id: &str) -> Result<Self, InvalidName> {
        let good = (1..=256).contains(&id.len()) && !id.chars().any(char::is_control);
        if good { Ok(Self(id.into())) } else { Err(InvalidName::new("thread id", id, THREAD_GRAMMAR)) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidName;

            fn try_from(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    )*};
}

text_like!(ConsumerName ThreadId);
