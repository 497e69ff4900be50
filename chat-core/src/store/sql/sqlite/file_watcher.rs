//! Detects that a database file in use was moved, replaced, deleted or overwritten.
//!
//! SQLite keeps writing to a file that has no name any more. Each commit succeeds, and all of them are lost when the
//! server stops, or are missing from the file that the next server opens.

use super::{
    driver::Location,
    file::DatabaseFile,
    lost::Lost,
    paths::{FileId, SUFFIXES, beside},
};
use crate::error_chain;
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// The files of a database in use: the database itself, the WAL and its index.
///
/// Without the WAL, a crash loses the messages since the last checkpoint. Without the index, another process creates a
/// new one, and the two processes overwrite each other's part of the WAL.
#[derive(Debug)]
pub(crate) struct FileWatcher {
    /// The database, until its last connection is closed.
    database: Weak<DatabaseFile>,
    /// The database first; empty for a database in memory.
    files: Vec<(PathBuf, FileId)>,
    /// Whether a file was lost at the last check.
    lost: AtomicBool,
}

impl FileWatcher {
    /// Starts to watch the files of a database.
    ///
    /// A connection must have read from it, so that the WAL and its index exist.
    pub(super) fn start(location: &Location) -> Result<Self, Lost> {
        let (mut files, mut database) = (Vec::new(), Weak::new());
        if let Location::File(file) = location {
            files.push((file.given.clone(), file.id));
            let beside = SUFFIXES.map(|suffix| beside(&file.real, suffix));
            files.extend(
                beside.into_iter().filter_map(|path| Some((path.clone(), FileId::of_path(&path).ok()?))),
            );
            file.watch_contents();
            database = Arc::downgrade(file);
        }
        let watcher = Self { database, files, lost: AtomicBool::new(false) };
        watcher.check().map(|()| watcher)
    }

    /// Checks that each path has the file that SQLite has open, and that none was overwritten.
    pub(super) fn check(&self) -> Result<(), Lost> {
        for (n, (path, id)) in self.files.iter().enumerate() {
            let error = match fs::metadata(path) {
                Ok(data) if FileId::of(&data) == *id => {
                    match self.database.upgrade() {
                        Some(file) if n == 0 => {
                            file.check_contents(&data).inspect_err(|_| self.set_lost())?
                        }
                        _ => {}
                    }
                    continue;
                }
                Ok(_) => None,
                Err(error) => Some(error),
            };
            let moved = Lost::moved(path, error);
            if !self.is_lost() {
                self.set_lost();
                let error = error_chain(&moved);
                tracing::error!("{error}; writes are refused: put the same file back, or restart the server");
            }
            return Err(moved);
        }
        if self.is_lost() && self.lost.swap(false, Ordering::Relaxed) {
            tracing::info!("the files of the database are back in their places; writes resume");
        }
        Ok(())
    }

    /// Returns whether a file was lost at the last check.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns whether the server lock of the database is held, but not by its store.
    pub(super) fn is_served_by_other(&self) -> bool {
        self.database.upgrade().is_some_and(|file| file.is_served_by_other())
    }

    fn set_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }
}
