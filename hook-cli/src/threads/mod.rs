//! What Codex threads are doing, for people at a terminal.

mod selection;
mod table;
pub(crate) mod watch;
mod words;

pub(crate) use self::selection::Selection;
pub use self::table::table;
