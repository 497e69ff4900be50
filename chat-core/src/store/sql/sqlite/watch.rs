//! Detects that a database file in use was moved, replaced or deleted.
//!
//! SQLite keeps writing to a file that has no name any more. Each commit succeeds, and all of them are lost when the
//! server stops, or are missing from the file that the next server opens.

use super::{
    driver::Place,
    file::{FileId, SUFFIXES, beside},
};
use crate::error_chain;
use std::{
    io,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

/// The files of a database in use: the database itself, the WAL and its index.
///
/// Without the WAL, a crash loses the messages since the last checkpoint. Without the index, another process creates a
/// new one, and the two processes overwrite each other's part of the WAL.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Empty for a database in memory.
    files: Vec<(PathBuf, FileId)>,
    /// Whether a file was not in its place at the last check.
    moved: AtomicBool,
}

/// A file of the database is not the one that SQLite has open.
#[derive(Debug, thiserror::Error)]
#[error("{file} was moved, replaced or deleted while the database is in use")]
pub(crate) struct Moved {
    pub(super) file: String,
    #[source]
    error: Option<io::Error>,
}

impl Watch {
    /// Starts to watch the files of a database.
    ///
    /// A connection must have read from it, so that the WAL and its index exist.
    pub(super) fn start(place: &Place) -> Result<Self, Moved> {
        let mut files = Vec::new();
        if let Place::File(file) = place {
            files.push((file.given.clone(), file.id));
            let beside = SUFFIXES.map(|suffix| beside(&file.real, suffix));
            files.extend(
                beside.into_iter().filter_map(|path| Some((path.clone(), FileId::of_path(&path).ok()?))),
            );
        }
        let watch = Self { files, moved: AtomicBool::new(false) };
        watch.check().map(|()| watch)
    }

    /// Checks that each path has the file that SQLite has open.
    pub(super) fn check(&self) -> Result<(), Moved> {
        for (path, id) in &self.files {
            let error = match FileId::of_path(path) {
                Ok(found) if found == *id => continue,
                Ok(_) => None,
                Err(error) => Some(error),
            };
            let moved = Moved { file: path.display().to_string(), error };
            if !self.moved.swap(true, Ordering::Relaxed) {
                let error = error_chain(&moved);
                tracing::error!("{error}; writes are refused: put the same file back, or restart the server");
            }
            return Err(moved);
        }
        if self.is_moved() && self.moved.swap(false, Ordering::Relaxed) {
            tracing::info!("the files of the database are back in their places; writes resume");
        }
        Ok(())
    }

    /// Returns whether a file was not in its place at the last check.
    pub(super) fn is_moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed)
    }
}
