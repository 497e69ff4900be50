//! One server for one SQLite file.

use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Symbolic links followed before we give up; what Linux allows.
const LINKS_MAX: usize = 40;

/// Held while a server uses an SQLite file. The operating system drops it with the process, however that ends, so
/// there is never one left behind to remove.
///
/// It is on a file of its own beside the database: closing any handle of the database file itself would drop the
/// locks that SQLite has on it in this process.
#[derive(Debug)]
pub(super) struct ServerLock {
    _held: File,
}

impl ServerLock {
    /// Takes the lock of the database at `database`, whatever links lead there.
    pub(super) fn take(database: &Path) -> Result<Self> {
        let real = follow(database).with_context(|| {
            format!("there is no folder for {}; make it, or name another", database.display())
        })?;
        let mut path = real.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| {
            anyhow!("{} cannot be written: {error}; let this user write in its folder", path.display())
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another chat-server serves {} already; stop it, or name another database with --database-url",
                database.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }
}

/// The real path of a file that need not exist yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => fs::canonicalize(folder)?,
            _ => fs::canonicalize(".")?,
        };
        match fs::read_link(&path) {
            // A link to what does not exist yet.
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
    fn one_lock_by_whatever_path() {
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
            assert!(ServerLock::take(&link).is_err(), "nor once the database exists");
        }
        assert!(ServerLock::take(&folder.join(".").join("chat.db")).is_err());
        ServerLock::take(&folder.join("other.db")).unwrap();
        drop(held);
        ServerLock::take(&file).unwrap();
    }

    #[test]
    fn without_a_folder_there_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = ServerLock::take(&folder.path().join("no/chat.db")).unwrap_err().to_string();
        assert!(refusal.starts_with("there is no folder for"), "{refusal}");
    }
}
