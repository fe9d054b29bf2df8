//! Looking on at the operations of `disk.rs`, and failing them: for the tests of crashes and faults.
//!
//! With the feature `observe-disk` every operation is told to whoever observes the folder that it happens in. Without
//! it, as in every program that is shipped, nothing of this is compiled but the names of the operations.

use std::path::Path;

/// What the spool is about to do on the disk.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// Make an empty file that is not there yet.
    Create(&'a Path),
    /// Write these bytes at the end of the file.
    Write(&'a Path, &'a [u8]),
    /// Write these bytes in place of as many at the beginning of the file.
    WriteAtStart(&'a Path, &'a [u8]),
    /// Make the contents of the file durable.
    SyncFile(&'a Path),
    /// Make the names in the folder durable.
    SyncFolder(&'a Path),
    /// Give the file a second name.
    Link(&'a Path, &'a Path),
    /// Give the file another name, in place of the file of that name.
    Rename(&'a Path, &'a Path),
    /// Remove a name.
    Unlink(&'a Path),
    /// Remove a name in a folder.
    UnlinkIn(&'a Path, &'a str),
    /// Make an empty folder that is not there yet.
    MakeFolder(&'a Path),
    /// Remove the folder, if it is empty.
    RemoveFolder(&'a Path),
    /// Remove the folder and all that is in it.
    RemoveTree(&'a Path),
    /// Read the names in the folder.
    List(&'a Path),
    /// Read a small file.
    Read(&'a Path),
    /// Take the lock of the file, unless another has it.
    Lock(&'a Path),
}

#[cfg(feature = "observe-disk")]
mod on;
#[cfg(feature = "observe-disk")]
pub(crate) use on::perform;
#[cfg(feature = "observe-disk")]
pub use on::{MARKER, Observed, Observer, Site, observe};

#[cfg(not(feature = "observe-disk"))]
mod off;
#[cfg(not(feature = "observe-disk"))]
pub(crate) use off::perform;
