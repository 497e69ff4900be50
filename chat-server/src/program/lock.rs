//! The lock that allows one server per SQLite file.

use super::failure::hinted;
use anyhow::{Context, Result, anyhow};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Maximum number of symbolic links that are followed: the limit of Linux.
const MAX_LINKS: usize = 40;

/// The lock that a server holds while it uses an SQLite file.
///
/// The operating system releases it when the process ends, even after a crash. So a lock never becomes stale.
///
/// It is on a separate file beside the database. If this process closed a handle of the database file itself, it would
/// release the locks that SQLite holds on that file.
#[derive(Debug)]
pub(super) struct ServerLock {
    _held: File,
}

impl ServerLock {
    /// Takes the lock of the database at this path, following symbolic links.
    pub(super) fn take(database: &Path) -> Result<Self> {
        let real = follow(database).map_err(|error| {
            let text = format!("there is no folder for {}", database.display());
            hinted(anyhow::Error::from(error).context(text), "create it, or name another database")
        })?;
        let mut path = real.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| {
            let text = format!("cannot write {}", path.display());
            hinted(anyhow::Error::from(error).context(text), "let this user write to its folder")
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(hinted(
                anyhow!("another chat-server serves {} already", database.display()),
                "stop it, or name another database with --database-url",
            )),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

/// Returns the real path of a file that need not exist.
fn follow(path: &Path) -> io::Result<PathBuf> {
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
            // A link to a file that does not exist yet.
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(folder.join(path.file_name().unwrap_or_default())),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_lock_under_all_its_paths() {
        let folder = tempfile::tempdir().unwrap();
        let (file, folder) = (folder.path().join("chat.db"), folder.path());
        let held = ServerLock::take(&file).unwrap();
        assert!(!file.exists(), "the database itself is not touched");
        #[cfg(unix)]
        {
            let link = folder.join("link.db");
            std::os::unix::fs::symlink("chat.db", &link).unwrap();
            let refusal = ServerLock::take(&link).unwrap_err().to_string();
            assert!(refusal.contains("another chat-server serves"), "{refusal}");
            fs::write(&file, "").unwrap();
            assert!(ServerLock::take(&link).is_err(), "the same once the database exists");
        }
        assert!(ServerLock::take(&folder.join(".").join("chat.db")).is_err());
        ServerLock::take(&folder.join("other.db")).unwrap();
        drop(held);
        ServerLock::take(&file).unwrap();
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = ServerLock::take(&folder.path().join("no/chat.db")).unwrap_err().to_string();
        assert!(refusal.starts_with("there is no folder for"), "{refusal}");
    }
}
