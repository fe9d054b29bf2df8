//! The names of Codex's lifecycle events.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// Which lifecycle event of Codex an event is. A name that this version does not know is kept as it is.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind,)*
            /// An event of a Codex that is newer than this crate.
            Other(Box<str>),
        }

        impl EventKind {
            /// All events that Codex 0.169 fires.
            pub const KNOWN: &[Self] = &[$(Self::$kind),*];

            /// The name, as in `hook_event_name`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => stringify!($kind),)*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for EventKind {
            fn from(name: &str) -> Self {
                match name {
                    $(stringify!($kind) => Self::$kind,)*
                    _ => Self::Other(name.into()),
                }
            }
        }
    };
}

kinds! {
    /// A thread was loaded: started, resumed, cleared, compacted or forked. Fires at its first turn.
    SessionStart,
    /// A thread was left.
    SessionEnd,
    /// A prompt was sent: a turn begins.
    UserPromptSubmit,
    /// A tool is about to be used.
    PreToolUse,
    /// The user is asked for permission.
    PermissionRequest,
    /// A tool was used.
    PostToolUse,
    /// The conversation is about to be compacted.
    PreCompact,
    /// The conversation was compacted.
    PostCompact,
    /// A subagent was started.
    SubagentStart,
    /// A subagent is done.
    SubagentStop,
    /// A turn is done.
    Stop,
    /// A turn was interrupted.
    Interrupt,
    /// The model is about to be asked.
    PreModelRequest,
    /// The model has answered, or failed.
    PostModelRequest,
}

impl FromStr for EventKind {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
