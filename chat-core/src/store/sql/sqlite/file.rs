//! The file of an SQLite database while a store has it open, and who may use it.

use super::{
    lock::{self, Flock, ServerLock},
    lost::Lost,
    open_files::OpenFiles,
    overwritten::Contents,
    paths::{FileId, SUFFIXES, beside, denied, folder_is_writable, follow, no_folder, open_to_write},
    stale_wal::{self, ServerLocked},
};
use crate::store::sql::{Mode, OpenError};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The file of a store's database. It outlives every connection to it.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    /// The path as in the address, for errors.
    pub(super) name: String,
    /// The same path, but absolute.
    pub(super) given: PathBuf,
    /// Without symbolic links. SQLite names the files beside the database after it.
    pub(super) real: PathBuf,
    pub(super) id: FileId,
    pub(super) mode: Mode,
    /// Whether SQLite reads the file without creating files beside it.
    pub(super) is_immutable: bool,
    lock: Option<ServerLock>,
    /// A handle to compare the contents. SQLite's own handles are not accessible.
    handle: Option<File>,
    /// Set once the WAL exists.
    contents: OnceLock<Contents>,
}

impl DatabaseFile {
    /// Prepares a file for SQLite, and creates it if `mode` allows that.
    ///
    /// Refuses a file that this user cannot write to, unless it is only read. SQLite would open it read-only without an
    /// error. Without `lock`, refuses a file that is served under another path.
    pub(super) async fn open(
        path: &Path,
        mode: Mode,
        lock: Option<ServerLock>,
    ) -> Result<Arc<Self>, OpenError> {
        let name = path.display().to_string();
        let real = match follow(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && mode != Mode::Create => {
                return Err(OpenError::Missing(name));
            }
            found => found.map_err(|error| no_folder(&name, error))?,
        };
        stale_wal::refuse(path, if lock.is_some() { ServerLocked::Here } else { ServerLocked::NotHere })?;
        match fs::metadata(&real) {
            Ok(found) if found.is_dir() => return Err(OpenError::Directory(name)),
            Ok(found) if !found.is_file() => return Err(OpenError::NotADatabase(name)),
            Ok(_) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::File(name, Arc::new(error)));
            }
            Err(_) if mode != Mode::Create => return Err(OpenError::Missing(name)),
            Err(_) => create_private(&real).map_err(|error| denied(&real, error))?,
        }
        if let Some(lock) = &lock {
            lock.hold(&real, &name).await?;
        }
        let failed = |error| OpenError::File(name.clone(), Arc::new(error));
        let given = std::path::absolute(path).map_err(failed)?;
        let mut open = OpenFiles::lock();
        let mut id = FileId::of_path(&real).map_err(failed)?;
        let mut probed = None;
        match open.path(id) {
            Some(other) if other != real => return Err(OpenError::ServedElsewhere(name)),
            Some(_) => {}
            None => {
                if lock.is_none() {
                    let handle;
                    (id, handle) = probe(&real, mode, &name)?;
                    probed = Some(handle);
                }
                if mode != Mode::ReadOnly {
                    make_writable(&real)?;
                }
            }
        }
        open.add(id, &real);
        // While the handle is open, no other file gets the same identity. `lock` has such a handle too.
        if let Some(handle) = probed {
            open.close(id, handle);
        }
        let handle = open_again(&mut open, &real, id);
        drop(open);
        let is_immutable = mode == Mode::ReadOnly && is_unused(&real) && !folder_is_writable(&real);
        let contents = OnceLock::new();
        Ok(Arc::new(Self { name, given, real, id, mode, is_immutable, lock, handle, contents }))
    }

    /// Returns whether the server lock of the file is held, but not by this store.
    pub(super) fn is_served_by_other(&self) -> bool {
        self.lock.is_none() && lock::is_served_here(&self.real)
    }

    /// Starts to watch whether the database or its WAL is overwritten.
    ///
    /// Call it when the WAL exists. Does nothing for a database that is only read.
    pub(super) fn watch_contents(&self) {
        if let Some(handle) = &self.handle
            && self.mode != Mode::ReadOnly
            && let Some(contents) = Contents::of(&self.real, handle)
        {
            self.contents.set(contents).ok();
        }
    }

    /// Checks that neither the database nor its WAL was overwritten. `data` is the metadata of the database.
    pub(super) fn check_contents(&self, data: &Metadata) -> Result<(), Lost> {
        match (&self.handle, self.contents.get()) {
            (Some(handle), Some(contents)) => contents.check(&self.given, handle, data),
            _ => Ok(()),
        }
    }

    /// Returns whether the database or its WAL was overwritten.
    pub(super) fn is_overwritten(&self) -> bool {
        let data = self.handle.as_ref().and_then(|handle| handle.metadata().ok());
        data.is_some_and(|data| self.check_contents(&data).is_err())
    }
}

