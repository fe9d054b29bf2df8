use std::io;

use super::Operation;

/// Does what is to be done.
#[inline(always)]
pub(crate) fn perform<T>(_: Operation<'_>, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    act()
}
