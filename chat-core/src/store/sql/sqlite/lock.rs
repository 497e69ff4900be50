//! The lock that allows one server per SQLite file.

use super::{
    open_files::OpenFiles,
    paths::{FileId, beside, denied, follow, no_folder, open_to_write},
};
use crate::{error_chain, store::sql::OpenError};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The number of attempts to take a lock.
///
/// A command that looks for a server holds the lock for a moment.
const ATTEMPTS: u32 = 10;
/// The number of attempts to lock a database file that stores without a server lock use: ten seconds.
///
/// Most commands end sooner. One that runs longer, such as an import, is named in the error.
const ATTEMPTS_BESIDE_STORES: u32 = 500;
/// The time between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// The lock that a server holds while it uses an SQLite file.
///
/// The operating system releases it when the process ends, even after a crash. So a lock never becomes stale.
///
/// It is on a separate file beside the database, `PATH.lock`. On Linux it is also on the database file itself, since a
/// hard link to the file, or a bind mount of that file alone, has another path. A server at another path would use
/// another WAL, and each server would overwrite the messages of the other. On a network file system the database file
/// is not locked, because such a lock and the locks of SQLite exclude each other there.
///
/// # Examples
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("chat.db");
/// use chat_core::store::sql::{Options, ServerLock, connect};
///
/// let lock = ServerLock::take(&file).await?;
/// let url = format!("sqlite://{}", file.display());
/// let store = connect(&url, &Options::default().server_lock(lock)).await?;
/// assert!(ServerLock::take(&file).await.is_err(), "the store holds it");
/// store.close().await;
/// ServerLock::take(&file).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ServerLock(Arc<LockHandles>);

#[derive(Debug)]
struct LockHandles {
    real: PathBuf,
    database: OnceLock<(FileId, File)>,
    /// Released last: a command that finds the database locked looks for this lock.
    _lock_file: File,
}

impl Drop for LockHandles {
    fn drop(&mut self) {
        if let Some((id, handle)) = self.database.take() {
            OpenFiles::lock().close(id, handle);
        }
    }
}

impl ServerLock {
    /// Takes the lock of the database at this path, following symbolic links.
    ///
    /// If the database does not exist yet, its file is locked later, when it is opened with this lock in
    /// [`Options`](crate::store::sql::Options). Must be called within a Tokio runtime that has time enabled.
    ///
    /// # Errors
    /// - [`OpenError::Served`] or [`OpenError::ServedElsewhere`] if another server holds the lock, or if a store of this
    ///   process has the database open without it.
    /// - [`OpenError::InUse`] on Linux, if stores of other processes have the database open without the lock for ten
    ///   seconds.
    /// - [`OpenError::NoFolder`] or [`OpenError::Directory`] if there cannot be a file at the path.
    /// - [`OpenError::FileSystem`] if the file system does not support locks.
    /// - [`OpenError::LockFile`], [`OpenError::NotOwner`], [`OpenError::ReadOnly`], [`OpenError::DiskFull`] or
    ///   [`OpenError::File`] if the lock file or the database cannot be opened for writing.
    pub async fn take(database: &Path) -> Result<Self, OpenError> {
        let name = database.display().to_string();
        let real = follow(database).map_err(|error| no_folder(&name, error))?;
        if real.is_dir() {
            return Err(OpenError::Directory(name));
        }
        let path = beside(&real, ".lock");
        let lock_file = open_lock_file(&path, &real)?;
        let attempt = || match lock_file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => {
                Err(OpenError::FileSystem(path.display().to_string(), Arc::new(error)))
            }
        };
        if !until_locked(attempt).await? {
            return Err(OpenError::Served(name));
        }
        let exists = real.exists();
        let lock = Self(Arc::new(LockHandles { real, database: OnceLock::new(), _lock_file: lock_file }));
        if exists {
            lock.hold(&lock.0.real, &name).await?;
        }
        Ok(lock)
    }

    /// Locks the database file, which exists.
    pub(super) async fn hold(&self, real: &Path, name: &str) -> Result<(), OpenError> {
        if self.0.real != real {
            return Err(OpenError::OtherLock(name.to_owned()));
        }
        let mut attempts = 0;
        loop {
            let (limit, error) = match self.try_hold(name)? {
                Holder::This => return Ok(()),
                Holder::Server => (ATTEMPTS, OpenError::ServedElsewhere as fn(_) -> _),
                Holder::Stores => (ATTEMPTS_BESIDE_STORES, OpenError::InUse as fn(_) -> _),
            };
            attempts += 1;
            if attempts >= limit {
                return Err(error(name.to_owned()));
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    /// Tries once to lock the database file. Returns who has locked it.
    fn try_hold(&self, name: &str) -> Result<Holder, OpenError> {
        let open = OpenFiles::lock();
        let real = &self.0.real;
        let failed = |error| denied(real, error);
        let id = FileId::of_path(real).map_err(failed)?;
        if let Some((held, _)) = self.0.database.get() {
            return if *held == id { Ok(Holder::This) } else { Err(OpenError::Moved(name.to_owned())) };
        }
        if open.path(id).is_some() {
            // A store of this process has the file open without this lock. Closing a handle would release its locks.
            return Err(OpenError::Served(name.to_owned()));
        }
        let handle = open_to_write(real)?;
        let id = FileId::of(&handle.metadata().map_err(failed)?);
        match flock(&handle, File::try_lock) {
            Flock::Taken => Ok(match flock_shared(&handle) {
                Flock::Taken => Holder::Server,
                Flock::Held => Holder::Stores,
            }),
            Flock::Held => {
                self.0.database.set((id, handle)).ok();
                Ok(Holder::This)
            }
        }
    }
}

/// Who has locked a database file.
enum Holder {
    /// This server lock.
    This,
    /// Another server.
    Server,
    /// Stores without a server lock, in other processes.
    Stores,
}

/// Calls `attempt` until it succeeds, but at most [`ATTEMPTS`] times.
async fn until_locked(mut attempt: impl FnMut() -> Result<bool, OpenError>) -> Result<bool, OpenError> {
    for _ in 1..ATTEMPTS {
        if attempt()? {
            return Ok(true);
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
    attempt()
}

/// Opens the lock file, and creates it if necessary.
///
/// If root creates it beside a database of another user, it gets the owner of the database. Otherwise that user could
/// not start a server later. A file that exists keeps its owner, because it may be a symbolic link to any file.
fn open_lock_file(path: &Path, database: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            give_to_owner(&file, database);
            return Ok(file);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(OpenError::LockFile(path.display().to_string(), Arc::new(error)));
        }
        Err(error) => return Err(denied(path, error)),
    }
    options.create(true).open(path).map_err(|error| denied(path, error))
}

/// Makes the owner of the database the owner of a new file, if root has created it.
#[cfg(unix)]
fn give_to_owner(file: &File, database: &Path) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    if rustix::process::geteuid().is_root()
        && let Ok(data) = std::fs::metadata(database)
    {
        // Not every file system has owners.
        fchown(file, Some(data.uid()), Some(data.gid())).ok();
    }
}

#[cfg(not(unix))]
fn give_to_owner(_: &File, _: &Path) {}

/// The outcome of an attempt to lock a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flock {
    /// This handle holds the lock, or the file system has no usable locks.
    Held,
    /// Another handle holds the lock.
    Taken,
}