/// Opens one more handle, for reading, to a database that is counted in `open`.
fn open_again(open: &mut OpenFiles, real: &Path, id: FileId) -> Option<File> {
    let handle = File::open(real).ok()?;
    let found = handle.metadata().map_or(id, |data| FileId::of(&data));
    if found == id {
        return Some(handle);
    }
    // The file was replaced. Another store may have the new one open.
    open.close(found, handle);
    None
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        // The last connection is closed.
        let mut open = OpenFiles::lock();
        if let Some(handle) = self.handle.take() {
            open.close(self.id, handle);
        }
        open.remove(self.id);
        drop(open);
        self.lock = None;
    }
}

/// Returns whether the database has neither a WAL nor an index of it.
///
/// Both exist while a program uses the database, and after a crash.
fn is_unused(real: &Path) -> bool {
    SUFFIXES.iter().all(|suffix| !beside(real, suffix).exists())
}

/// Creates an empty file that only its owner can read.
///
/// Another process may create it first. An existing file is not opened: closing it could release the locks of SQLite.
fn create_private(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Checks that this user may use a file.
///
/// Checks as well that it is not served under another path. Returns the identity and a handle of the file. Close the
/// handle only while no store of this process has the file open.
fn probe(real: &Path, mode: Mode, name: &str) -> Result<(FileId, File), OpenError> {
    let handle = match mode {
        Mode::ReadOnly => File::open(real).map_err(|error| denied(real, error))?,
        Mode::ReadWrite | Mode::Create => open_to_write(real)?,
    };
    if lock::flock_shared(&handle) == Flock::Taken && !lock::is_served_here(real) {
        return Err(OpenError::ServedElsewhere(name.to_owned()));
    }
    let data = handle.metadata().map_err(|error| denied(real, error))?;
    Ok((FileId::of(&data), handle))
}

/// Checks that no server has locked a file under another path.
pub(in crate::store::sql) fn refuse_served_elsewhere(real: &Path) -> Result<(), OpenError> {
    let open = OpenFiles::lock();
    match FileId::of_path(real) {
        Ok(id) if open.path(id).is_none() => {
            probe(real, Mode::ReadOnly, &real.display().to_string()).map(drop)
        }
        _ => Ok(()),
    }
}

/// Makes the WAL and its index writable, if this user owns them.
///
/// SQLite gives them the permissions of the database. If the database was read-only at that time, they stay read-only
/// when it becomes writable, and then every write fails.
fn make_writable(real: &Path) -> Result<(), OpenError> {
    for suffix in SUFFIXES {
        let file = beside(real, suffix);
        match open_to_write(&file) {
            Err(OpenError::ReadOnly(_)) => {
                let permissions = fs::metadata(real).map(|data| data.permissions());
                let made = permissions.and_then(|permissions| fs::set_permissions(&file, permissions));
                made.map_err(|error| denied(&file, error))?;
            }
            Err(error @ OpenError::NotOwner { .. }) => return Err(error),
            // SQLite reports every other error. Usually the file does not exist.
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The system may give the inode of a deleted file to the next new one.
    #[tokio::test]
    async fn a_new_file_is_not_mistaken_for_a_deleted_one_that_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let deleted = folder.path().join("deleted.db");
        let open = DatabaseFile::open(&deleted, Mode::Create, None).await.unwrap();
        fs::remove_file(&deleted).unwrap();
        for n in 0..100 {
            let new = folder.path().join(format!("{n}.db"));
            DatabaseFile::open(&new, Mode::Create, None).await.unwrap();
        }
        drop(open);
    }
}
