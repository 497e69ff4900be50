//! The paths and the identities of database files, and the errors of opening one.

use crate::store::sql::OpenError;
use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The largest number of symbolic links that are followed: the limit of Linux.
const MAX_LINKS: usize = 40;
/// The suffixes of the WAL and its index.
///
/// SQLite keeps these files beside a database in use.
pub(super) const SUFFIXES: [&str; 2] = ["-wal", "-shm"];

/// The identity of a file: its device and inode.
///
/// Windows allows no program to move or delete a file in use, so all files have one identity there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(data: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Self(data.dev(), data.ino())
        }
        #[cfg(not(unix))]
        {
            let _ = data;
            Self(0, 0)
        }
    }

    pub(super) fn of_path(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|data| Self::of(&data))
    }
}

/// Returns whether this user can create files beside the database, as SQLite does.
#[cfg(unix)]
pub(super) fn folder_is_writable(real: &Path) -> bool {
    use rustix::fs::{Access, access};
    real.parent().is_none_or(|folder| access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

#[cfg(not(unix))]
pub(super) fn folder_is_writable(_: &Path) -> bool {
    true
}

/// Returns the path of a file beside the database.
pub(in crate::store::sql) fn beside(real: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(real);
    name.push(suffix);
    name.into()
}

/// Returns the real path of a file that need not exist.
///
/// The target of a symbolic link need not exist either.
pub(super) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => fs::canonicalize(folder)?,
            _ => fs::canonicalize(".")?,
        };
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(folder.join(path.file_name().unwrap_or_default())),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Converts an error of [`follow`].
pub(super) fn no_folder(name: &str, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::NotFound => OpenError::NoFolder(name.to_owned()),
        _ => OpenError::File(name.to_owned(), Arc::new(error)),
    }
}

/// Opens a file that exists for reading and writing.
pub(super) fn open_to_write(file: &Path) -> Result<File, OpenError> {
    OpenOptions::new().read(true).write(true).open(file).map_err(|error| denied(file, error))
}

/// Converts the error of a file that cannot be opened.
///
/// The new error names the owner of the file if that is another user.
pub(super) fn denied(file: &Path, error: io::Error) -> OpenError {
    let name = file.display().to_string();
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly(name),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::DiskFull(name),
        io::ErrorKind::PermissionDenied => match other_owner(file) {
            Some(Some(owner)) => OpenError::NotOwner { file: name, owner },
            Some(None) => OpenError::ReadOnly(name),
            None => OpenError::File(name, Arc::new(error)),
        },
        _ => OpenError::File(name, Arc::new(error)),
    }
}

/// Returns the owner of a file if that is another user.
///
/// Returns `Some(None)` if this user owns it, and `None` if the file cannot be looked up.
#[cfg(unix)]
fn other_owner(file: &Path) -> Option<Option<String>> {
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(file).ok()?);
    let name = if owner == 0 { "root".to_owned() } else { format!("user id {owner}") };
    Some((owner != rustix::process::geteuid().as_raw()).then_some(name))
}

#[cfg(not(unix))]
fn other_owner(_: &Path) -> Option<Option<String>> {
    None
}
