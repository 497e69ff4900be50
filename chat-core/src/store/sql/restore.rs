//! Restores an SQLite database from a backup.

#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{Address, AddressPart, Mode, OpenError, Remedy};
use crate::store::Source;
use std::path::{Path, PathBuf};

/// The result of [`restore`], which alone creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The new names of the old files.
    ///
    /// The database, its WAL and its rollback journal are kept, each if it is not empty. The list is empty if there was
    /// no such file.
    pub kept: Vec<PathBuf>,
}

/// The reason why a backup cannot be restored.
///
/// [`hint`](Self::hint) returns what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The address or the path of the database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The database is on Postgres, which has its own tools for backups.
    #[error("a Postgres database cannot be restored by this program")]
    Postgres,
    /// The database is in memory and has no file.
    #[error("a database in memory cannot be restored")]
    Memory,
    /// The backup cannot be read, is damaged, or has an unknown schema.
    #[error("cannot restore the backup")]
    Backup(#[source] OpenError),
    /// The backup has no tables of a chat.
    #[error("{0} has no tables of a chat")]
    NoSchema(String),
    /// The backup is the database itself.
    #[error("{0} is the database itself, not a backup")]
    Same(String),
    /// Another program has the database open.
    #[error("{0} is in use by another program")]
    InUse(String),
    /// A file cannot be written or renamed. The text says what failed.
    #[error("cannot {0}")]
    Write(String, #[source] Source),
    /// The backup is in place, but a file of the old database is still beside it.
    ///
    /// If the file is a WAL that is not empty, the database cannot be opened until the WAL is removed.
    #[error("cannot remove {0}; it belongs to the old database")]
    Leftover(String, #[source] Source),
}

impl RestoreError {
    /// Returns what to do about the error, in the imperative.
    ///
    /// Returns `None` if there is no advice beyond the sources of the error.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Database(error) => return error.hint(),
            Self::Postgres => {
                "stop the servers, and restore a dump of pg_dump into a new database with pg_restore or psql"
            }
            Self::Memory => "use a database in a file",
            Self::Backup(OpenError::Newer { .. }) => "use a newer version of this program",
            Self::Backup(OpenError::Missing(_)) => "check its path",
            Self::Backup(_) | Self::NoSchema(_) | Self::Same(_) => "name another backup",
            Self::InUse(_) => "end that program, such as another command or an SQLite shell, and try again",
            Self::Write(..) => {
                "restore as the owner of the database, and check the free space and the rights of its folder"
            }
            Self::Leftover(..) => "restore again as the owner of the database",
        })
    }

    /// Returns the operations and settings that the [`hint`](Self::hint) recommends, in order.
    pub const fn remedies(&self) -> &'static [Remedy] {
        match self {
            Self::Database(error) => error.remedies(),
            Self::Memory => &[Remedy::OtherDatabase],
            _ => &[],
        }
    }
}

/// Replaces the SQLite database at `url` with a copy of `backup`.
///
/// `backup` is a file of [`Store::backup`](crate::store::Store::backup), or another SQLite database of a chat. It is
/// checked and not changed. Its schema may be older than that of this program: it is migrated when the database is
/// opened. The copy belongs to the owner of the old database.
///
/// The old files are kept under the name of the database with `.before-restore-N`. If the process is killed at any
/// point, either the old database is in place or the new one. If the old WAL is still beside the new database and is
/// not empty, the new database cannot be opened until the call is repeated.
///
/// No store of this process may have the database or the backup open. The caller holds the
/// [`ServerLock`](super::ServerLock), if servers use the database. The call refuses a database that another program has
/// open. Must be called within a Tokio runtime.
///
/// # Examples
/// ```
/// # #[cfg(feature = "sqlite")]
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let (database, backup) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
/// use chat_core::store::sql::{self, Options};
///
/// let url = format!("sqlite://{}", database.display());
/// let store = sql::open(&url, &Options::default()).await?;
/// store.backup(&backup).await?;
/// store.close().await;
///
/// let lock = sql::ServerLock::take(&database).await?;
/// let restored = sql::restore(&url, &backup).await?;
/// assert!(restored.kept[0].ends_with("chat.db.before-restore-1"));
/// drop(lock);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`RestoreError`] that names the failure. The database is unchanged, except after [`RestoreError::Leftover`].
pub async fn restore(url: &str, backup: &Path) -> Result<Restored, RestoreError> {
    match Address::parse(url)? {
        Address::Postgres => Err(RestoreError::Postgres),
        Address::Memory => Err(RestoreError::Memory),
        Address::File(_, Mode::ReadOnly) => {
            Err(OpenError::InvalidParameter(AddressPart::Parameter("mode".to_owned())).into())
        }
        Address::File(path, _) => restore_file(path, backup).await,
    }
}

#[cfg(feature = "sqlite")]
async fn restore_file(database: &Path, backup: &Path) -> Result<Restored, RestoreError> {
    let kept = sqlite::restore::restore(database, backup).await?;
    Ok(Restored { kept })
}

#[cfg(not(feature = "sqlite"))]
async fn restore_file(_: &Path, _: &Path) -> Result<Restored, RestoreError> {
    Err(OpenError::NotBuiltIn("SQLite").into())
}
