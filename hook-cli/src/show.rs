//! Events and threads as they are shown to people. Nothing of what others have written in them can steer a terminal.

pub use crate::commands::event_line::for_people as event;
pub use crate::terminal::harmless_json as json;
pub use crate::threads::table as threads;
