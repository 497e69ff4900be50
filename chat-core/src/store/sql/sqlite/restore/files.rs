//! The files of a replacement: the copy, the old files, and their new names.

use crate::store::sql::{
    OpenError, RestoreError,
    sqlite::{
        paths::{beside, follow, no_folder},
        stale_wal::{WAL, is_non_empty},
    },
};
use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The suffix of the rollback journal's name.
const JOURNAL: &str = "-journal";
/// The suffix of the name of the shared-memory index.
const SHM: &str = "-shm";

/// The files of a database, by the real path of the database.
pub(super) struct Files {
    pub(super) real: PathBuf,
    folder: PathBuf,
}

/// The copy that becomes the database.
///
/// Dropping the value removes the file, unless the file was renamed.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
}

impl Files {
    /// Follows symbolic links to the database, which need not exist.
    pub(super) fn of(database: &Path) -> Result<Self, RestoreError> {
        let name = database.display().to_string();
        let real = follow(database).map_err(|error| no_folder(&name, error))?;
        if real.is_dir() {
            return Err(OpenError::Directory(name).into());
        }
        let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self { real, folder })
    }

    /// Returns the error of a step that failed before the database was replaced.
    pub(super) fn write_error(
        &self,
        what: &str,
        file: &Path,
        error: impl Error + Send + Sync + 'static,
    ) -> RestoreError {
        RestoreError::Write(format!("{what} {}", file.display()), Arc::new(error))
    }

    /// Creates the empty file of the copy, and removes that of an interrupted call.
    pub(super) fn create_copy(&self) -> Result<NewFile, RestoreError> {
        let path = beside(&self.real, ".restoring");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let created = remove(&path).and_then(|()| options.open(&path));
        match created {
            Ok(file) => Ok(NewFile { path, file }),
            Err(error) => Err(self.write_error("create", &path, error)),
        }
    }

    /// Gives the old files a second name, and renames the copy to the database.
    ///
    /// Returns the second names.
    pub(super) fn replace(&self, copy: NewFile) -> Result<Vec<PathBuf>, RestoreError> {
        owner::copy(&self.real, &self.folder, &copy.path)
            .map_err(|error| self.write_error("set the owner and the permissions of", &copy.path, error))?;
        let kept = self.keep()?;
        // If SQLite could open the old database, the database no longer needs its journal. If SQLite could not open it,
        // the journal must be removed too: SQLite would apply it to the copy.
        let journal = beside(&self.real, JOURNAL);
        let renamed = remove(&journal)
            .and_then(|()| sync_folder(&self.folder))
            .and_then(|()| fs::rename(&copy.path, &self.real));
        if let Err(error) = renamed {
            let is_journal = |file: &PathBuf| file.to_string_lossy().ends_with(JOURNAL);
            for file in kept.iter().filter(|file| !is_journal(file)) {
                remove(file).ok();
            }
            return Err(self.write_error("replace", &self.real, error));
        }
        copy.keep();
        for suffix in [WAL, SHM] {
            let file = beside(&self.real, suffix);
            let removed = sync_folder(&self.folder).and_then(|()| remove(&file));
            removed.map_err(|error| RestoreError::Leftover(file.display().to_string(), Arc::new(error)))?;
        }
        sync_folder(&self.folder).ok();
        Ok(kept)
    }

    /// Gives each old file that is not empty a second name.
    fn keep(&self) -> Result<Vec<PathBuf>, RestoreError> {
        let suffixes = ["", WAL, JOURNAL];
        let is_free = |number: &u32| {
            suffixes.iter().all(|suffix| self.kept_name(*number, suffix).symlink_metadata().is_err())
        };
        let number = (1..u32::MAX).find(is_free).unwrap_or(u32::MAX);
        let mut kept = Vec::new();
        for suffix in suffixes {
            let (old, new) = (beside(&self.real, suffix), self.kept_name(number, suffix));
            if is_non_empty(&old) {
                second_name(&old, &new).map_err(|error| self.write_error("create", &new, error))?;
                kept.push(new);
            }
        }
        Ok(kept)
    }

    fn kept_name(&self, number: u32, suffix: &str) -> PathBuf {
        beside(&self.real, &format!(".before-restore-{number}{suffix}"))
    }
}

impl NewFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the content to the disk.
    pub(super) fn sync(&self) -> Result<(), RestoreError> {
        let failed = |error| RestoreError::Write(format!("sync {}", self.path.display()), Arc::new(error));
        self.file.sync_all().map_err(failed)
    }

    /// Keeps the file, which has another name now.
    fn keep(mut self) {
        self.path.clear();
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.path != Path::new("") {
            remove(&self.path).ok();
        }
    }
}

/// Gives a file a second name, or copies it if the file system has no hard links.
fn second_name(old: &Path, new: &Path) -> io::Result<()> {
    match fs::hard_link(old, new) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // `copy` opens and closes the old file. This releases the SQLite locks of this process on the file. The server
        // lock is still held.
        Err(_) => fs::copy(old, new).and_then(|_| File::open(new)?.sync_all()),
    }
}

/// Removes a file if it exists.
fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Syncs the names in a folder. Not every system can open or sync a folder.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
mod owner {
    use super::{beside, fs, io};
    use std::{
        os::unix::fs::{MetadataExt as _, chown},
        path::Path,
    };

    /// Gives the copy the owner and the permissions of the old database.
    ///
    /// If there is no old database and the user is root, the copy gets the owner of the folder. The lock file of the
    /// server, which the command may have created, gets the same owner.
    pub(super) fn copy(old: &Path, folder: &Path, copy: &Path) -> io::Result<()> {
        let new = fs::metadata(copy)?;
        let model = match fs::metadata(old) {
            Ok(old) => {
                fs::set_permissions(copy, old.permissions())?;
                old
            }
            Err(_) if new.uid() == 0 => fs::metadata(folder)?,
            Err(_) => return Ok(()),
        };
        let owner = (model.uid(), model.gid());
        for file in [copy, &*beside(old, ".lock")] {
            match fs::metadata(file) {
                Ok(data) if (data.uid(), data.gid()) != owner => {
                    let given = chown(file, Some(owner.0), Some(owner.1));
                    // An owner who is not in the group of the database cannot give the file to that group.
                    if data.uid() != owner.0 {
                        given?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod owner {
    use super::io;
    use std::path::Path;

    pub(super) fn copy(_: &Path, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