/// Checks whether another handle has locked the file exclusively.
///
/// If not, this handle gets a shared lock, and keeps it until it is closed.
pub(super) fn flock_shared(handle: &File) -> Flock {
    flock(handle, File::try_lock_shared)
}

/// Locks a database file through `take`.
///
/// Does nothing if this would interfere with the locks of SQLite.
fn flock(handle: &File, take: impl Fn(&File) -> Result<(), TryLockError>) -> Flock {
    if !has_separate_locks(handle) {
        return Flock::Held;
    }
    match take(handle) {
        Ok(()) => Flock::Held,
        Err(TryLockError::WouldBlock) => Flock::Taken,
        Err(TryLockError::Error(error)) => {
            tracing::warn!(
                error = %error_chain(&error),
                "cannot lock the database file itself; the lock file beside it is the only lock",
            );
            Flock::Held
        }
    }
}

/// Returns whether the locks of `flock` and those of SQLite are separate.
///
/// SQLite uses POSIX locks. Separate locks do not exclude each other. They are separate on Linux, except on network
/// file systems; see flock(2).
#[cfg(target_os = "linux")]
fn has_separate_locks(handle: &File) -> bool {
    /// NFS, SMB 1, CIFS, SMB 2 and 9P; see statfs(2).
    const NETWORK: [u32; 5] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997];
    // The type of the number differs between platforms; 32 bits hold each of these.
    rustix::fs::fstatfs(handle).is_ok_and(|system| !NETWORK.contains(&(system.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn has_separate_locks(_: &File) -> bool {
    false
}

/// Returns whether a server holds the lock file of this path.
///
/// Returns `true` as well if this user may not open the lock file, because a server may hold it then.
pub(super) fn is_served_here(real: &Path) -> bool {
    match File::open(beside(real, ".lock")) {
        Ok(lock_file) => matches!(lock_file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::{Options, connect, open};
    use std::fs;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        (folder, file)
    }

    fn url(file: &Path) -> String {
        format!("sqlite://{}", file.display())
    }

    #[tokio::test]
    async fn a_file_has_one_lock_under_all_its_paths() {
        let (folder, file) = folder();
        let folder = folder.path();
        let held = ServerLock::take(&file).await.unwrap();
        assert!(!file.exists(), "the database itself is not created");
        #[cfg(unix)]
        {
            let link = folder.join("link.db");
            std::os::unix::fs::symlink("chat.db", &link).unwrap();
            assert!(matches!(ServerLock::take(&link).await, Err(OpenError::Served(_))));
            fs::write(&file, "").unwrap();
            let again = ServerLock::take(&link).await;
            assert!(matches!(again, Err(OpenError::Served(_))), "the same once the database exists");
        }
        assert!(matches!(ServerLock::take(&folder.join("./chat.db")).await, Err(OpenError::Served(_))));
        ServerLock::take(&folder.join("other.db")).await.unwrap();
        drop(held);
        ServerLock::take(&file).await.unwrap();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_hard_link_has_the_lock_of_its_file_until_the_store_is_closed() {
        let (folder, file) = folder();
        let link = folder.path().join("link.db");
        let lock = ServerLock::take(&file).await.unwrap();
        let store = connect(&url(&file), &Options::default().server_lock(lock)).await.unwrap();
        fs::hard_link(&file, &link).unwrap();
        assert!(ServerLock::take(&link).await.is_err());
        assert!(matches!(open(&url(&link), &Options::default()).await, Err(OpenError::ServedElsewhere(_))));
        store.close().await;
        ServerLock::take(&link).await.unwrap();
    }

    #[tokio::test]
    async fn the_lock_of_another_file_is_refused() {
        let (folder, file) = folder();
        let lock = ServerLock::take(&folder.path().join("other.db")).await.unwrap();
        let opened = connect(&url(&file), &Options::default().server_lock(lock)).await;
        assert!(matches!(opened, Err(OpenError::OtherLock(_))), "{opened:?}");
    }

    #[tokio::test]
    async fn a_missing_folder_is_named() {
        let (folder, _) = folder();
        let refusal = ServerLock::take(&folder.path().join("no/chat.db")).await.unwrap_err().to_string();
        assert!(refusal.starts_with("there is no folder for"), "{refusal}");
    }

    /// A command that looks for a server holds the lock for a moment.
    #[tokio::test]
    async fn a_server_starts_although_a_command_looks_for_it() {
        let (_folder, file) = folder();
        drop(ServerLock::take(&file).await.unwrap());
        let looking = File::open(beside(&file, ".lock")).unwrap();
        looking.try_lock_shared().unwrap();
        let (taken, ()) = tokio::join!(ServerLock::take(&file), async { drop(looking) });
        taken.unwrap();
    }

    /// Opens a database file and locks it, as a command of another process does.
    #[cfg(target_os = "linux")]
    fn command(file: &Path) -> File {
        fs::write(file, "").unwrap();
        let command = File::open(file).unwrap();
        assert_eq!(flock_shared(&command), Flock::Held);
        command
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn a_server_waits_for_the_end_of_a_command() {
        let (_folder, file) = folder();
        let command = command(&file);
        let end = async {
            tokio::time::sleep(RETRY_DELAY * (ATTEMPTS + 1)).await;
            drop(command);
        };
        let (taken, ()) = tokio::join!(ServerLock::take(&file), end);
        taken.unwrap();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn a_command_that_does_not_end_is_named() {
        let (_folder, file) = folder();
        let _command = command(&file);
        let refused = ServerLock::take(&file).await;
        assert!(matches!(refused, Err(OpenError::InUse(_))), "{refused:?}");
    }

    /// Returns the number of POSIX locks of this process on a file.
    #[cfg(target_os = "linux")]
    fn posix_locks(file: &Path) -> usize {
        let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(file).unwrap());
        let (process, inode) = (format!(" {} ", std::process::id()), format!(":{inode} "));
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let of_file =
            |line: &&str| line.contains("POSIX") && line.contains(&process) && line.contains(&inode);
        locks.lines().filter(of_file).count()
    }

    /// A process that closes any handle of a file loses its POSIX locks on the file.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_locks_of_sqlite_survive_other_uses_of_the_file_by_this_process() {
        let (folder, file) = folder();
        let store = open(&url(&file), &Options::default()).await.unwrap();
        let held = posix_locks(&file);
        assert!(held > 0, "SQLite holds a lock on the file");
        let link = folder.path().join("link.db");
        fs::hard_link(&file, &link).unwrap();

        open(&url(&file), &Options::default()).await.unwrap().close().await;
        assert_eq!(posix_locks(&file), held, "a second store was opened and closed");
        assert!(ServerLock::take(&file).await.is_err());
        assert_eq!(posix_locks(&file), held, "a server lock was refused");
        assert!(open(&url(&link), &Options::default()).await.is_err());
        crate::store::sql::examine(&url(&file), &Options::default()).await.unwrap();
        assert_eq!(posix_locks(&file), held, "the file was examined");
        let copy = folder.path().join("copy.db");
        crate::store::sql::restore(&url(&copy), &file).await.unwrap();
        assert_eq!(posix_locks(&file), held, "the file was the backup of another database");
        store.close().await;
        assert_eq!(posix_locks(&file), 0);

        let lock = ServerLock::take(&file).await.unwrap();
        let served = connect(&url(&file), &Options::default().server_lock(lock)).await.unwrap();
        let beside = open(&url(&file), &Options::default()).await.unwrap();
        served.close().await;
        assert_eq!(posix_locks(&file), held, "the store with the lock was closed before the other one");
        beside.close().await;
        ServerLock::take(&file).await.unwrap();
    }
}
