//! The database files that the stores of this process have open.
//!
//! SQLite locks a file with POSIX locks. The operating system releases all of them if the process closes any handle of
//! the file. So a handle that SQLite does not own is closed only while no store of the process has the file open.

use super::paths::FileId;
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

static OPEN: Mutex<BTreeMap<FileId, Entry>> = Mutex::new(BTreeMap::new());

struct Entry {
    real: PathBuf,
    stores: usize,
    /// Handles that are closed with the last store.
    ///
    /// Once all handles of a deleted file are closed, the system may give its identity to a new file. A handle here
    /// prevents that for as long as the entry exists.
    handles: Vec<File>,
}

/// The open files. While this value lives, no store opens or closes a file.
pub(super) struct OpenFiles(MutexGuard<'static, BTreeMap<FileId, Entry>>);

impl OpenFiles {
    /// Waits until no other thread opens or closes a file.
    pub(super) fn lock() -> Self {
        Self(OPEN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the path under which stores of this process have a file open.
    pub(super) fn path(&self, id: FileId) -> Option<&Path> {
        self.0.get(&id).map(|entry| &*entry.real)
    }

    /// Counts a store that opens the file.
    pub(super) fn add(&mut self, id: FileId, real: &Path) {
        let new = || Entry { real: real.to_owned(), stores: 0, handles: Vec::new() };
        self.0.entry(id).or_insert_with(new).stores += 1;
    }

    /// Counts a store that has closed its last connection to the file.
    pub(super) fn remove(&mut self, id: FileId) {
        let Some(entry) = self.0.get_mut(&id) else { return };
        entry.stores -= 1;
        if entry.stores == 0 {
            self.0.remove(&id);
        }
    }

    /// Closes a handle now, or with the last store that has the file open.
    pub(super) fn close(&mut self, id: FileId, handle: File) {
        if let Some(entry) = self.0.get_mut(&id) {
            entry.handles.push(handle);
        }
    }
}
